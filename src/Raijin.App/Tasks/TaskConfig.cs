namespace Raijin.App;

/// <summary>The options of one run of a task: a record for each section.</summary>
/// <param name="sections">The sections.</param>
/// <param name="values">Their records, in the same order.</param>
sealed class TaskConfig(IReadOnlyList<TaskSection> sections, object?[] values)
{
    /// <summary>The training loop.</summary>
    public TrainerOptions Trainer => (TrainerOptions)this[TaskSection.Trainer]!;

    /// <summary>Which checkpoints are written and kept.</summary>
    public CheckpointOptions Checkpoint => (CheckpointOptions)this[TaskSection.Checkpoint]!;

    /// <summary>When to stop before the end; null for never.</summary>
    public EarlyStoppingOptions? EarlyStopping => (EarlyStoppingOptions?)this[TaskSection.EarlyStopping];

    /// <summary>The optimizer, where the module takes one from configuration.</summary>
    public OptimizerOptions? Optimizer => sections.Any(section => section.Key == TaskSection.Optimizer) ? (OptimizerOptions?)this[TaskSection.Optimizer] : null;

    /// <summary>A section's record.</summary>
    public object? this[string key]
    {
        get => values[IndexOf(key)];
        set => values[IndexOf(key)] = value;
    }

    /// <summary>A copy that may be changed until it is handed out.</summary>
    public TaskConfig Clone() => new(sections, [.. values]);

    int IndexOf(string key)
    {
        for (var i = 0; i < sections.Count; i++) if (sections[i].Key == key) return i;
        throw new KeyNotFoundException($"There is no section {key}; there are {string.Join(", ", sections.Select(section => section.Key))}.");
    }
}

/// <summary>A part of a task's configuration.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Summary">What it holds.</param>
/// <param name="Type">Its record's type; abstract for a choice.</param>
/// <param name="Default">Its record when nothing is said; null where that is off.</param>
sealed record TaskSection(string Key, string Summary, Type Type, object? Default)
{
    /// <summary>The key of the training loop.</summary>
    public const string Trainer = "trainer";

    /// <summary>The key of the optimizer.</summary>
    public const string Optimizer = "optimizer";

    /// <summary>The key of the learning-rate schedule.</summary>
    public const string Schedule = "schedule";

    /// <summary>The key of the checkpoints.</summary>
    public const string Checkpoint = "checkpoint";

    /// <summary>The key of early stopping.</summary>
    public const string EarlyStopping = "earlyStopping";

    /// <summary>The key of what a module's constructor takes.</summary>
    public const string Model = "model";

    /// <summary>The key of what a data module's constructor takes.</summary>
    public const string Data = "data";
}
