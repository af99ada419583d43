using System.Globalization;
using System.Text;
using Raijin.Collectives;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Everything about a fit that is decided before it starts, from the options, the module and the data: immutable, checked as a whole, printable.
/// The driver reads it and decides nothing a second time.
/// </summary>
public sealed record RunPlan
{
    /// <summary>The options it was made from.</summary>
    public required TrainerOptions Options { get; init; }

    /// <summary>The device computed on.</summary>
    public required Device Device { get; init; }

    /// <summary>How many ranks train together; each takes batches of the loader's size, so that many make one microbatch.</summary>
    public int Ranks { get; init; } = 1;

    /// <summary>How their state is divided, what moves it, and why that.</summary>
    public string Parallelism { get; init; } = "one rank";

    /// <summary>The run's folder; null in a fast development run.</summary>
    public required string? Directory { get; init; }

    /// <summary>Microbatches of a training epoch on each rank, limits applied; null for a stream of unknown length.</summary>
    public required long? BatchesPerEpoch { get; init; }

    /// <summary>Microbatches per optimizer step, in the first epoch.</summary>
    public required int Accumulation { get; init; }

    /// <summary>From which epochs on an optimizer step has how many microbatches, where that changes (by a gradient accumulation scheduler); in rising order.</summary>
    public IReadOnlyList<KeyValuePair<long, int>> AccumulationChanges { get; init; } = [];

    /// <summary>Optimizer steps of the first epoch, the short last one included; null when unknown.</summary>
    public long? StepsPerEpoch => StepsIn(0);

    /// <summary>Epochs to train at most; null for no bound.</summary>
    public required long? MaxEpochs { get; init; }

    /// <summary>Optimizer steps to train at most, as the limits give them; null when only time or a stream's end stops the run. Lightning's <c>estimated_stepping_batches</c>.</summary>
    public long? EstimatedSteps => (StepsOf(MaxEpochs), Options.MaxSteps) switch
    {
        ({ } byEpochs, { } bySteps) => Math.Min(byEpochs, bySteps),
        ({ } byEpochs, null) => byEpochs,
        (null, var bySteps) => bySteps,
    };

    /// <summary>Microbatches per optimizer step in an epoch.</summary>
    public int AccumulationIn(long epoch)
    {
        var factor = Accumulation;
        foreach (var (from, to) in AccumulationChanges)
            if (from <= epoch) factor = to;
        return factor;
    }

    /// <summary>Optimizer steps of an epoch, the short last one included; null when unknown.</summary>
    public long? StepsIn(long epoch)
    {
        var window = AccumulationIn(epoch);
        return (BatchesPerEpoch + window - 1) / window;
    }

    long? StepsOf(long? epochs)
    {
        if (epochs is not { } all || BatchesPerEpoch is null) return null;
        long steps = 0, from = 0;
        foreach (var (change, _) in AccumulationChanges)
        {
            if (change <= from || change >= all) continue;
            steps += (change - from) * StepsIn(from)!.Value;
            from = change;
        }
        return steps + (all - from) * StepsIn(from)!.Value;
    }

    /// <summary>When to validate, parts of an epoch turned into steps.</summary>
    public required Every Validate { get; init; }

    /// <summary>Batches used of each validation loader.</summary>
    public required Limit LimitValidation { get; init; }

    /// <summary>Validation batches used, of all loaders; null when there is no validation loader or a length is unknown.</summary>
    public required long? ValidationBatches { get; init; }

    /// <summary>Whether there is anything to validate, and a moment to do it.</summary>
    public required bool Validates { get; init; }

    /// <summary>Validation batches to run before training.</summary>
    public required int SanityBatches { get; init; }

    /// <summary>Whether the module steps its optimizers itself.</summary>
    public required bool Manual { get; init; }

    /// <summary>What the training loader says of itself: a resumed run must find the same.</summary>
    public required string LoaderFingerprint { get; init; }

    /// <summary>See <see cref="DataLoader{TBatch}.Layout"/>; that of all ranks together.</summary>
    internal EpochLayout? Layout { get; init; }

    /// <summary>Options that have no effect in this run, and why.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Microbatches of a training epoch with a loader, limits applied.</summary>
    internal long? BatchesOf<TBatch>(DataLoader<TBatch> train) where TBatch : IBatch<TBatch> =>
        (Options.FastDevRun > 0 ? Limit.Batches(Options.FastDevRun) : Options.OverfitBatches.IsNone ? Options.LimitTrain : Options.OverfitBatches).Apply(train.BatchesPerEpoch);

    /// <summary>Microbatches in the optimizer step that starts at microbatch <paramref name="batch"/> of an epoch: fewer at the end of one.</summary>
    public int WindowAt(long epoch, long batch)
    {
        var window = AccumulationIn(epoch);
        return BatchesPerEpoch is { } all ? (int)Math.Min(window, all - batch) : window;
    }

