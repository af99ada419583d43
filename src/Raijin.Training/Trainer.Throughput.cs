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
}
