namespace Raijin.App;

/// <summary>A command of one task: <c>fit digits</c>, or <c>fit</c> alone in a program with one task.</summary>
abstract class TaskCommand : CliCommand
{
    /// <summary>Makes a command.</summary>
    /// <param name="verb">The command: <c>config print</c>.</param>
    /// <param name="description">What it does, in one line.</param>
    /// <param name="task">The task.</param>
    /// <param name="without">Short forms of the task's that the command has a meaning of its own for.</param>
    protected TaskCommand(string verb, string description, LearningTask task, params ReadOnlySpan<string> without)
        : base(task.IsOnly ? verb.Split(' ')[^1] : task.Name, task.IsOnly ? description : task.Summary)
    {
        Verb = verb;
        Learning = task;
        Config = new ConfigOptions(this, task, without);
    }

    /// <inheritdoc/>
    public sealed override LearningTask Task => Learning;

    /// <summary>The command without the task.</summary>
    public string Verb { get; }

    /// <summary>The task.</summary>
    protected LearningTask Learning { get; }

    /// <summary>The options of its configuration.</summary>
    protected ConfigOptions Config { get; }

    /// <summary>The command as the raijin tool's user types it, for examples and messages: <c>raijin fit digits</c>.</summary>
    protected string Typed => $"{AppDescription.Tool} {Verb}{Learning.Typed}";

    /// <summary>The command for a report: <c>fit digits</c>.</summary>
    protected string Reported => Verb + Learning.Typed;
}
