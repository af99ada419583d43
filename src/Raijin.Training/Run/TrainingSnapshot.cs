using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>A copy in memory of what a step changes: weights, buffers and the optimizers' state. Not the place in the data, nor the random state, unless asked for.</summary>
sealed class TrainingSnapshot : IDisposable
{
    readonly Dictionary<string, Tensor> _model = new(StringComparer.Ordinal);
    readonly List<OptimizerScalars> _scalars = [];
    readonly List<Dictionary<string, Tensor>> _states = [];
    RandomState? _random;

    TrainingSnapshot() { }

    /// <summary>Copies the run as it is.</summary>
    public static TrainingSnapshot Of(TrainingRun run)
    {
        var snapshot = new TrainingSnapshot();
        snapshot.Take(run);
        return snapshot;
    }

    /// <summary>Copies a model alone, with the random state.</summary>
    public static TrainingSnapshot Of(nn.Module model)
    {
        var snapshot = new TrainingSnapshot { _random = RandomState.Capture() };
        snapshot.CopyModel(model);
        return snapshot;
    }

    /// <summary>Copies the run as it is now into the same memory.</summary>
    public void Take(TrainingRun run)
    {
        CopyModel(run.Module);
        _scalars.Clear();
        for (var i = 0; i < run.Optimizers.Count; i++)
        {
            var state = run.Optimizers[i].CaptureState();
            _scalars.Add(state.Scalars);
            if (_states.Count == i) _states.Add(new(StringComparer.Ordinal));
            foreach (var (key, tensor) in state.Tensors) Copy(_states[i], key, tensor);
        }
    }

    /// <summary>Puts the run's weights and optimizers back to the copy, in place.</summary>
    public void Restore(TrainingRun run)
    {
        RestoreModel(run.Module);
        for (var i = 0; i < run.Optimizers.Count; i++)
        {
            run.Optimizers[i].LoadState(new OptimizerState(_scalars[i], _states[i].Select(t => (t.Key, t.Value))));
            run.Optimizers[i].AdvanceSchedule();
        }
    }

    /// <summary>Puts a model back to the copy, in place, and the random state if it was copied.</summary>
    public void RestoreModel(nn.Module model)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (key, tensor) in model.state_dict()) tensor.copy_(_model[key]);
        _random?.Restore();
    }

    public void Dispose()
    {
        foreach (var copy in _model.Values.Concat(_states.SelectMany(s => s.Values))) copy.Dispose();
        _model.Clear();
        _states.Clear();
    }

    void CopyModel(nn.Module model)
    {
        foreach (var (key, tensor) in model.state_dict()) Copy(_model, key, tensor);
    }

    static void Copy(Dictionary<string, Tensor> into, string key, Tensor tensor)
    {
        using var gradients = no_grad();
        if (into.TryGetValue(key, out var copy))
        {
            copy.copy_(tensor);
            return;
        }
        using var detached = tensor.detach();
        into[key] = detached.clone().DetachFromDisposeScope();
    }
}
