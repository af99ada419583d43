using System.Text.Json.Nodes;
using Raijin.Training;

namespace Raijin;

/// <summary>
/// Saves checkpoints: <em>when</em> is <see cref="Save"/>, <em>what to rank by</em> is <see cref="Monitor"/>, <em>what to keep</em> is <see cref="Keep"/> and
/// <see cref="KeepLast"/>. Every checkpoint holds the whole run and can be resumed bit for bit.
/// </summary>
public sealed class ModelCheckpoint : Callback
{
    long _savedAt = -1;

    /// <summary>When to save.</summary>
    /// <value>Default each epoch. The end of training, and an interrupt, always save what was not saved yet.</value>
    public Every Save { get; init; } = Every.Epochs(1);

    /// <summary>The metric that says which checkpoints are the best.</summary>
    /// <value>Default null: none is; the last ones are kept.</value>
    public Best? Monitor { get; init; }

    /// <summary>How many of the best are kept. Without a <see cref="Monitor"/> it has no effect.</summary>
    /// <value>Default 1. Lightning's <c>save_top_k</c>.</value>
    public int Keep { get; init; } = 1;

    /// <summary>How many of the newest are kept besides: the last good one is what a damaged one falls back to.</summary>
    /// <value>Default 2.</value>
    public int KeepLast { get; init; } = 2;

    /// <summary>Whether training goes on while a checkpoint is written: it stops only for a copy in memory.</summary>
    /// <value>Default true.</value>
    public bool InBackground { get; init; } = true;

    /// <summary>Whether a failure saves too, as <see cref="OnExceptionCheckpoint"/> does.</summary>
    /// <value>Default false. Lightning's <c>save_on_exception</c>.</value>
    public bool SaveOnException { get; init; }

    /// <summary>Whether <c>last</c> and <c>best</c> in the run's folder are links to the newest checkpoint and the one that ranks first.</summary>
    /// <value>Default true. Lightning's <c>save_last="link"</c>.</value>
    public bool Links { get; init; } = true;

    /// <summary>Where the run's checkpoints are copied to besides, on a thread of its own; a run resumed with nothing in its folder takes the newest from there.</summary>
    /// <value>Default null: nowhere.</value>
    public CheckpointStorage? MirrorTo { get; init; }

    /// <inheritdoc/>
    public override int Priority => 100;

    /// <inheritdoc/>
    public override string StateKey => $"{nameof(ModelCheckpoint)}({Monitor?.ToString() ?? "last"}, {Save})";

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults()
    {
        if (Keep < 0) yield return new("modelCheckpoint.keep", $"= {Keep}; allowed: 0 and more");
        if (KeepLast < 1) yield return new("modelCheckpoint.keepLast", $"= {KeepLast}; allowed: 1 and more, or a damaged checkpoint would leave nothing to go back to");
    }

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _savedAt = run.FirstStep;
        _lastSave = run.Elapsed;
        if (MirrorTo is { } storage && run.IsRankZero) _mirror = [new CheckpointMirror(storage, run.Logger)];
    }

    TimeSpan _lastSave;
    double? _best;
    // None or one: a run's, from its start to its end.
    CheckpointMirror[] _mirror = [];

    /// <inheritdoc/>
    public override void OnTrainStepEnd(TrainStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (!Save.CountsEpochs && Save.IsDueAfterStep(step.Run.Step, step.Run.Elapsed - _lastSave)) Request(step.Run);
    }

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        if (Save.IsDueAfterEpoch(epoch.Index)) Request(epoch.Run);
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (run.Step > _savedAt) Request(run);
    }

    /// <inheritdoc/>
    public override void OnException(TrainingRun? run, Exception error)
    {
        if (!SaveOnException || run is null || error is CheckpointException or InvalidOptionsException) return;
        run.RequestCheckpoint(new CheckpointRequest(StateKey, Monitor, new Retention(Monitor, Keep, KeepLast), InBackground: false) { Prefix = "exception" });
    }

    /// <inheritdoc/>
    public override void OnCheckpointSaved(TrainingRun run, CheckpointInfo checkpoint)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(checkpoint);
        foreach (var mirror in _mirror) mirror.Follow(checkpoint);
        if (!Links || run.Directory is not { } folder) return;
        RunLinks.Point(folder, RunLinks.Last, checkpoint.Path, run.Logger);
        if (Monitor is not { } monitor || !checkpoint.Metrics.TryGetValue(monitor.Metric, out var value) || double.IsNaN(value)) return;
        // Equal values: the later one is the better, as for what is kept.
        if (_best is { } best && monitor.IsBetter(best, value)) return;
        _best = value;
        RunLinks.Point(folder, RunLinks.Best, checkpoint.Path, run.Logger);
    }

    /// <inheritdoc/>
    public override void OnTeardown(RunSetup setup)
    {
        foreach (var mirror in _mirror) mirror.Dispose();
        _mirror = [];
    }

    /// <inheritdoc/>
    public override JsonObject? SaveState() => _best is { } best ? new() { ["best"] = BitConverter.DoubleToInt64Bits(best) } : null;

    /// <inheritdoc/>
    public override void LoadState(JsonObject state)
    {
        ArgumentNullException.ThrowIfNull(state);
        _best = BitConverter.Int64BitsToDouble((long)state["best"]!);
    }

    void Request(TrainingRun run)
    {
        _savedAt = run.Step;
        _lastSave = run.Elapsed;
        run.RequestCheckpoint(new CheckpointRequest(StateKey, Monitor, new Retention(Monitor, Keep, KeepLast), InBackground));
    }
}