    /// <summary>Makes the plan.</summary>
    /// <exception cref="InvalidOptionsException">Something can't be; carries every fault.</exception>
    internal static RunPlan Build<TBatch>(TrainerOptions options, TrainingModule<TBatch> module, DataLoaders<TBatch> data, IReadOnlyList<Callback> callbacks, Peers peers) where TBatch : IBatch<TBatch>
    {
        var faults = new List<OptionFault>();
        var warnings = new List<string>();
        void Fault(string key, string message) => faults.Add(new("trainer." + key, message));

        faults.AddRange(options.Faults());
        data = data with { Train = ShareOf(data.Train, peers, faults) };
        if (peers.World is { } world && options.Strategy is { ShardSize: > 0 and var part } && world.Size % part != 0 && options.Devices != world.Size)
            Fault("strategy.shardSize", $"= {part} does not divide {world.Size} ranks");
        var manual = module.IsManual;
        var accumulations = callbacks.Select(c => c.AccumulationChanges).OfType<IReadOnlyList<KeyValuePair<long, int>>>().ToList();
        if (accumulations.Count > 1) Fault("callbacks", $"hold {accumulations.Count} gradient accumulation schedulers: give one");
        if (accumulations.Count > 0 && options.AccumulateGradients != 1) Fault("accumulateGradients", $"= {options.AccumulateGradients}, but a gradient accumulation scheduler says so for each epoch: leave one of them out");
        if (accumulations.Count > 0 && manual) Fault("callbacks", $"hold a gradient accumulation scheduler, but {module.GetName()} steps its optimizers itself: accumulate in ManualStep");
        IReadOnlyList<KeyValuePair<long, int>> changes = accumulations.Count > 0 ? accumulations[0] : [];
        var accumulation = changes is [{ Key: 0, Value: var first }, ..] ? first : options.AccumulateGradients;
        if (manual && module.IsAutomatic) Fault("module", $"{module.GetName()} overrides both TrainingStep and ManualStep: keep the one that is meant");
        if (!manual && !module.IsAutomatic) Fault("module", $"{module.GetName()} overrides neither TrainingStep nor ManualStep: write one of them");
        if (manual && options.AccumulateGradients != 1) Fault("accumulateGradients", $"= {options.AccumulateGradients}, but {module.GetName()} steps its optimizers itself: accumulate in ManualStep");

        var device = ResolveDevice(options, peers.World, faults);
        if (options.Precision.ScalesLoss && device.type == TorchSharp.DeviceType.CPU)
            Fault("precision", $"= {options.Precision} on the CPU, where float16 matmuls run at 0.4 GFLOP/s: use bfloat16 or float32");
        if (options.Precision.ScalesLoss && manual) Fault("precision", $"= {options.Precision} needs a loss scale, which manual optimisation does not have: use bfloat16 or float32");

        var fast = options.FastDevRun;
        var overfits = !options.OverfitBatches.IsNone;
        var limitTrain = fast > 0 ? Limit.Batches(fast) : overfits ? options.OverfitBatches : options.LimitTrain;
        var limitValidation = fast > 0 ? Limit.Batches(fast) : overfits ? Limit.None : options.LimitValidation;
        if (overfits && !(options.LimitTrain.IsNone && options.LimitValidation.IsNone)) warnings.Add("overfitBatches is set: limitTrain and limitValidation have no effect.");
        if (options.MaxRestarts > 0 && !RankProcess.IsSupervised)
            warnings.Add("maxRestarts is set, but the trainer has started no ranks: nobody could start them again, and it has no effect. Set devices, or use raijin launch --max-restarts.");
        if (options.Benchmark && device.type == TorchSharp.DeviceType.CPU) warnings.Add("benchmark is set, but there is no cuDNN on a CPU: it has no effect.");
        if (limitTrain.IsFraction && data.Train.BatchesPerEpoch is null) Fault("limitTrain", $"= {limitTrain}, but the training loader's length is unknown: give a number of batches");
        if (limitValidation.IsFraction && data.Validation?.Any(l => l.Loader.BatchesPerEpoch is null) == true) Fault("limitValidation", $"= {limitValidation}, but the validation loader's length is unknown: give a number of batches");
        if (options.Validate.IsPartOfEpoch && limitTrain.Apply(data.Train.BatchesPerEpoch) is null) Fault("validate", $"= {options.Validate}, but the training loader's length is unknown: give steps or time");
        if (data.Train.BatchesPerEpoch == 0) Fault("data.train", "has no batches: it is empty, or smaller than one batch with the last incomplete one dropped");

        LoaderSet<TBatch>? validation = overfits ? data.Train : data.Validation;
        var validates = validation is not null && !options.Validate.IsNever && module.Validates;
        if (validation is not null && !overfits && !module.Validates) warnings.Add($"There is a validation loader, but {module.GetName()} does not override ValidationStep: it is not used.");
        if (validation is null && module.Validates && !options.Validate.IsNever) warnings.Add($"{module.GetName()} overrides ValidationStep, but there is no validation loader: it is never called.");
        if (module.IsUnseeded) warnings.Add($"{module.GetName()} was made before anything was seeded: its first weights are other ones in each run. Make the Trainer first; it seeds.");
        InvalidOptionsException.ThrowIfAny(faults);

        var batches = limitTrain.Apply(data.Train.BatchesPerEpoch);
        return new RunPlan
        {
            Options = options,
            Device = device,
            Directory = fast > 0 || options.LeavesNothing ? null : peers.OfFirst(RunFolder.Resolve(options.Output)),
            Ranks = peers.Size,
            Parallelism = Describe(options, peers),
            Layout = data.Train.Layout,
            BatchesPerEpoch = batches,
            Accumulation = accumulation,
            AccumulationChanges = changes,
            MaxEpochs = fast > 0 ? 1 : options.MaxEpochs,
            Validate = options.Validate.Within(batches is { } known ? (known + accumulation - 1) / accumulation : null),
            LimitValidation = overfits ? Limit.Batches(Math.Max(1, batches ?? 1)) : limitValidation,
            ValidationBatches = validation?.Aggregate((long?)0, (sum, l) => sum + (overfits ? batches : limitValidation.Apply(l.Loader.BatchesPerEpoch))),
            Validates = validates,
            SanityBatches = !validates || fast > 0 ? 0 : options.SanityValidationBatches < 0 ? int.MaxValue : options.SanityValidationBatches,
            Manual = manual,
            LoaderFingerprint = data.Train.Fingerprint,
            Warnings = warnings,
        };
    }

