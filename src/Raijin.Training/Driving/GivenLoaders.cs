namespace Raijin.Training;

/// <summary>Loaders that were handed over, as the data module that every run draws from.</summary>
sealed class GivenLoaders<TBatch>(DataLoaders<TBatch>? fit, LoaderSet<TBatch>? evaluation = null) : DataModule<TBatch> where TBatch : IBatch<TBatch>
{
    public override DataLoader<TBatch>? TrainLoader() => fit?.Train;

    public override LoaderSet<TBatch>? ValidationLoaders() => fit?.Validation ?? evaluation;

    public override LoaderSet<TBatch>? TestLoaders() => fit?.Test ?? evaluation;

    public override LoaderSet<TBatch>? PredictLoaders() => evaluation;
}
