using Raijin.DeepSpeed;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>What a configuration file asks for at a number of ranks: everything decided, nothing done.</summary>
public sealed record DeepSpeedRun
{
    /// <summary>How many ranks train together.</summary>
    public required int Ranks { get; init; }

    /// <summary>Samples of an optimizer step over all ranks.</summary>
    public required long TrainBatchSize { get; init; }

    /// <summary>Samples of a forward pass of one rank: what its loader is to give.</summary>
    public required long MicroBatchSize { get; init; }

    /// <summary>Forward passes of an optimizer step.</summary>
    public required long GradientAccumulation { get; init; }

    /// <summary>The arithmetic.</summary>
    public required Precision Precision { get; init; }

    /// <summary>How the loss scale moves; null where there is none.</summary>
    public required LossScalerOptions? LossScale { get; init; }

    /// <summary>The largest norm of the gradients; 0 for no bound.</summary>
    public required double GradientClipping { get; init; }

    /// <summary>How the training state is divided.</summary>
    public required Strategy Strategy { get; init; }

    /// <summary>Where the file wants optimizer state: <c>none</c>, <c>cpu</c>, <c>nvme</c>.</summary>
    public required string OffloadOptimizer { get; init; }

    /// <summary>Where the file wants parameters: <c>none</c>, <c>cpu</c>, <c>nvme</c>.</summary>
    public required string OffloadParameters { get; init; }

    /// <summary>The optimizer; null where the file has none and the module's holds.</summary>
    public required DeepSpeedOptimizer? Optimizer { get; init; }

    /// <summary>The schedule; null where the file has none.</summary>
    public required DeepSpeedSchedule? Schedule { get; init; }

    /// <summary>How often values are written, in steps; null where the file does not say.</summary>
    public required long? LogSteps { get; init; }

    /// <summary>Whether ranks compare what they are about to do.</summary>
    public required bool CheckCollectives { get; init; }

    /// <summary>Whether each call between ranks is timed.</summary>
    public required bool LogCollectives { get; init; }

    /// <summary>The elastic batch, with the numbers of ranks it is for; null without the section <c>elasticity</c>.</summary>
    public required ElasticBatch? Elastic { get; init; }

    /// <summary>Elements of a bucket of gradients, as DeepSpeed has it; here a bucket is a unit of the model.</summary>
    public required long ReduceBucketSize { get; init; }

    internal long AllgatherBucketSize { get; init; }

    internal long PrefetchBucketSize { get; init; }

    internal long ParameterPersistenceThreshold { get; init; }

    internal long MaxLiveParameters { get; init; }

    internal long MaxReuseDistance { get; init; }

    internal long SubGroupSize { get; init; }

    internal bool WallClockBreakdown { get; init; }

    internal bool MemoryBreakdown { get; init; }

    // Each run makes its own: it keeps what it saw.
    internal Func<FlopsProfiler>? FlopsProfiler { get; init; }

    internal bool MeasuresThroughput { get; init; }

    internal bool TensorBoard { get; init; }

    /// <summary>Every key of the file, with what becomes of it.</summary>
    internal IReadOnlyList<RunRow> Rows { get; init; } = [];

    /// <summary>The options it becomes, by their keys in a configuration file of Raijin's.</summary>
    internal IReadOnlyList<RunSetting> Settings { get; init; } = [];

    /// <summary>Keys of the file that become an option which no key of a configuration file of Raijin's says, each with that option.</summary>
    internal IReadOnlyList<(string Key, string Option)> Unsaid { get; init; } = [];

    /// <summary>What a run refuses.</summary>
    internal IReadOnlyList<ConfigMessage> Refused { get; init; } = [];

    /// <summary>What deserves a look.</summary>
    internal IReadOnlyList<ConfigMessage> Warnings { get; init; } = [];

    /// <summary>What the file switches on and is not there, each with what to use in its place; a run of the file is refused for them.</summary>
    public IReadOnlyList<OptionFault> Unavailable => [.. Refused.Select(message => new OptionFault(message.Key, message.Message))];

    /// <summary>A trainer's options with what the file says; the rest stays.</summary>
    /// <exception cref="InvalidOptionsException">The file switches on what is not there.</exception>
    public TrainerOptions Over(TrainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        List<OptionFault> faults = [.. Unavailable];
        if (Schedule is not null && Optimizer is null) faults.Add(new("scheduler.type", $"= {Schedule.Type} is a schedule for an optimizer that the file does not name: name it, or give the module's the schedule ({nameof(DeepSpeedSchedules)})"));
        InvalidOptionsException.ThrowIfAny(faults);
        var profilers = Profilers().ToList();
        return options with
        {
            Precision = Precision,
            LossScale = LossScale ?? options.LossScale,
            ClipGradients = GradientClipping > 0 ? Clip.Norm(GradientClipping) : Clip.None,
            AccumulateGradients = checked((int)GradientAccumulation),
            Strategy = Strategy,
            ElasticRanks = Elastic?.Ranks ?? options.ElasticRanks,
            Log = LogSteps is { } steps ? Every.Steps(steps) : options.Log,
            CheckCollectives = CheckCollectives || options.CheckCollectives,
            LogCollectives = LogCollectives || options.LogCollectives,
            Callbacks = MeasuresThroughput && !options.Callbacks.OfType<ThroughputMonitor>().Any() ? [.. options.Callbacks, new ThroughputMonitor { Warmup = TimerWarmup }] : options.Callbacks,
            Loggers = TensorBoard ? [.. options.Loggers ?? [new CsvLogger()], new TensorBoardLogger()] : options.Loggers,
            Profiler = profilers.Count == 0 ? options.Profiler : options.Profiler is { } own ? Raijin.Profiler.Of([own, .. profilers]) : Raijin.Profiler.Of(profilers),
            Optimizers = Optimizer is null ? options.Optimizers : Optimizers,
        };
    }

    /// <summary>The optimizer on its schedule, for all parameters of a module.</summary>
    /// <exception cref="InvalidOperationException">The file has no optimizer.</exception>
    public OptimizerSetup Optimizers(Module module) => (Optimizer ?? throw new InvalidOperationException("The file names no optimizer.")).For(module, Schedule);

    // Steps that DeepSpeed's timer leaves out.
    const int TimerWarmup = 2;

    IEnumerable<Profiler> Profilers()
    {
        if (WallClockBreakdown) yield return new SimpleProfiler();
        if (MemoryBreakdown) yield return new MemoryProfiler();
        if (FlopsProfiler is { } flops) yield return flops();
    }
}
