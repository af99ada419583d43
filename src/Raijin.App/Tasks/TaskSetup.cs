using Raijin.App;

namespace Raijin;

/// <summary>What can be said of a task beside its types: <c>app.Task&lt;DigitClassifier, DigitsData&gt;(task => task.Defaults(new TrainerOptions { MaxEpochs = 20 }))</c>.</summary>
public sealed class TaskSetup
{
    readonly List<object> _defaults = [];
    readonly List<ArgumentLink> _links = [];
    readonly List<ShortForm> _shortForms = [];
    string? _summary;

    internal TaskSetup() { }

    /// <summary>One line for help.</summary>
    /// <value>Default: the first sentence of the module's XML summary.</value>
    public TaskSetup Summary(string text)
    {
        _summary = text;
        return this;
    }

    /// <summary>
    /// The options a run has when nothing is said, of one section: a <see cref="TrainerOptions"/> (its callbacks and loggers too), <see cref="CheckpointOptions"/>,
    /// <see cref="EarlyStoppingOptions"/>, <see cref="OptimizerOptions"/>, <see cref="ScheduleOptions"/>, or what the module's or the data module's constructor takes.
    /// </summary>
    /// <exception cref="ArgumentException">At <see cref="RaijinApp.Task{TModule, TData}(Action{TaskSetup})"/>: no section takes such a record.</exception>
    public TaskSetup Defaults(object options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _defaults.Add(options);
        return this;
    }

    /// <summary>Gives <paramref name="target"/> the value of <paramref name="source"/> in every run: <c>Link("data.batchSize", "model.batchSize")</c>. The target is no key of its own then.</summary>
    /// <param name="source">The key that is set.</param>
    /// <param name="target">The key that follows; of the same type.</param>
    public TaskSetup Link(string source, string target) => AddLink(source, target, value => value);

    /// <summary>Gives <paramref name="target"/> what <paramref name="convert"/> makes of the value of <paramref name="source"/>, in every run. The target is no key of its own then.</summary>
    public TaskSetup Link<TSource, TTarget>(string source, string target, Func<TSource, TTarget> convert)
    {
        ArgumentNullException.ThrowIfNull(convert);
        return AddLink(source, target, value => convert((TSource)value!));
    }

    /// <summary>Adds an option that stands for a key: <c>ShortForm("--data", "DIR", "data.folder", "Folder of the images")</c>.</summary>
    /// <param name="option">As typed, with its dashes.</param>
    /// <param name="value">What help calls its value.</param>
    /// <param name="key">The key.</param>
    /// <param name="description">One line for help.</param>
    public TaskSetup ShortForm(string option, string value, string key, string description)
    {
        _shortForms.Add(new(option, value, key, description));
        return this;
    }

    TaskSetup AddLink(string source, string target, Func<object?, object?> convert)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(source);
        ArgumentException.ThrowIfNullOrWhiteSpace(target);
        _links.Add(new(source, target, convert));
        return this;
    }

    internal LearningTask Build(Type module, Type data, string name, bool isOnly)
    {
        var batch = BatchOf(module, typeof(TrainingModule<>), "a module, derived from TrainingModule<TBatch>");
        var given = BatchOf(data, typeof(DataModule<>), "a data module, derived from DataModule<TBatch>");
        if (batch != given) throw new ArgumentException($"{module.Name} trains on {batch.Name}, but {data.Name} gives {given.Name}: both need one batch type.");
        ConfiguredConstructor makesModule = new(module, TaskSection.Model), makesData = new(data, TaskSection.Data);
        var needed = makesModule.Parameters.Concat(makesData.Parameters).ToDictionary(parameter => parameter.Section, parameter => parameter.Type);
        var defaults = new List<object>(_defaults);

        var sections = new List<TaskSection>();
        Add(TaskSection.Trainer, "The training loop", typeof(TrainerOptions), () => new TrainerOptions { MaxEpochs = 10 });
        AddNeeded(TaskSection.Optimizer, "The optimizer", () => new AdamWOptions());
        AddNeeded(TaskSection.Schedule, "The learning rate over the run", () => new ConstantOptions());
        Add(TaskSection.Checkpoint, "Which checkpoints are written and kept", typeof(CheckpointOptions), () => new CheckpointOptions());
        Add(TaskSection.EarlyStopping, "When to stop before the end", typeof(EarlyStoppingOptions), () => null);
        AddNeeded(TaskSection.Model, "The model", null);
        AddNeeded(TaskSection.Data, "The data", null);
        if (defaults.Count > 0) throw new ArgumentException($"No section of {module.Name} and {data.Name} takes a {defaults[0].GetType().Name}: the sections are {string.Join(", ", sections.Select(section => $"{section.Key} ({section.Type.Name})"))}.");

        return (LearningTask)Activator.CreateInstance(typeof(LearningTask<,,>).MakeGenericType(module, data, batch), System.Reflection.BindingFlags.DoNotWrapExceptions | System.Reflection.BindingFlags.CreateInstance | System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Instance, null, [new TaskDescription
        {
            Name = name,
            IsOnly = isOnly,
            Summary = _summary ?? PropertyDocs.Summary(module) ?? $"{module.Name} on {data.Name}",
            Module = makesModule,
            Data = makesData,
            Sections = sections,
            Links = _links,
            ShortForms = _shortForms,
        }], null)!;

        void AddNeeded(string key, string summary, Func<object?>? usual)
        {
            if (needed.TryGetValue(key, out var type)) Add(key, summary, type, usual is not null && type.IsAbstract ? usual : () => Usual(type, key));
        }

        void Add(string key, string summary, Type type, Func<object?> usual)
        {
            var own = defaults.FindLast(type.IsInstanceOfType);
            defaults.RemoveAll(type.IsInstanceOfType);
            sections.Add(new(key, summary, type, own ?? usual()));
        }
    }

    static object Usual(Type type, string key) => type.IsAbstract
        ? throw new ArgumentException($"{type.Name} is a choice of several records: say with Defaults which one the section {key} has when nothing is said.")
        : RecordShape.OfType(type)!.Create();

    static Type BatchOf(Type type, Type contract, string expected)
    {
        for (var at = type; at is not null; at = at.BaseType) if (at.IsGenericType && at.GetGenericTypeDefinition() == contract) return at.GetGenericArguments()[0];
        throw new ArgumentException($"{type.Name} is not {expected}.");
    }
}
