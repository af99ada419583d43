using System.CommandLine;
using System.CommandLine.Parsing;

namespace Raijin.App;

/// <summary>All commands, in the order help lists them.</summary>
static class CommandTree
{
    /// <summary>Builds the commands below the program.</summary>
    public static IEnumerable<Command> Build(AppDescription app) =>
    [
        PerTask(app, "fit", "Trains a task", task => new FitCommand(task)),
        PerTask(app, "validate", "Evaluates a trained model on its task's validation data", task => new EvaluateCommand(task, RunStage.Validate)),
        PerTask(app, "test", "Evaluates a trained model on its task's test data", task => new EvaluateCommand(task, RunStage.Test)),
        PerTask(app, "predict", "Writes a trained model's answers to a file", task => new PredictCommand(task)),
        Tune(app),
        Group("config", "Shows and checks configurations",
        [
            PerTask(app, "print", "Prints a task's configuration after all files and arguments", task => new ConfigPrintCommand(task)),
            PerTask(app, "schema", "Prints the JSON schema of a task's configuration files, for editors", task => new ConfigSchemaCommand(task)),
            PerTask(app, "validate", "Checks a task's configuration files", task => new ConfigValidateCommand(task)),
            new ConfigImportCommand(),
        ]),
        Group("checkpoint", "Looks into and converts checkpoints",
            [new CheckpointInspectCommand(), new CheckpointVerifyCommand(), new CheckpointConvertCommand(), new CheckpointMergeCommand(), new CheckpointImportCommand()]),
        Group("schedule", "Prints and draws learning-rate schedules", ScheduleCatalog.All().Select(entry => new ScheduleCommand(entry))),
        // The tool plans models it is told; a program plans its own.
        app.Name == AppDescription.Tool ? new PlanCommand() : PerTask(app, "plan", "Says what memory and communication training would take on each rank", task => new PlanTaskCommand(task)),
        new MetricsCommand(),
        new PlotCommand(),
        new RunsCommand(),
        new DoctorCommand(),
        .. app.Name == AppDescription.Tool ? (Command[])[new LaunchCommand(), Group("bench", "Measures what ranks and disks of this machine can do", [new BenchCommCommand(), new BenchDiskCommand()]), new NewCommand()] : [],
        new CompletionCommand(),
    ];

    /// <summary>A command as it is typed: <c>raijin fit digits</c>.</summary>
    public static string PathOf(CommandResult command, string program) => command.Parent is CommandResult parent ? $"{PathOf(parent, program)} {command.Command.Name}" : program;

    /// <summary>The command without the program: <c>fit digits</c>; empty for the program itself.</summary>
    public static string NameOf(CommandResult command) => PathOf(command, "").TrimStart();

    // The one task of a program needs no name: the command itself is its command.
    static Command PerTask(AppDescription app, string name, string description, Func<LearningTask, TaskCommand> make) =>
        app.Tasks is [{ IsOnly: true } only] ? make(only) : Group(name, description, app.Tasks.Select(make));

    // Beside its tasks, or below the command of the one task.
    static Command Tune(AppDescription app)
    {
        var tune = PerTask(app, "tune", "Searches for the options that train best", task => new TuneCommand(task));
        var throughput = app.Tasks is [{ IsOnly: true } only] ? new TuneThroughputCommand(only) : Group("throughput", "Finds what trains fastest at the same global batch", app.Tasks.Select(task => new TuneThroughputCommand(task)));
        tune.Subcommands.Add(throughput);
        return tune;
    }

    static Command Group(string name, string description, IEnumerable<Command> commands)
    {
        var group = new Command(name, description) { TreatUnmatchedTokensAsErrors = false };
        foreach (var command in commands) group.Subcommands.Add(command);
        return group;
    }
}
