using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>The parts of a training step that are timed, and validation.</summary>
public enum TimedPhase
{
    /// <summary>Waiting for a batch and bringing it to the device: what lies between two microbatches.</summary>
    Data,

    /// <summary>The training step up to its loss.</summary>
    Forward,

    /// <summary>The backward pass.</summary>
    Backward,

    /// <summary>Clipping, the update, the schedule.</summary>
    Optimizer,

    /// <summary>A whole optimizer step: data, forward, backward of all its microbatches, and the update.</summary>
    Step,

    /// <summary>A whole validation.</summary>
    Validation,
}

/// <summary>
/// Times the phases of the steps, with means and percentiles, and ends training when a time budget is spent. Costs six readings of the clock a step.
/// </summary>
/// <remarks>
/// Times are the host's: on an accelerator that computes on its own they say how long work took to be launched. Under manual optimisation only data, steps and
/// validations can be told apart. What is timed is this process's; the budget holds over all resumes.
/// </remarks>
public sealed class TrainingTimer : Callback
{
    readonly DurationHistogram[] _phases = [.. Enum.GetValues<TimedPhase>().Select(_ => new DurationHistogram())];
    long _mark;
    long _stepBegan;
    long _validationBegan;

    /// <summary>Times only.</summary>
    public TrainingTimer() { }

    /// <summary>Times, and asks to stop once this much training time is spent.</summary>
    public TrainingTimer(TimeSpan budget)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(budget, TimeSpan.Zero);
        Budget = budget;
    }

    /// <summary>Training time after which the run stops at the end of a step; null for no bound.</summary>
    public TimeSpan? Budget { get; }

    /// <summary>How often a phase was timed.</summary>
    public long Count(TimedPhase phase) => _phases[(int)phase].Count;

    /// <summary>The mean time of a phase; zero before the first.</summary>
    public TimeSpan Mean(TimedPhase phase) => Time(_phases[(int)phase].Mean);

    /// <summary>The time that a share of a phase's occurrences stayed within, to 3 %; zero before the first.</summary>
    /// <param name="phase">Which phase.</param>
    /// <param name="share">In [0, 1]: 0.5 is the median.</param>
    public TimeSpan Percentile(TimedPhase phase, double share)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1.0);
        return Time(_phases[(int)phase].Percentile(share));
    }

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        foreach (var phase in _phases) phase.Clear();
        _stepBegan = _mark = Stopwatch.GetTimestamp();
    }

    /// <inheritdoc/>
    public override void OnTrainEpochStart(TrainEpoch epoch) => _stepBegan = _mark = Stopwatch.GetTimestamp();

    /// <inheritdoc/>
    public override void OnTrainBatchStart(TrainStep step) => Lap(TimedPhase.Data);

    /// <inheritdoc/>
    public override void OnBeforeBackward(TrainStep step, Tensor loss) => Lap(TimedPhase.Forward);

    /// <inheritdoc/>
    public override void OnAfterBackward(TrainStep step) => Lap(TimedPhase.Backward);

    /// <inheritdoc/>
    public override void OnBeforeOptimizerStep(TrainStep step, RunOptimizer optimizer) => _mark = Stopwatch.GetTimestamp();

    /// <inheritdoc/>
    public override void OnTrainStepEnd(TrainStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step is not ManualStep) Lap(TimedPhase.Optimizer);
        else _mark = Stopwatch.GetTimestamp();
        _phases[(int)TimedPhase.Step].Add(_mark - _stepBegan);
        _stepBegan = _mark;
        if (Budget is { } budget && step.Run.Elapsed >= budget) step.Run.RequestStop($"the time budget of {ReadableText.Duration(budget)} is spent");
    }

    /// <inheritdoc/>
    public override void OnValidationStart(EvalEpoch epoch) => _validationBegan = Stopwatch.GetTimestamp();

    /// <inheritdoc/>
    public override void OnValidationEnd(EvalEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        // The next step begins after the validation, not with it.
        _stepBegan = _mark = Stopwatch.GetTimestamp();
        if (epoch.Phase == EvalPhase.Validation) _phases[(int)TimedPhase.Validation].Add(_mark - _validationBegan);
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        run.Logger.LogInformation("{Times}", ToString());
    }

    /// <summary>A table: a row for each phase that occurred, with its count, mean, median, 90th and 99th percentile.</summary>
    public override string ToString()
    {
        var table = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{"phase",-12}{"count",12}{"mean",12}{"p50",12}{"p90",12}{"p99",12}");
        foreach (var phase in Enum.GetValues<TimedPhase>())
        {
            if (Count(phase) == 0) continue;
            table.Append(CultureInfo.InvariantCulture, $"\n{phase.ToString().ToLowerInvariant(),-12}{Count(phase),12:N0}{ReadableText.Timing(Mean(phase)),12}{ReadableText.Timing(Percentile(phase, 0.5)),12}{ReadableText.Timing(Percentile(phase, 0.9)),12}{ReadableText.Timing(Percentile(phase, 0.99)),12}");
        }
        return table.ToString();
    }

    void Lap(TimedPhase phase)
    {
        var now = Stopwatch.GetTimestamp();
        _phases[(int)phase].Add(now - _mark);
        _mark = now;
    }

    static TimeSpan Time(double timestampTicks) => TimeSpan.FromSeconds(timestampTicks / Stopwatch.Frequency);
}
