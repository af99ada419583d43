using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>A copy in memory of what a step changes: weights, buffers and the optimizers' state, as far as this rank has them. Not the place in the data, nor the random state.</summary>
sealed class TrainingSnapshot : IDisposable
{
    readonly ModelParts _parts;
    readonly List<Tensor> _model = [];
    readonly List<OptimizerScalars> _scalars = [];
    readonly List<Dictionary<string, Tensor>> _states = [];

    TrainingSnapshot(TrainingRun run) => _parts = ModelParts.Updated(run.Module, run.Sharded);

    /// <summary>Copies the run as it is. Every rank calls it.</summary>
    public static TrainingSnapshot Of(TrainingRun run)
    {
        var snapshot = new TrainingSnapshot(run);
        snapshot.Take(run);
        return snapshot;
    }

    /// <summary>Copies the run as it is now into the same memory. Every rank calls it.</summary>
    public void Take(TrainingRun run)
    {
        using var none = no_grad();
        for (var i = 0; i < _parts.Count; i++)
        {
            if (_model.Count == i) _model.Add(_parts[i].Values.clone().DetachFromDisposeScope());
            else _model[i].copy_(_parts[i].Values);
        }
        _scalars.Clear();
        for (var i = 0; i < run.Optimizers.Count; i++)
        {
            var state = run.Optimizers[i].CaptureState();
            _scalars.Add(state.Scalars);
            if (_states.Count == i) _states.Add(new(StringComparer.Ordinal));
            foreach (var (key, tensor) in state.Tensors)
            {
                if (_states[i].TryGetValue(key, out var copy)) copy.copy_(tensor);
                else _states[i][key] = tensor.clone().DetachFromDisposeScope();
            }
        }
    }

    /// <summary>Puts the run's weights and optimizers back to the copy, in place. Every rank calls it.</summary>
    public void Restore(TrainingRun run)
    {
        using (no_grad())
            for (var i = 0; i < _parts.Count; i++) _parts[i].Values.copy_(_model[i]);
        _parts.Share();
        for (var i = 0; i < run.Optimizers.Count; i++)
        {
            run.Optimizers[i].LoadState(new OptimizerState(_scalars[i], _states[i].Select(t => (t.Key, t.Value))));
            run.Optimizers[i].AdvanceSchedule();
        }
    }

    public void Dispose()
    {
        foreach (var copy in _model.Concat(_states.SelectMany(s => s.Values))) copy.Dispose();
        _model.Clear();
        _states.Clear();
        _parts.Dispose();
    }
}
