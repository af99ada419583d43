using System.ComponentModel.DataAnnotations;

namespace Raijin.Cli;

/// <summary>MNIST and Fashion-MNIST, 28 × 28 pixels, from a folder of their idx files.</summary>
sealed class MnistData(MnistDataOptions options) : DataModule<LabeledBatch>
{
    DataLoaders<LabeledBatch>? _loaders;

    public override void Setup(RunStage stage)
    {
        var splits = options.Set == MnistSet.Fashion ? FashionMnist.Load(options.Folder!) : Mnist.Load(options.Folder!);
        _loaders = splits.Split(options.Validation).Batches(new LoaderOptions { BatchSize = options.BatchSize, Seed = (ulong)options.Seed });
    }

    public override DataLoader<LabeledBatch>? TrainLoader() => _loaders?.Train;

    public override LoaderSet<LabeledBatch>? ValidationLoaders() => _loaders?.Validation;

    public override LoaderSet<LabeledBatch>? TestLoaders() => _loaders?.Test;

    public override LoaderSet<LabeledBatch>? PredictLoaders() => _loaders?.Test;
}

/// <summary>Where the images are, and how they are batched.</summary>
sealed record MnistDataOptions
{
    /// <summary>Folder of the idx files, gzipped or not.</summary>
    [Required]
    public string? Folder { get; init; }

    /// <summary>Which set the files hold.</summary>
    public MnistSet Set { get; init; } = MnistSet.Digits;

    /// <summary>Images in a batch.</summary>
    [Range(1, int.MaxValue)]
    public int BatchSize { get; init; } = 64;

    /// <summary>Share of the training images held out for validation.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Validation { get; init; } = 0.1;

    /// <summary>The seed of the order.</summary>
    public long Seed { get; init; }
}

/// <summary>Sets of 28 × 28 images in ten classes.</summary>
enum MnistSet
{
    /// <summary>MNIST: handwritten digits.</summary>
    Digits,

    /// <summary>Fashion-MNIST: clothing.</summary>
    Fashion,
}
