using System.ComponentModel.DataAnnotations;

namespace Raijin.Cli;

/// <summary>Handwritten digits, 8 × 8 pixels, 1,797 of them, embedded: a classifier is trained in seconds.</summary>
sealed class DigitsData(DigitsDataOptions options) : DataModule<LabeledBatch>
{
    DataLoaders<LabeledBatch>? _loaders;

    public override void Setup(RunStage stage) =>
        _loaders = Digits.Load().Split(options.Validation, options.Test).Batches(new LoaderOptions { BatchSize = options.BatchSize, Seed = (ulong)options.Seed });

    public override DataLoader<LabeledBatch>? TrainLoader() => _loaders?.Train;

    public override LoaderSet<LabeledBatch>? ValidationLoaders() => _loaders?.Validation;

    public override LoaderSet<LabeledBatch>? TestLoaders() => _loaders?.Test;

    public override LoaderSet<LabeledBatch>? PredictLoaders() => _loaders?.Test;
}

/// <summary>How the digits are split and batched.</summary>
sealed record DigitsDataOptions : ICheckedOptions
{
    /// <summary>Samples in a batch.</summary>
    [Range(1, int.MaxValue)]
    public int BatchSize { get; init; } = 64;

    /// <summary>Share of the samples held out for validation.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Validation { get; init; } = 0.2;

    /// <summary>Share of the samples held out for the final test.</summary>
    [Range(0, 1, MaximumIsExclusive = true)]
    public double Test { get; init; } = 0.1;

    /// <summary>The seed of the order.</summary>
    public long Seed { get; init; }

    public IEnumerable<OptionFault> Faults() => Validation + Test >= 1 && Validation < 1 && Test < 1
        ? [new("test", FormattableString.Invariant($"= {Test}; allowed: below {1 - Validation:0.###}, which data.validation leaves"))]
        : [];
}
