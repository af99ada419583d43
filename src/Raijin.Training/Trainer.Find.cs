using System.Globalization;
using Raijin.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin;

// Short runs that find a setting and leave no trace: weights and random state are copied before and put back after.
public sealed partial class Trainer
{
    /// <summary>Finds a learning rate for a model. The module's <c>ConfigureOptimizers</c> stays as it is: take the suggestion over there.</summary>
    /// <param name="module">The model; an automatic one, with a <c>TrainingStep</c>.</param>
    /// <param name="data">The loaders; only the training loader is read.</param>
    /// <param name="finder">How; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the sweep early; what was seen so far comes back.</param>
    /// <exception cref="InvalidOptionsException">The options can't be.</exception>
    public FoundLearningRate FindLearningRate<TBatch>(TrainingModule<TBatch> module, DataLoaders<TBatch> data, LearningRateFinder? finder = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(module);
        finder ??= new LearningRateFinder();
        List<OptionFault> faults = [.. finder.Faults()];
        if (module.IsManual) faults.Add(new("module", $"{module.GetName()} steps its optimizers itself: a rate can be found for a TrainingStep only"));
        InvalidOptionsException.ThrowIfAny(faults);

        var sweep = new RateSweep(finder);
        var result = RunShortly(module, data, finder.Steps, sweep, cancellationToken);
        return sweep.Found(result.StopReason);
    }

    /// <summary>Finds the largest batch size that there is memory for.</summary>
    /// <param name="module">The model.</param>
    /// <param name="loaders">Makes the loaders for a batch size.</param>
    /// <param name="finder">How; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="InvalidOptionsException">The options can't be.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public FoundBatchSize FindBatchSize<TBatch>(TrainingModule<TBatch> module, Func<int, DataLoaders<TBatch>> loaders, BatchSizeFinder? finder = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(loaders);
        finder ??= new BatchSizeFinder();
        List<OptionFault> faults = [.. finder.Faults()];
        if (_world is { Size: > 1 and var ranks }) faults.Add(new("trainer.devices", $"= {ranks}: a rank that runs out of memory would leave the others waiting. Find the batch size on one rank; it is each rank's own."));
        InvalidOptionsException.ThrowIfAny(faults);
        long? limit = Options.Device.Resolve().type != TorchSharp.DeviceType.CPU ? null
            : finder.MemoryLimitBytes ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 5 * 4;
        return finder.Run(Attempt);

        BatchSizeTrial Attempt(int size, IReadOnlyList<BatchSizeTrial> before)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (limit is { } most && Expected(size, before) is { } expected && expected > most)
                return new(size, false, Text($"it would take about {expected / 1e6:N0} MB by what the last sizes took; there are {most / 1e6:N0} MB"), expected, 0);
            var watch = new MemoryWatch();
            try
            {
                RunShortly(module, loaders(size), finder.StepsPerTrial, watch, cancellationToken);
            }
            catch (Exception error) when (OutOfDeviceMemoryException.TryExplain(error, out _))
            {
                return new(size, false, error.Message, watch.PeakBytes, 0);
            }
            cancellationToken.ThrowIfCancellationRequested();
            if (watch.PeakBytes > limit) return new(size, false, Text($"it takes {watch.PeakBytes / 1e6:N0} MB; there are {limit / 1e6:N0} MB"), watch.PeakBytes, watch.SecondsPerSample);
            return new(size, true, null, watch.PeakBytes, watch.SecondsPerSample);
        }

        static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }

    // Memory is a fixed part and a part for each sample: a line through the last two sizes that fitted.
    static long? Expected(int size, IReadOnlyList<BatchSizeTrial> before)
    {
        var fitted = before.Where(t => t is { Fits: true, PeakBytes: not null }).TakeLast(2).ToList();
        if (fitted.Count < 2) return null;
        var perSample = (fitted[1].PeakBytes!.Value - fitted[0].PeakBytes!.Value) / (double)(fitted[1].BatchSize - fitted[0].BatchSize);
        return fitted[1].PeakBytes + (long)(Math.Max(0, perSample) * (size - fitted[1].BatchSize));
    }

    FitResult RunShortly<TBatch>(TrainingModule<TBatch> module, DataLoaders<TBatch> data, int steps, Callback callback, CancellationToken cancellationToken) where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(data);
        module.EnsureRegistered();
        var training = module.training;
        using var snapshot = TrainingSnapshot.Of(module);
        try
        {
            var options = Options with
            {
                MaxEpochs = null,
                MaxSteps = steps,
                MaxTime = null,
                MinEpochs = 0,
                MinSteps = 0,
                FastDevRun = 0,
                Validate = Every.Never,
                LeavesNothing = true,
                Checkpoints = false,
                Progress = false,
                Summary = false,
                Loggers = [],
                Callbacks = [callback],
            };
            return new Trainer(options, null, _world).Fit(module, new DataLoaders<TBatch>(data.Train), cancellationToken: cancellationToken);
        }
        finally
        {
            // What a 16-bit precision rounded comes back as it was.
            if (Options.Precision.ConvertsWeights) module.to(ScalarType.Float32);
            snapshot.RestoreModel(module);
            module.train(training);
        }
    }
}
