namespace Raijin.Cli;

/// <summary>Handwritten digits, 8 × 8 pixels, 1,797 of them, embedded: a classifier trained in seconds.</summary>
sealed class DigitsTask() : LearningTask("digits", "8 × 8 handwritten digits (embedded), a small multilayer perceptron")
{
    /// <inheritdoc/>
    public override TaskOptions Defaults { get; } = new DigitsOptions();

    /// <inheritdoc/>
    public override DataLoaders<LabeledBatch> LoadData(TaskOptions options)
    {
        var data = ((DigitsOptions)options).Data;
        return Digits.Load().Split(data.Validation, data.Test).Batches(new LoaderOptions { BatchSize = data.BatchSize, Seed = (ulong)options.Trainer.Seed });
    }

    /// <inheritdoc/>
    public override TrainingModule<LabeledBatch> CreateModel(TaskOptions options)
    {
        var model = ((DigitsOptions)options).Model;
        return new Classifier(Networks.Perceptron(inputs: 64, model.Hidden, model.Layers, model.Dropout, outputs: 10), classes: 10, options.Optimizer);
    }
}

/// <summary>Options of <see cref="DigitsTask"/>.</summary>
sealed record DigitsOptions : TaskOptions
{
    /// <summary>Options with defaults for a few hundred steps.</summary>
    public DigitsOptions() => Optimizer = new() { LearningRate = 1e-2 };

    /// <summary>The network.</summary>
    public PerceptronOptions Model { get; init; } = new();

    /// <summary>The data.</summary>
    public DigitsDataOptions Data { get; init; } = new();

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults() => [.. base.Faults(), .. Model.Faults(), .. Data.Faults()];
}

/// <summary>A multilayer perceptron.</summary>
sealed record PerceptronOptions
{
    /// <summary>Units of each hidden layer.</summary>
    public int Hidden { get; init; } = 128;

    /// <summary>Hidden layers.</summary>
    public int Layers { get; init; } = 1;

    /// <summary>Share of hidden units dropped in training.</summary>
    public double Dropout { get; init; }

    /// <summary>Values outside their ranges.</summary>
    public IEnumerable<OptionFault> Faults()
    {
        if (Hidden < 1) yield return OutOfRange.Fault("model.hidden", Hidden, "1 and more");
        if (Layers < 0) yield return OutOfRange.Fault("model.layers", Layers, "0 and more");
        if (Dropout is not (>= 0 and < 1)) yield return OutOfRange.Fault("model.dropout", Dropout, "0 and more, below 1");
    }
}

/// <summary>How the digits are split and batched.</summary>
sealed record DigitsDataOptions
{
    /// <summary>Samples in a batch.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Share of the samples held out for validation.</summary>
    public double Validation { get; init; } = 0.2;

    /// <summary>Share of the samples held out for the final test.</summary>
    public double Test { get; init; } = 0.1;

    /// <summary>Values outside their ranges.</summary>
    public IEnumerable<OptionFault> Faults()
    {
        if (BatchSize < 1) yield return OutOfRange.Fault("data.batchSize", BatchSize, "1 and more");
        if (Validation is not (>= 0 and < 1)) yield return OutOfRange.Fault("data.validation", Validation, "0 and more, below 1");
        if (Test is not (>= 0 and < 1)) yield return OutOfRange.Fault("data.test", Test, "0 and more, below 1");
        if (Validation + Test >= 1) yield return OutOfRange.Fault("data.test", Test, $"below {1 - Validation:0.###}, which data.validation leaves");
    }
}
