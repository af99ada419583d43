namespace Raijin.Cli;

/// <summary>Something the command line can train: data, a model for it, and the options of both.</summary>
/// <param name="name">As typed: <c>digits</c>.</param>
/// <param name="summary">One line for help.</param>
abstract class LearningTask(string name, string summary)
{
    RecordShape? _shape;

    /// <summary>As typed.</summary>
    public string Name => name;

    /// <summary>One line for help.</summary>
    public string Summary => summary;

    /// <summary>The options a run has when nothing is said.</summary>
    public abstract TaskOptions Defaults { get; }

    /// <summary>The keys of its options.</summary>
    public RecordShape Shape => _shape ??= (RecordShape)ValueShape.Of(Defaults.GetType())!;

    /// <summary>Options that stand for a key each.</summary>
    public virtual IReadOnlyList<ShortForm> ShortForms =>
    [
        new("--seed", "N", "trainer.seed", "Seed of everything random"),
        new("--output", "DIR", "trainer.output", $"The run's folder (default: runs/{name}/1, 2, …)"),
    ];

    /// <summary>What has to be typed after the task's name, for examples; begins with a space, or is empty.</summary>
    public virtual string RequiredArguments => "";

    /// <summary>The data.</summary>
    /// <param name="options">Options of the type of <see cref="Defaults"/>.</param>
    public abstract DataLoaders<LabeledBatch> LoadData(TaskOptions options);

    /// <summary>A model with fresh weights.</summary>
    /// <param name="options">Options of the type of <see cref="Defaults"/>.</param>
    public abstract TrainingModule<LabeledBatch> CreateModel(TaskOptions options);
}

/// <summary>An option that stands for a key: <c>--seed 3</c> for <c>--trainer.seed 3</c>.</summary>
/// <param name="Name">The option.</param>
/// <param name="Value">What help calls its value.</param>
/// <param name="Key">The key.</param>
/// <param name="Description">One line for help.</param>
sealed record ShortForm(string Name, string Value, string Key, string Description);
