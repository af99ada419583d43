using Raijin.Parallel;
using Raijin.Tensors;
using Raijin.Training;

namespace Raijin;

public sealed partial class Trainer
{
    /// <summary>
    /// Finds how a model trains fastest at a global batch, in the ranks this trainer has: see <see cref="ThroughputFinder"/>. Every rank calls it and gets the same. Nothing is written but the journal, and the random state
    /// is put back.
    /// </summary>
    /// <param name="module">Makes the model anew for each trial; it is disposed after.</param>
    /// <param name="data">Makes the data for a microbatch of so many samples.</param>
    /// <param name="finder">How.</param>
    /// <param name="onTrial">Told of each trial that ends, on the first rank; null for nobody.</param>
    /// <param name="cancellationToken">Ends the search between two trials.</param>
    /// <exception cref="InvalidOptionsException">The options can't be, or the journal is that of another search.</exception>
    /// <exception cref="ThroughputTrialException">The model or its data failed, on some rank.</exception>
    /// <exception cref="PlatformNotSupportedException">What steps compute can't be recorded here.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public FoundThroughput FindThroughput<TBatch>(
        Func<TrainingModule<TBatch>> module, Func<int, DataModule<TBatch>> data, ThroughputFinder finder, Action<ThroughputTrial>? onTrial = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(finder);
        var random = RandomState.Capture();
        try
        {
            return new ThroughputSearch(finder, Options, _world, onTrial, RunOnce).Run(cancellationToken);
        }
        finally
        {
            random.Restore();
        }

        void RunOnce(TrainerOptions options, int microBatch, Collectives.World? world)
        {
            using var model = module();
            new Trainer(options, null, world).Fit(model, data(microBatch), cancellationToken: cancellationToken);
        }
    }

    /// <summary>
    /// Records what training a model computes and holds, from two short steps by this process alone: what a <see cref="TimePlan"/> and a <see cref="MemoryPlan"/> are made of. Nothing is written, and the random state is put
    /// back.
    /// </summary>
    /// <param name="module">Makes the model; it is disposed after.</param>
    /// <param name="data">Its data, in microbatches as large as they are to be.</param>
    /// <param name="cancellationToken">Breaks it off.</param>
    /// <exception cref="InvalidOptionsException">The options can't be, or the data has too few samples.</exception>
    /// <exception cref="PlatformNotSupportedException">What steps compute can't be recorded here.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public RecordedStep RecordStep<TBatch>(Func<TrainingModule<TBatch>> module, DataModule<TBatch> data, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(data);
        if (StepRecording.Unavailable is { } reason) throw new PlatformNotSupportedException($"What a step computes can't be recorded here: {reason}.");
        var random = RandomState.Capture();
        try
        {
            var strategy = Options.Strategy ?? Zero.Stage3;
            using var trace = new StepTrace(null, Options.Precision, [strategy]);
            trace.Run(Options, (options, world) =>
            {
                using var model = module();
                new Trainer(options, null, world).Fit(model, data, cancellationToken: cancellationToken);
            });
            cancellationToken.ThrowIfCancellationRequested();
            return new(trace.Work!, trace.Shapes[strategy.UnitBytes], trace.StateBytes);
        }
        finally
        {
            random.Restore();
        }
    }
}

/// <summary>What training a model computes and holds, as two steps showed it.</summary>
/// <param name="Work">What a microbatch computes, and the memory it takes.</param>
/// <param name="Shape">The model's parameters.</param>
/// <param name="StateBytes">Bytes that its optimizers keep for each trained parameter, masters not counted: <see cref="PlanOptions.StateBytes"/>.</param>
public sealed record RecordedStep(StepWork Work, ModelShape Shape, long StateBytes);
