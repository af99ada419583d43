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
/// <remarks>Answers to Lightning's <c>LightningDataModule</c>. Calls come in the order <see cref="Prepare"/>, <see cref="Setup"/>, the loaders, <see cref="Teardown"/>.</remarks>
/// <typeparam name="TBatch">What a step gets.</typeparam>
public abstract class DataModule<TBatch> where TBatch : IBatch<TBatch>
{
    /// <summary>Downloads, unpacks, tokenizes: whatever must happen once per host, whichever stage comes. Keep nothing in fields: other ranks don't call it.</summary>
    public virtual void Prepare(CancellationToken cancellationToken = default) { }

    /// <summary>Opens what a stage needs. Called by every rank, before its loaders are asked for.</summary>
    public virtual void Setup(RunStage stage) { }

    /// <summary>Batches to train on; asked for again each time <c>trainer.reloadLoaders</c> is due.</summary>
    public virtual DataLoader<TBatch>? TrainLoader() => null;

    /// <summary>Batches to validate on.</summary>
    public virtual LoaderSet<TBatch>? ValidationLoaders() => null;

    /// <summary>Batches to test on.</summary>
    public virtual LoaderSet<TBatch>? TestLoaders() => null;

    /// <summary>Batches to predict.</summary>
    public virtual LoaderSet<TBatch>? PredictLoaders() => null;

    /// <summary>Changes a batch on the host, before it goes to the device. By default it stays as it is.</summary>
    public virtual TBatch BeforeTransfer(TBatch batch) => batch;

    /// <summary>Changes a batch on the device, before the step sees it: augmentation on an accelerator. By default it stays as it is.</summary>
    public virtual TBatch AfterTransfer(TBatch batch) => batch;

    /// <summary>What a checkpoint keeps of it, as plain data; null for nothing. A loader's position needs none: it is arithmetic.</summary>
    public virtual JsonObject? SaveState() => null;

    /// <summary>Takes back what <see cref="SaveState"/> gave.</summary>
    public virtual void LoadState(JsonObject state) { }

    /// <summary>Closes what <see cref="Setup"/> opened.</summary>
    public virtual void Teardown(RunStage stage) { }

    /// <summary>The run fails with this error, which is thrown on.</summary>
    public virtual void OnException(Exception error) { }
}
