using System.Reflection;
using Raijin.App;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// A training program's command line: <c>return RaijinApp.Run&lt;DigitClassifier, DigitsData&gt;(args);</c> is a whole Program.cs with <c>fit</c>, <c>validate</c>, <c>test</c>,
/// <c>predict</c>, <c>config</c>, <c>checkpoint</c>, <c>tune</c>, <c>doctor</c> and tab completion.
/// </summary>
/// <remarks>
/// <para>The constructor of the module takes its options record or nothing, and so does the data module's; a module's may take an <see cref="OptimizerOptions"/> and a
/// <see cref="ScheduleOptions"/> besides. Every property of these records is an option, a key of configuration files, and a line of the help, whose text is the property's XML summary.</para>
/// <para>Answers to Lightning's <c>LightningCLI</c>. Exit codes: 0 done, 1 failed, 2 the command line or configuration is wrong, 130 and 143 stopped by a signal.</para>
/// </remarks>
public sealed class RaijinApp
{
    readonly string _name;
    readonly string? _description;
    readonly List<LearningTask> _tasks = [];
    readonly List<CommandHook> _before = [];
    readonly List<CommandHook> _after = [];

    RaijinApp(string? name, string? description)
    {
        _name = name ?? Assembly.GetEntryAssembly()?.GetName().Name ?? "raijin";
        _description = description;
    }

    /// <summary>Runs a program that trains one module on one kind of data.</summary>
    /// <param name="args">The command line.</param>
    /// <typeparam name="TModule">A <see cref="TrainingModule{TBatch}"/>.</typeparam>
    /// <typeparam name="TData">A <see cref="DataModule{TBatch}"/> of the same batch type.</typeparam>
    /// <returns>The exit code.</returns>
    /// <exception cref="ArgumentException">The types don't fit each other, or their constructors can't be called with options; a mistake in the program, not in its use.</exception>
    public static int Run<TModule, TData>(IReadOnlyList<string> args) where TModule : nn.Module where TData : class =>
        Create().Task<TModule, TData>().Run(args);

    /// <summary>A program to say more of.</summary>
    /// <param name="name">As typed; null: the assembly's name.</param>
    /// <param name="description">One line for help; null: the task's.</param>
    public static RaijinApp Create(string? name = null, string? description = null) => new(name, description);

    /// <summary>Gives the program its one task; commands take no task name then.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Run{TModule, TData}"/>.</exception>
    public RaijinApp Task<TModule, TData>(Action<TaskSetup>? setup = null) where TModule : nn.Module where TData : class => Add<TModule, TData>(_name, isOnly: true, setup);

    /// <summary>Adds one of several tasks; commands take its name: <c>fit digits</c>.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Run{TModule, TData}"/>, or the name is taken.</exception>
    public RaijinApp Task<TModule, TData>(string name, Action<TaskSetup>? setup = null) where TModule : nn.Module where TData : class
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return Add<TModule, TData>(name, isOnly: false, setup);
    }

    /// <summary>Makes a record a choice for its abstract base, under a short name; for those that no <see cref="ChoiceAttribute"/> marks. Before the tasks that use it.</summary>
    /// <param name="name">As typed, camelCase.</param>
    /// <exception cref="ArgumentException">The name is taken by another record.</exception>
    public RaijinApp Choice<TBase, TChoice>(string name) where TBase : class where TChoice : class, TBase
    {
        ChoiceTable.Register(typeof(TBase), name, typeof(TChoice));
        return this;
    }

    /// <summary>Calls <paramref name="hook"/> before a command does its work: the command line is understood, nothing was done yet.</summary>
    /// <param name="command">The command: <c>fit</c>, <c>config print</c>.</param>
    /// <param name="hook">What it throws ends the command with exit code 1.</param>
    public RaijinApp Before(string command, Action<CommandCall> hook)
    {
        _before.Add(new(command, (call, _) => hook(call)));
        return this;
    }

    /// <summary>Calls <paramref name="hook"/> with the exit code after a command that did not throw.</summary>
    /// <param name="command">The command: <c>fit</c>, <c>config print</c>.</param>
    /// <param name="hook">What it throws ends the command with exit code 1.</param>
    public RaijinApp After(string command, Action<CommandCall, int> hook)
    {
        _after.Add(new(command, hook));
        return this;
    }

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code.</returns>
    public int Run(IReadOnlyList<string> args) => Run(args, new Terminal(Console.Out, Console.Error, TerminalStyle.OfProcess()), RaijinEnvironment.Settings);

    internal int Run(IReadOnlyList<string> args, Terminal terminal, IReadOnlyDictionary<string, string> settings)
    {
        ArgumentNullException.ThrowIfNull(args);
        return new CommandLine(Describe(), terminal, settings).Run(args);
    }

    internal AppDescription Describe() => _tasks.Count == 0
        ? throw new InvalidOperationException("The program has no task: add one with Task<TModule, TData>().")
        : new(_name, _description ?? _tasks[0].Summary, _tasks, _before, _after);

    RaijinApp Add<TModule, TData>(string name, bool isOnly, Action<TaskSetup>? setup)
    {
        if (_tasks.Exists(task => task.IsOnly || isOnly || task.Name == name))
            throw new ArgumentException(isOnly ? "A program's one task can't stand beside others: give each a name." : $"The task {name} can't be added: its name is taken, or there is a task without a name.");
        var said = new TaskSetup();
        setup?.Invoke(said);
        _tasks.Add(said.Build(typeof(TModule), typeof(TData), name, isOnly));
        return this;
    }
}
