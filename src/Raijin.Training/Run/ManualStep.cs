using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>A step under manual optimisation: its backward passes and updates come in the order you write them.</summary>
public sealed class ManualStep : TrainStep
{
    internal ManualStep(TrainingRun run, TensorScope scope, Fabric fabric) : base(run, scope, fabric) { }

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
        using var others = Toggle(module);
        Tensor value;
        using (Fabric.Forward()) value = loss();
        Run.Profile?.Mark(ProfilePhase.Backward);
        Backward(value);
        Run.Profile?.Mark(ProfilePhase.Optimizer);
        optimizer.Step();
        Run.Profile?.Mark(ProfilePhase.Forward);
        return value;
    }

    /// <summary>
    /// Accumulates the loss's gradients for the optimizer made for <paramref name="module"/> and updates with every <paramref name="every"/>th call, each
    /// loss counting for 1 / <paramref name="every"/>; the first of <paramref name="every"/> steps starts anew.
    /// </summary>
    /// <param name="module">The module the optimizer was configured with.</param>
    /// <param name="every">Losses that make one update, 1 and more.</param>
    /// <param name="loss">Computes the loss: a scalar with a gradient.</param>
    /// <returns>The loss, freed with the step; and whether the weights were updated.</returns>
    public (Tensor Loss, bool Updated) Accumulate(Module module, int every, Func<Tensor> loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(every);
        var optimizer = OptimizerOf(module);
        using var others = Toggle(module);
        Tensor value;
        using (Fabric.Forward()) value = loss();
        // By the batches of the run, so that a resumed run updates where the uninterrupted one would have. A checkpoint holds no gradients: none is taken
        // while some wait for their update.
        var updates = (Run.Batches + 1) % every == 0;
        Run.Profile?.Mark(ProfilePhase.Backward);
        Fabric.Models.Synchronizes = updates;
        Backward(value, 1.0 / every);
        Fabric.Models.Synchronizes = true;
        Run.Profile?.Mark(ProfilePhase.Optimizer);
        if (updates)
        {
            optimizer.Step();
            Run.WaitingForUpdate.Remove(optimizer);
        }
        else
        {
            Run.WaitingForUpdate.Add(optimizer);
        }
        Run.Profile?.Mark(ProfilePhase.Forward);
        return (value, updates);
    }

    /// <summary>
    /// Lets only the optimizer made for <paramref name="module"/> have gradients until the result is disposed: backward neither computes nor accumulates those of
    /// the others. Lightning's <c>toggle_optimizer</c>.
    /// </summary>
    public ToggledParameters Toggle(Module module) => new(Run.Optimizers, OptimizerOf(module));

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
}
