using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>A step under manual optimisation: its backward passes and updates come in the order you write them.</summary>
public sealed class ManualStep : TrainStep
{
    readonly Fabric _fabric;

    internal ManualStep(TrainingRun run, TensorScope scope, Fabric fabric) : base(run, scope) => _fabric = fabric;

    /// <summary>The optimizers, in the order they were configured.</summary>
    public IReadOnlyList<RunOptimizer> Optimizers => Run.Optimizers;

    /// <summary>
    /// One whole update of the optimizer made for <paramref name="module"/>: computes the loss with only that optimizer's parameters wanting
    /// gradients, runs backward, clips, updates, moves its schedule on.
    /// </summary>
    /// <param name="module">The module the optimizer was configured with.</param>
    /// <param name="loss">Computes the loss: a scalar with a gradient.</param>
    /// <returns>The loss, freed with the step.</returns>
    public Tensor Update(Module module, Func<Tensor> loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        var optimizer = OptimizerOf(module);
        using var others = new Frozen(Run.Optimizers, optimizer);
        Tensor value;
        using (_fabric.Forward()) value = loss();
        Backward(value);
        optimizer.Step();
        return value;
    }

    /// <summary>Accumulates gradients of the loss, times <paramref name="scale"/>.</summary>
    public void Backward(Tensor loss, double scale = 1.0) => _fabric.Backward(loss, scale);

    /// <summary>The optimizer that was configured with this module.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public RunOptimizer OptimizerOf(Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        foreach (var optimizer in Run.Optimizers)
            if (ReferenceEquals(optimizer.Module, module)) return optimizer;
        throw new ArgumentException(
            $"No optimizer was configured with this {module.GetName()}; there are optimizers of {string.Join(", ", Run.Optimizers.Select(o => o.Module.GetName()))}. Return one from ConfigureOptimizers.", nameof(module));
    }

    /// <summary>Keeps the parameters of all optimizers but one from wanting gradients, so that backward neither computes nor accumulates them.</summary>
    readonly ref struct Frozen
    {
        readonly List<Tensor> _parameters = [];

        public Frozen(IReadOnlyList<RunOptimizer> all, RunOptimizer active)
        {
            if (all.Count == 1) return;
            var mine = active.Groups.SelectMany(g => g.Parameters).Select(p => p.Value.Handle).ToHashSet();
            foreach (var (_, parameter) in all.Where(o => o != active).SelectMany(o => o.Groups).SelectMany(g => g.Parameters))
            {
                if (mine.Contains(parameter.Handle) || !parameter.requires_grad) continue;
                parameter.requires_grad = false;
                _parameters.Add(parameter);
            }
        }

        public void Dispose()
        {
            foreach (var parameter in _parameters) parameter.requires_grad = true;
        }
    }
}
