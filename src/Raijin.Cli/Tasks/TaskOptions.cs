namespace Raijin.Cli;

/// <summary>What every built-in task can be told.</summary>
abstract record TaskOptions
{
    /// <summary>The training loop.</summary>
    public TrainerOptions Trainer { get; init; } = new() { MaxEpochs = 20 };

    /// <summary>The optimizer and its schedule.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Which checkpoints are written and kept.</summary>
    public CheckpointOptions Checkpoint { get; init; } = new();

    /// <summary>When to stop before the end; null for never.</summary>
    public EarlyStoppingOptions? EarlyStopping { get; init; }

    /// <summary>What is wrong with the values, each allowed by its type.</summary>
    public virtual IEnumerable<OptionFault> Faults() => [.. Optimizer.Faults(), .. Checkpoint.Faults(), .. EarlyStopping?.Faults() ?? []];
}

/// <summary>Which checkpoints are written and kept.</summary>
sealed record CheckpointOptions
{
    /// <summary>When to save; the end of training and an interrupt always save what was not saved yet.</summary>
    public Every Save { get; init; } = Every.Epochs(1);

    /// <summary>The metric that says which checkpoints are the best.</summary>
    public Best? Monitor { get; init; } = Best.Max("val/accuracy");

    /// <summary>How many of the best are kept.</summary>
    public int Keep { get; init; } = 1;

    /// <summary>How many of the newest are kept besides.</summary>
    public int KeepLast { get; init; } = 2;

    /// <summary>Whether training goes on while a checkpoint is written.</summary>
    public bool InBackground { get; init; } = true;

    /// <summary>Values outside their ranges.</summary>
    public IEnumerable<OptionFault> Faults()
    {
        if (Keep < 0) yield return OutOfRange.Fault("checkpoint.keep", Keep, "0 and more");
        if (KeepLast < 1) yield return OutOfRange.Fault("checkpoint.keepLast", KeepLast, "1 and more, or a damaged checkpoint would leave nothing to go back to");
    }

    /// <summary>The callback these options describe.</summary>
    public ModelCheckpoint ToCallback() => new() { Save = Save, Monitor = Monitor, Keep = Keep, KeepLast = KeepLast, InBackground = InBackground };
}

/// <summary>When to stop before the end.</summary>
sealed record EarlyStoppingOptions
{
    /// <summary>The metric that has to get better.</summary>
    public Best Monitor { get; init; } = Best.Max("val/accuracy");

    /// <summary>Validations without a better value after which training stops.</summary>
    public int Patience { get; init; } = 5;

    /// <summary>How much better a value must be to count.</summary>
    public double MinDelta { get; init; }

    /// <summary>Values outside their ranges.</summary>
    public IEnumerable<OptionFault> Faults()
    {
        if (Patience < 1) yield return OutOfRange.Fault("earlyStopping.patience", Patience, "1 and more");
        if (!(MinDelta >= 0)) yield return OutOfRange.Fault("earlyStopping.minDelta", MinDelta, "0 and more");
    }

    /// <summary>The callback these options describe.</summary>
    public EarlyStopping ToCallback() => new(Monitor, Patience) { MinDelta = MinDelta };
}
