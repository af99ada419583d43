using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>Something a program can train: a module, its data, and the options of both.</summary>
abstract class LearningTask
{
    readonly List<ShortForm> _shortForms;

    /// <summary>Takes what was set up.</summary>
    protected LearningTask(TaskDescription description)
    {
        Description = description;
        Shape = new TaskShape(description.Sections, description.Links);
        Defaults = (TaskConfig)Shape.Settle(Shape.Create());
        _shortForms =
        [
            .. description.ShortForms,
            new("--seed", "N", "trainer.seed", "Seed of everything random"),
            new("--output", "DIR", "trainer.output", $"The run's folder (default: {Runs}/1, 2, …)"),
            new("--devices", "N", "trainer.devices", "Ranks that train together on this machine"),
            new("--max-restarts", "N", "trainer.maxRestarts", "How often they are started again after one failed, from the last checkpoint"),
            new("--strategy", "NAME", "trainer.strategy", "How their state is divided: ddp, zero1, zero2 or zero3"),
        ];
        foreach (var form in _shortForms)
            if (Shape.Leaves().All(leaf => leaf.Path != form.Key)) throw new ArgumentException($"{form.Name} stands for {form.Key}, which is no key of {Name}.");
    }

    /// <summary>What was set up.</summary>
    protected TaskDescription Description { get; }

    /// <summary>The task's name; of a program with one task the program's.</summary>
    public string Name => Description.Name;

    /// <summary>What has to be typed after a command to name the task, with a space before it; empty where there is only one.</summary>
    public string Typed => Description.IsOnly ? "" : " " + Name;

    /// <summary>Whether it is the program's one task.</summary>
    public bool IsOnly => Description.IsOnly;

    /// <summary>One line for help.</summary>
    public string Summary => Description.Summary;

    /// <summary>Where its runs lie when nothing else is said.</summary>
    public string Runs => IsOnly ? "runs" : $"runs/{Name}";

    /// <summary>The keys of its options.</summary>
    public TaskShape Shape { get; }

    /// <summary>The options a run has when nothing is said.</summary>
    public TaskConfig Defaults { get; }

    /// <summary>Options that stand for a key each.</summary>
    public IReadOnlyList<ShortForm> ShortForms => _shortForms;

    /// <summary>What has to be typed besides, for examples; begins with a space, or is empty.</summary>
    public string RequiredArguments => string.Concat(Shape.Leaves().Where(leaf => leaf.Property.IsRequired && leaf.Property.Get(Owner(leaf.Path)!) is null)
        .Select(leaf => _shortForms.Find(form => form.Key == leaf.Path) is { } form ? $" {form.Name} {form.Value}" : $" --{leaf.Path} …"));

    /// <summary>Trains.</summary>
    public abstract FitResult Fit(TaskConfig config, TrainerOptions options, Resume resume);

    /// <summary>Evaluates a checkpoint's weights.</summary>
    public abstract EvaluationResult Evaluate(TaskConfig config, TrainerOptions options, RunStage stage, string checkpoint);

    /// <summary>Gives the answers of a checkpoint's weights to <paramref name="writer"/>.</summary>
    public abstract void Predict(TaskConfig config, TrainerOptions options, string checkpoint, PredictionWriter writer);

    /// <summary>The size of the module that a configuration makes. It is made on the meta device: its weights take no memory.</summary>
    public abstract ModelShape Measure(TaskConfig config);

    /// <summary>Records what a microbatch of a configuration computes and what training it holds.</summary>
    public abstract RecordedStep RecordStep(TaskConfig config);

    /// <summary>Finds what trains fastest; every rank calls it.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="ofBatch">The same with microbatches of so many samples.</param>
    /// <param name="finder">How.</param>
    /// <param name="onTrial">Told of trials.</param>
    public abstract FoundThroughput FindThroughput(TaskConfig config, Func<int, TaskConfig> ofBatch, ThroughputFinder finder, Action<ThroughputTrial>? onTrial);

    object? Owner(string path)
    {
        object? owner = Defaults;
        GroupShape? group = Shape;
        foreach (var key in path.Split('.')[..^1])
        {
            var property = group?.Find(key);
            owner = owner is null ? null : property?.Get(owner);
            group = property?.Shape as GroupShape ?? (owner is null ? null : (property?.Shape as VariantShape)?.ShapeOf(owner.GetType()));
        }
        return owner;
    }
}

/// <summary>A task with all its types known.</summary>
sealed class LearningTask<TModule, TData, TBatch>(TaskDescription description) : LearningTask(description)
    where TModule : TrainingModule<TBatch> where TData : DataModule<TBatch> where TBatch : IBatch<TBatch>
{
    public override FitResult Fit(TaskConfig config, TrainerOptions options, Resume resume)
    {
        var trainer = new Trainer(options); // seeds, so before the model draws its weights
        using var model = Model(config);
        return trainer.Fit(model, Data(config), resume);
    }

    public override EvaluationResult Evaluate(TaskConfig config, TrainerOptions options, RunStage stage, string checkpoint)
    {
        var trainer = new Trainer(options);
        using var model = Model(config);
        var weights = Weights.From(checkpoint);
        return stage == RunStage.Test ? trainer.Test(model, Data(config), weights) : trainer.Validate(model, Data(config), weights);
    }

    public override void Predict(TaskConfig config, TrainerOptions options, string checkpoint, PredictionWriter writer)
    {
        var trainer = new Trainer(options);
        using var model = Model(config);
        trainer.Predict(model, Data(config), writer, Weights.From(checkpoint));
    }

    public override ModelShape Measure(TaskConfig config)
    {
        var device = get_default_device();
        set_default_device(META);
        try
        {
            using var scope = TensorScope.Open();
            using var model = Model(config);
            return ModelShape.Of(model);
        }
        finally
        {
            set_default_device(device);
        }
    }

    public override RecordedStep RecordStep(TaskConfig config) => new Trainer(config.Trainer with { Devices = 1, Strategy = null }).RecordStep<TBatch>(() => Model(config), Data(config));

    public override FoundThroughput FindThroughput(TaskConfig config, Func<int, TaskConfig> ofBatch, ThroughputFinder finder, Action<ThroughputTrial>? onTrial) =>
        new Trainer(config.Trainer).FindThroughput<TBatch>(() => Model(config), samples => Data(ofBatch(samples)), finder, onTrial);

    TModule Model(TaskConfig config) => (TModule)Description.Module.Make(config);

    TData Data(TaskConfig config) => (TData)Description.Data.Make(config);
}

/// <summary>An option that stands for a key: <c>--seed 3</c> for <c>--trainer.seed 3</c>.</summary>
/// <param name="Name">The option.</param>
/// <param name="Value">What help calls its value.</param>
/// <param name="Key">The key.</param>
/// <param name="Description">One line for help.</param>
sealed record ShortForm(string Name, string Value, string Key, string Description);
