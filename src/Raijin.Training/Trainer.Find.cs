using System.Globalization;
using Raijin.Collectives;
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
        var result = RunShortly(module, data, finder.Steps, sweep, _world, cancellationToken);
        return sweep.Found(result.StopReason);
    }

    /// <summary>Finds the largest batch size that there is memory for. Of several ranks each has batches of that size: it fits where it fits on all.</summary>
    /// <param name="module">The model.</param>
    /// <param name="loaders">Makes the loaders for a batch size.</param>
    /// <param name="finder">How; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="InvalidOptionsException">The options can't be.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, on any rank.</exception>
    public FoundBatchSize FindBatchSize<TBatch>(TrainingModule<TBatch> module, Func<int, DataLoaders<TBatch>> loaders, BatchSizeFinder? finder = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(loaders);
        finder ??= new BatchSizeFinder();
        InvalidOptionsException.ThrowIfAny([.. finder.Faults()]);
        using var peers = new Peers(_world);
        var limit = peers.Least(Options.Device.Resolve().type != TorchSharp.DeviceType.CPU ? null : finder.MemoryLimitBytes ?? ShareOfMemory());
        return finder.Run(Attempt);

        BatchSizeTrial Attempt(int size, IReadOnlyList<BatchSizeTrial> before)
        {
            ThrowIfCancelled();
            if (limit is { } most && Expected(size, before) is { } expected && expected > most)
                return new(size, false, Text($"it would take about {expected / 1e6:N0} MB by what the last sizes took; there are {most / 1e6:N0} MB"), expected, 0);
            var watch = new MemoryWatch();
            Exception? failure = null;
            try
            {
                // Where a rank runs out of memory the others give up too, and all go on from here.
                using var world = _world?.Apart("a batch size");
                RunShortly(module, loaders(size), finder.StepsPerTrial, watch, world, cancellationToken);
            }
            catch (Exception error) when (OutOfDeviceMemoryException.TryExplain(error, out _) || (error is CollectiveException && !peers.IsAlone))
            {
                failure = error;
            }
            catch (Exception error) when (!peers.IsAlone)
            {
                peers.GiveUp(error);
                throw;
            }
            var trial = BatchTrial.Of(failure, watch).OfAll(peers, isEcho: failure is CollectiveException or { InnerException: CollectiveException });
            ThrowIfCancelled();
            if (trial.Problem is not null) return new(size, false, trial.Problem, trial.PeakBytes, 0);
            if (trial.PeakBytes > limit) return new(size, false, Text($"it takes {trial.PeakBytes / 1e6:N0} MB; there are {limit / 1e6:N0} MB"), trial.PeakBytes, trial.SecondsPerSample);
            return new(size, true, null, trial.PeakBytes, trial.SecondsPerSample);
        }

        void ThrowIfCancelled()
        {
            if (peers.Any(cancellationToken.IsCancellationRequested)) throw new OperationCanceledException(cancellationToken);
        }

        // Processes of one host have it together.
        long ShareOfMemory() => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 5 * 4 / (_world is null || peers.SharesGenerators ? 1 : _world.Identity.LocalWorldSize);

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

    FitResult RunShortly<TBatch>(TrainingModule<TBatch> module, DataLoaders<TBatch> data, int steps, Callback callback, World? world, CancellationToken cancellationToken) where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(data);
        module.EnsureRegistered();
        var training = module.training;
        using var snapshot = ModelSnapshot.Of(module);
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
            return new Trainer(options, null, world).Fit(module, new DataLoaders<TBatch>(data.Train), cancellationToken: cancellationToken);
        }
        finally
        {
            // What a 16-bit precision rounded comes back as it was.
            if (Options.Precision.ConvertsWeights) module.to(ScalarType.Float32);
            snapshot.Restore(module);
            module.train(training);
        }
    }
}
