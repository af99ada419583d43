using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>An optimizer at work: its fused state, its schedule, the loss scale and the clipping of the run.</summary>
/// <remarks>
/// The straight line of an update is: measure the gradients (one read pass, only where clipping or a loss scale asks) → derive one factor for
/// unscaling and clipping → update, with that factor folded into the update's own pass → drop the gradients.
/// </remarks>
public sealed class RunOptimizer : IDisposable
{
    readonly LearningRateSchedule _schedule;
    readonly double[] _baseRates;
    readonly long? _totalSteps;
    readonly Clip _clip;

    internal RunOptimizer(OptimizerRequest request, Clip clip, LossScaler? scaler, long? totalSteps, IReadOnlyDictionary<string, Tensor>? masters)
    {
        Module = request.Module;
        Fused = new FusedOptimizer(request.Algorithm, request.Groups(), new FusedOptimizerOptions { Masters = masters });
        _schedule = request.Schedule;
        _baseRates = [.. Fused.Groups.Select(g => g.LearningRate)];
        _totalSteps = totalSteps;
        _clip = clip;
        Scaler = scaler;
        SetLearningRates();
    }

    /// <summary>The module whose parameters it updates.</summary>
    public Module Module { get; }

    /// <summary>The parameter groups, with their current learning rates.</summary>
    public IReadOnlyList<ParameterGroup> Groups => Fused.Groups;

    /// <summary>Updates done; steps skipped by the loss scaler are not counted.</summary>
    public long Updates => Fused.Updates;

    internal FusedOptimizer Fused { get; }

    internal LossScaler? Scaler { get; }

    internal double GradientRescale { get; set; } = 1;

    internal double? LastGradientNorm { get; private set; }

    internal Action<RunOptimizer>? BeforeStep { get; set; }

    internal Action<RunOptimizer>? BeforeClear { get; set; }

    internal Action<RunOptimizer>? OwnClipping { get; set; }

    internal Action<RunOptimizer>? OwnClearing { get; set; }

    internal Action<RunOptimizer>? OwnSchedule { get; set; }

    /// <summary>Moves the schedule on.</summary>
    public void AdvanceSchedule() => SetLearningRates();

    internal bool MeasuresGradients => _clip.ByNorm || Scaler is not null;

    /// <summary>One read pass over the gradients: their norm as the model sees it (unscaled), and whether all are finite.</summary>
    internal GradientNorm Measure() => Fused.MeasureGradients();

    /// <summary>Unscales, clips and updates in one pass, moves the schedule on, and drops the gradients.</summary>
    /// <param name="rescale">A factor the gradients still need, such as for a short accumulation window; 1 for none.</param>
    /// <returns>The gradients' norm before clipping, where it was measured.</returns>
    public double? Step(double rescale = 1.0)
    {
        BeforeStep?.Invoke(this);
        LastGradientNorm = Update(rescale * GradientRescale);
        GradientRescale = 1;
        return LastGradientNorm;
    }

    double? Update(double rescale)
    {
        double? norm = null;
        var scale = rescale;
        if (Scaler is not null) scale /= Scaler.Scale;
        if (MeasuresGradients)
        {
            var measured = Measure();
            norm = measured.Norm * scale;
            if (Scaler is not null)
            {
                Scaler.Update(overflow: !measured.IsFinite);
                if (!measured.IsFinite)
                {
                    // The step is skipped, and the schedule with it.
                    Fused.ClearGradients();
                    return norm;
                }
            }
            scale *= _clip.ScaleFor(norm.Value);
        }
        Fused.Step(scale, _clip.ElementLimit);
        BeforeClear?.Invoke(this);
        if (OwnClearing is { } clear) clear(this);
        else Fused.ClearGradients();
        if (OwnSchedule is { } schedule) schedule(this);
        else SetLearningRates();
        return norm;
    }

    /// <summary>Drops the gradients without an update.</summary>
    public void ClearGradients() => Fused.ClearGradients();

    /// <summary>Sets each group's rate for the coming update: base rate × the schedule's factor.</summary>
    internal void SetLearningRates()
    {
        var factor = _schedule.Factor(Fused.Updates, _totalSteps);
        for (var i = 0; i < _baseRates.Length; i++) Fused.Groups[i].LearningRate = _baseRates[i] * factor;
    }

    /// <summary>The rate the schedule gave a group for the update done last; before the first, for that one.</summary>
    internal double LastLearningRate(int group) => _baseRates[group] * _schedule.Factor(Math.Max(0, Fused.Updates - 1), _totalSteps);

    /// <summary>Frees the optimizer's state.</summary>
    public void Dispose() => Fused.Dispose();
}
