using Microsoft.Extensions.Logging;
using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Training;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>A fit under way, as hooks and callbacks see it: where it is, what was measured, and what one may ask of it.</summary>
public sealed class TrainingRun
{
    readonly Dictionary<string, double> _metrics = new(StringComparer.Ordinal);
    readonly List<CheckpointRequest> _requests = [];

    internal TrainingRun(RunPlan plan, Module module, ILogger logger, Fabric fabric)
    {
        Fabric = fabric;
        Plan = plan;
        Module = module;
        Logger = logger;
        Display = new RunDisplay(plan.Options, logger);
    }

    /// <summary>What was decided before the start: sizes, limits, devices, folders.</summary>
    public RunPlan Plan { get; }

    /// <summary>The model that is trained.</summary>
    public Module Module { get; }

    /// <summary>The run's folder; null in a fast development run.</summary>
    public string? Directory => Plan.Directory;

    /// <summary>Where messages go.</summary>
    public ILogger Logger { get; }

    /// <summary>This rank's number among those that train together, from 0.</summary>
    public int Rank => Peers.Rank;

    /// <summary>How many ranks train together.</summary>
    public int WorldSize => Peers.Size;

    /// <summary>Whether this is the rank that writes and prints for all: callbacks run on every rank, so one that writes asks this first.</summary>
    public bool IsRankZero => Peers.IsFirst;

    /// <summary>Optimizer steps done.</summary>
    public long Step { get; internal set; }

    /// <summary>The epoch under way; the first is 0.</summary>
    public long Epoch { get; internal set; }

    /// <summary>Microbatches of this epoch done.</summary>
    public long Batch { get; internal set; }

    /// <summary>Microbatches done, over all epochs.</summary>
    public long Batches { get; internal set; }

    /// <summary>Updates of weights done, over all optimizers: two for a step that moves two of them.</summary>
    public long Updates => Optimizers.Sum(o => o.Updates);

    /// <summary>Samples trained on, over all epochs and ranks.</summary>
    public long Samples { get; internal set; }

    /// <summary>Tokens trained on, over all epochs and ranks, as far as steps counted them with <see cref="TrainStep.CountTokens"/>.</summary>
    public long Tokens { get; internal set; }

    /// <summary>
    /// Training time so far, earlier parts of a resumed run included. Where several ranks train it is the first one's, as of the last step or validation: what is decided by
    /// it is decided alike on all.
    /// </summary>
    public TimeSpan Elapsed => Clock.Elapsed;

    /// <summary>The mean of a number over all ranks, on each of them: for what a callback decides by a value of its own rank. Every rank calls it; it waits for all.</summary>
    public double Mean(double value) => Peers.Mean(value);

    /// <summary>The step this process started from: 0, or the resumed checkpoint's.</summary>
    public long FirstStep { get; internal set; }

    /// <summary>Validation under way: batches done. Null outside validation.</summary>
    public long? ValidationBatch { get; internal set; }

    /// <summary>The latest value of everything logged for an epoch or a validation, by key; and of what callbacks logged.</summary>
    public IReadOnlyDictionary<string, double> Metrics => _metrics;

    /// <summary>The optimizers, in the order they were configured.</summary>
    public IReadOnlyList<RunOptimizer> Optimizers { get; internal set; } = [];

    /// <summary>L2 norm of the last step's gradients before clipping; null where nothing asked for it.</summary>
    public double? GradientNorm { get; internal set; }

    /// <summary>Why training is about to stop; null while it goes on.</summary>
    public string? StopReason { get; private set; }

    /// <summary>Whether somebody asked to stop.</summary>
    public bool ShouldStop => StopReason is not null;

    /// <summary>Optimizer steps of the whole fit, as its limits give them; null when only time or a stream's end stops it. Lightning's <c>estimated_stepping_batches</c>.</summary>
    public long? EstimatedSteps => Plan.EstimatedSteps;

    /// <summary>
    /// What holds the model where several ranks train it: whole or local values of its parameters, gradients and optimizer state, whatever the strategy; and what was moved for it. Null where this rank has all of it,
    /// and before the fit has set it up.
    /// </summary>
    public ShardedModel? Sharded => Fabric.Sharded(Module);

    internal Fabric Fabric { get; }

    internal Peers Peers => Fabric.Peers;

    internal RunClock Clock { get; set; } = null!;

    internal RunDisplay Display { get; }

    internal ProfileSession? Profile { get; set; }

    internal RankUsage? RankUsage { get; set; }

    /// <summary>What calls between ranks took; null until the end.</summary>
    internal CommsReport? Comms { get; set; }

    /// <summary>Optimizers with gradients that wait for more before an update.</summary>
    internal HashSet<RunOptimizer> WaitingForUpdate { get; } = [];

    internal MetricLog TrainLog { get; } = new();

    internal RichLog Rich { get; } = new();

    internal List<KeyValuePair<string, double>> StepValues { get; } = [];

    /// <summary>The value last logged under a key in training steps, as far as the host knows it, without waiting for a device.</summary>
    public IEnumerable<KeyValuePair<string, double>> LatestStepValues() =>
        TrainLog.Values.Where(v => v.Metric is null && !double.IsNaN(v.Last)).Select(v => KeyValuePair.Create(v.Key, v.Last));

    /// <summary>Asks to stop at the end of the step; where several ranks train, of the next one, and one rank's wish is enough for all. Obeyed once <see cref="TrainerOptions.MinEpochs"/> and <see cref="TrainerOptions.MinSteps"/> are reached.</summary>
    public void RequestStop(string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        StopReason ??= reason;
    }

    /// <summary>Asks for a checkpoint at the next boundary, where the state is whole: after the step, and after its validation if one is due. Every rank asks: all take part in it.</summary>
    public void RequestCheckpoint(CheckpointRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        _requests.Add(request);
    }

    /// <summary>Logs a number with the run's next written record, and keeps it among <see cref="Metrics"/>.</summary>
    public void Log(string key, double value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        _metrics[key] = value;
        StepValues.Add(new(key, value));
    }

    internal void SetMetric(string key, double value) => _metrics[key] = value;

    internal void ClearStop() => StopReason = null;

    internal bool HasRequests => _requests.Count > 0;

    internal IReadOnlyList<CheckpointRequest> TakeRequests()
    {
        if (_requests.Count == 0) return [];
        var taken = _requests.ToArray();
        _requests.Clear();
        return taken;
    }
}

/// <summary>A checkpoint somebody asked for.</summary>
/// <param name="By">Who asked; it is told what was written.</param>
/// <param name="Score">What to rank it by, read when it is written; null for none.</param>
/// <param name="Retention">What to keep of the checkpoints there are once it is written.</param>
/// <param name="InBackground">Whether training goes on while it is written.</param>
public sealed record CheckpointRequest(string By, Best? Score, Retention Retention, bool InBackground)
{
    /// <summary>What stands before the step in the checkpoint's name.</summary>
    /// <value>Default <c>step</c>: <c>step-00000460</c>.</value>
    public string Prefix { get; init; } = "step";
}
