using System.Text.Json.Nodes;

namespace Raijin;

/// <summary>What a data module is set up for.</summary>
public enum RunStage
{
    /// <summary>Training with its validation.</summary>
    Fit,

    /// <summary>Validation alone.</summary>
    Validate,

    /// <summary>A test.</summary>
    Test,

    /// <summary>Prediction.</summary>
    Predict,
}

/// <summary>
/// Where a run's data comes from, as one thing that can be shared, configured and reused: prepared once per host, opened per stage, closed after.
/// Override what there is; a loader that is not overridden is not there.
/// </summary>
/// <remarks>
/// Answers to Lightning's <c>LightningDataModule</c>. Calls come in the order <see cref="Prepare"/> (one rank of each host, and before every other
/// rank goes on), <see cref="Setup"/>, <see cref="LoadState"/> when a run is resumed, the loaders of the stage, <see cref="Teardown"/>; the last also
/// after a failure, behind <see cref="OnException"/>. Loaders are of the whole set: the run shards them over its ranks. Nothing here needs a
/// worker's initialisation or a sampler for distributed runs: a loader does both.
/// </remarks>
/// <typeparam name="TBatch">What a step gets.</typeparam>
public abstract class DataModule<TBatch> where TBatch : IBatch<TBatch>
{
    /// <summary>
    /// Downloads, unpacks, tokenizes: whatever must happen once per host, whichever stage comes. Keep nothing in fields: other ranks don't call it.
    /// It may be called again for a later run, so leave alone what is there.
    /// </summary>
    /// <param name="cancellationToken">Cancelled when the run is to end; leave nothing half done that a later call would take for done.</param>
    public virtual void Prepare(CancellationToken cancellationToken = default) { }

    /// <summary>Opens what a stage needs. Called by every rank, before its loaders are asked for.</summary>
    /// <param name="stage">What is to come; <see cref="RunStage.Fit"/> includes validation.</param>
    public virtual void Setup(RunStage stage) { }

    /// <summary>Batches to train on; asked for again each time <c>trainer.reloadLoaders</c> is due. Null when there is nothing to train on.</summary>
    public virtual DataLoader<TBatch>? TrainLoader() => null;

    /// <summary>Batches to validate on, of one loader or of several named ones; null: no validation.</summary>
    public virtual LoaderSet<TBatch>? ValidationLoaders() => null;

    /// <summary>Batches to test on; null: none.</summary>
    public virtual LoaderSet<TBatch>? TestLoaders() => null;

    /// <summary>Batches to predict; null: none.</summary>
    public virtual LoaderSet<TBatch>? PredictLoaders() => null;

    /// <summary>Changes a batch on the host, before it goes to the device. By default it stays as it is.</summary>
    public virtual TBatch BeforeTransfer(TBatch batch) => batch;

    /// <summary>Changes a batch on the device, before the step sees it: augmentation on an accelerator. By default it stays as it is.</summary>
    public virtual TBatch AfterTransfer(TBatch batch) => batch;

    /// <summary>What a checkpoint keeps of it, as plain data; null for nothing. A loader's position needs none: it is arithmetic.</summary>
    public virtual JsonObject? SaveState() => null;

    /// <summary>Takes back what <see cref="SaveState"/> gave, after <see cref="Setup"/> and before the loaders are asked for.</summary>
    public virtual void LoadState(JsonObject state) { }

    /// <summary>Closes what <see cref="Setup"/> opened.</summary>
    public virtual void Teardown(RunStage stage) { }

    /// <summary>The run fails with this error, which is thrown on.</summary>
    public virtual void OnException(Exception error) { }
}

/// <summary>Makes data modules of loaders that are there already.</summary>
public static class DataModule
{
    /// <summary>A module that prepares nothing and hands out these loaders.</summary>
    /// <param name="loaders">What to train, validate and test on.</param>
    /// <param name="predict">What to predict; null: none.</param>
    public static DataModule<TBatch> Of<TBatch>(DataLoaders<TBatch> loaders, LoaderSet<TBatch>? predict = null) where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(loaders);
        return new FixedModule<TBatch>(loaders, predict);
    }

    sealed class FixedModule<TBatch>(DataLoaders<TBatch> loaders, LoaderSet<TBatch>? predict) : DataModule<TBatch> where TBatch : IBatch<TBatch>
    {
        public override DataLoader<TBatch> TrainLoader() => loaders.Train;

        public override LoaderSet<TBatch>? ValidationLoaders() => loaders.Validation;

        public override LoaderSet<TBatch>? TestLoaders() => loaders.Test;

        public override LoaderSet<TBatch>? PredictLoaders() => predict;
    }
}
