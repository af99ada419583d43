using Raijin.Collectives;
using Raijin.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

// Stands in for the engine until it is there: plain data parallelism, one all-reduce a parameter.
sealed class ShardedModel : IDisposable
{
    readonly Group _group;
    readonly IReadOnlyList<(string Name, Parameter Parameter)> _parameters;
    int _held;

    public ShardedModel(Module module, Strategy strategy, World world)
    {
        _group = world.Group;
        Module = module;
        Strategy = strategy;
        _parameters = [.. module.named_parameters()];
        using var none = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (_, value) in module.state_dict())
        {
            var flat = value.detach().contiguous().reshape(-1);
            _group.Broadcast(flat, 0);
            value.copy_(flat.view_as(value));
        }
    }

    public Module Module { get; }

    public Strategy Strategy { get; }

    public IParameterUpdater CreateOptimizer(OptimizerAlgorithm algorithm, IReadOnlyList<ParameterGroup> groups, IReadOnlyDictionary<string, Tensor>? masters) =>
        new FusedOptimizer(algorithm, groups, new FusedOptimizerOptions { Masters = masters });

    public IDisposable NoSync()
    {
        _held++;
        return new Release(this);
    }

    public void FinishBackward(CancellationToken cancellationToken = default)
    {
        if (_held > 0) return;
        using var none = no_grad();
        using var scope = NewDisposeScope();
        var present = tensor(_parameters.Select(p => p.Parameter.requires_grad && p.Parameter.grad is not null ? 1L : 0L).ToArray());
        _group.AllReduce(present, cancellationToken: cancellationToken);
        var counts = present.data<long>().ToArray();
        for (var i = 0; i < counts.Length; i++)
        {
            if (counts[i] == 0) continue;
            var parameter = _parameters[i].Parameter;
            var flat = parameter.grad is { } gradient ? gradient.reshape(-1).clone() : zeros_like(parameter).reshape(-1);
            _group.AllReduce(flat, ReduceOp.Mean, cancellationToken: cancellationToken);
            if (parameter.grad is { } there) there.copy_(flat.view_as(there));
            else parameter.grad = flat.view_as(parameter).DetachFromDisposeScope();
        }
    }

    public IDisposable Gather() => new Release(null);

    public void Dispose()
    {
    }

    sealed class Release(ShardedModel? model) : IDisposable
    {
        public void Dispose()
        {
            if (model is not null) model._held--;
        }
    }
}
