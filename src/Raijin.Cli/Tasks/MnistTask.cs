namespace Raijin.Cli;

/// <summary>MNIST and Fashion-MNIST, 28 × 28 pixels, from a folder of their idx files.</summary>
sealed class MnistTask() : LearningTask("mnist", "28 × 28 handwritten digits (or Fashion-MNIST) from a folder of idx files")
{
    /// <inheritdoc/>
    public override TaskOptions Defaults { get; } = new MnistOptions();

    /// <inheritdoc/>
    public override IReadOnlyList<ShortForm> ShortForms => [new("--data", "DIR", "data.folder", "Folder of the idx files, gzipped or not"), .. base.ShortForms];

    /// <inheritdoc/>
    public override string RequiredArguments => " --data DIR";

    /// <inheritdoc/>
    public override DataLoaders<LabeledBatch> LoadData(TaskOptions options)
    {
        var data = ((MnistOptions)options).Data;
        if (data.Folder is null) throw new InvalidOptionsException([new("data.folder", "needed: give the folder of the idx files with --data DIR")]);
        var splits = data.Set == MnistSet.Fashion ? FashionMnist.Load(data.Folder) : Mnist.Load(data.Folder);
        return splits.Split(data.Validation).Batches(new LoaderOptions { BatchSize = data.BatchSize, Seed = (ulong)options.Trainer.Seed });
    }

    /// <inheritdoc/>
    public override TrainingModule<LabeledBatch> CreateModel(TaskOptions options)
    {
        var model = ((MnistOptions)options).Model;
        var net = model.Kind switch
        {
            MnistNetwork.Convolutions => Networks.Convolutions(model.Hidden, model.Dropout, outputs: 10),
            _ => Networks.Perceptron(inputs: 28 * 28, model.Hidden, layers: 1, model.Dropout, outputs: 10),
        };
        return new Classifier(net, classes: 10, options.Optimizer);
    }
}

/// <summary>Options of <see cref="MnistTask"/>.</summary>
sealed record MnistOptions : TaskOptions
{
    /// <summary>Options with defaults for 60,000 images.</summary>
    public MnistOptions() => Trainer = new() { MaxEpochs = 5 };

    /// <summary>The network.</summary>
    public MnistModelOptions Model { get; init; } = new();

    /// <summary>The data.</summary>
    public MnistDataOptions Data { get; init; } = new();

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults() => [.. base.Faults(), .. Model.Faults(), .. Data.Faults()];
}

/// <summary>The network of <see cref="MnistTask"/>.</summary>
sealed record MnistModelOptions
{
    /// <summary>What it is made of.</summary>
    public MnistNetwork Kind { get; init; } = MnistNetwork.Perceptron;

    /// <summary>Units of the hidden layer.</summary>
    public int Hidden { get; init; } = 128;

    /// <summary>Share of hidden units dropped in training.</summary>
    public double Dropout { get; init; }

    /// <summary>Values outside their ranges.</summary>
    public IEnumerable<OptionFault> Faults()
    {
        if (Hidden < 1) yield return OutOfRange.Fault("model.hidden", Hidden, "1 and more");
        if (Dropout is not (>= 0 and < 1)) yield return OutOfRange.Fault("model.dropout", Dropout, "0 and more, below 1");
    }
}

/// <summary>Networks for 28 × 28 images.</summary>
enum MnistNetwork
{
    /// <summary>One hidden layer.</summary>
    Perceptron,

    /// <summary>Two convolutions with pooling, then one hidden layer.</summary>
    Convolutions,
}

/// <summary>Where the images are, and how they are batched.</summary>
sealed record MnistDataOptions
{
    /// <summary>Folder of the idx files, gzipped or not.</summary>
    public string? Folder { get; init; }

    /// <summary>Which set the files hold.</summary>
    public MnistSet Set { get; init; } = MnistSet.Digits;

    /// <summary>Images in a batch.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Share of the training images held out for validation.</summary>
    public double Validation { get; init; } = 0.1;

    /// <summary>Values outside their ranges.</summary>
    public IEnumerable<OptionFault> Faults()
    {
        if (BatchSize < 1) yield return OutOfRange.Fault("data.batchSize", BatchSize, "1 and more");
        if (Validation is not (>= 0 and < 1)) yield return OutOfRange.Fault("data.validation", Validation, "0 and more, below 1");
    }
}

/// <summary>Sets of 28 × 28 images in ten classes.</summary>
enum MnistSet
{
    /// <summary>MNIST: handwritten digits.</summary>
    Digits,

    /// <summary>Fashion-MNIST: clothing.</summary>
    Fashion,
}