    /// <summary>This rank's share of a training loader.</summary>
    internal static DataLoader<TBatch> ShareOf<TBatch>(DataLoader<TBatch> whole, Peers peers) where TBatch : IBatch<TBatch> => peers.IsAlone ? whole : whole.Shard(peers.Rank, peers.Size);

    static DataLoader<TBatch> ShareOf<TBatch>(DataLoader<TBatch> whole, Peers peers, List<OptionFault> faults) where TBatch : IBatch<TBatch>
    {
        if (peers.IsAlone) return whole;
        try
        {
            var shares = Enumerable.Range(0, peers.Size).Select(rank => whole.Shard(rank, peers.Size)).ToList();
            var (least, most) = (shares.Min(s => s.BatchesPerEpoch), shares.Max(s => s.BatchesPerEpoch));
            if (least != most) faults.Add(new("data.train", $"gives {least} to {most} batches to each of {peers.Size} ranks, but all make the same steps: give its loader Remainder.Wrap or Remainder.Drop"));
            return shares[peers.Rank];
        }
        catch (InvalidOptionsException error)
        {
            faults.AddRange(error.Faults);
            return whole;
        }
    }

    static string Describe(TrainerOptions options, Peers peers)
    {
        var strategy = options.Strategy ?? Zero.Stage0;
        if (peers.World is not { } world || peers.IsAlone) return options.Strategy is null ? "one rank" : $"one rank, {strategy}";
        return $"{strategy}; {world}";
    }

    static Device ResolveDevice(TrainerOptions options, World? world, List<OptionFault> faults)
    {
        try
        {
            return RankWorld.DeviceOf(options.Device, world);
        }
        catch (InvalidOptionsException error)
        {
            faults.AddRange(error.Faults.Select(f => f with { Key = "trainer.device" }));
            return CPU;
        }
    }

    /// <summary>The plan as a person reads it, a line each.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        void Line(string name, string value) => text.Append(name.PadRight(14)).Append(value).Append('\n');
        Line("device", $"{Device}, {Options.Precision}");
        if (Ranks > 1 || Options.Strategy is not null) Line("ranks", Parallelism);
        var windows = Accumulation > 1 ? string.Create(CultureInfo.InvariantCulture, $" in {StepsPerEpoch:N0} steps of {Accumulation}") : "";
        Line("epoch", BatchesPerEpoch is { } batches ? string.Create(CultureInfo.InvariantCulture, $"{batches:N0} batches{(Ranks > 1 ? " on each rank" : "")}{windows}") : "a stream of unknown length");
        Line("length", EstimatedSteps is { } steps ? string.Create(CultureInfo.InvariantCulture, $"at most {steps:N0} steps") : "until the time is up");
        Line("validation", Validates ? $"after {Validate}, {(ValidationBatches is { } n ? n.ToString("N0", CultureInfo.InvariantCulture) : "all")} batches" : "none");
        Line("gradients", $"clipped: {Options.ClipGradients}");
        Line("folder", Directory ?? "none (a fast development run)");
        foreach (var warning in Warnings) Line("note", warning);
        return text.ToString();
    }
}
