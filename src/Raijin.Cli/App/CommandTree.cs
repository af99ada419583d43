using System.CommandLine;
using System.CommandLine.Parsing;

namespace Raijin.Cli;

/// <summary>All commands, in the order help lists them.</summary>
static class CommandTree
{
    /// <summary>Builds the commands below <c>raijin</c>.</summary>
    public static IEnumerable<Command> Build(IReadOnlyList<LearningTask> tasks) =>
    [
        Group("fit", "Trains a task", tasks.Select(task => new FitCommand(task))),
        Group("validate", "Evaluates a trained model on its task's validation data", tasks.Select(task => new EvaluateCommand(task, EvaluationData.Validation))),
        Group("test", "Evaluates a trained model on its task's test data", tasks.Select(task => new EvaluateCommand(task, EvaluationData.Test))),
        Group("config", "Shows configurations", [Group("print", "Prints a task's configuration after all files and arguments", tasks.Select(task => new ConfigPrintCommand(task)))]),
        Group("checkpoint", "Looks into checkpoints", [new CheckpointInspectCommand()]),
        Group("schedule", "Prints and draws learning-rate schedules", ScheduleCatalog.All().Select(entry => new ScheduleCommand(entry))),
        new PlotCommand(),
        new RunsCommand(),
        new DoctorCommand(),
        new CompletionCommand(),
    ];

    /// <summary>A command as it is typed: <c>raijin fit digits</c>.</summary>
    public static string PathOf(CommandResult command) => command.Parent is CommandResult parent ? $"{PathOf(parent)} {command.Command.Name}" : "raijin";

    /// <summary>The command without the program: <c>fit digits</c>; empty for the program itself.</summary>
    public static string NameOf(CommandResult command) => PathOf(command)["raijin".Length..].TrimStart();

    static Command Group(string name, string description, IEnumerable<Command> commands)
    {
        var group = new Command(name, description) { TreatUnmatchedTokensAsErrors = false };
        foreach (var command in commands) group.Subcommands.Add(command);
        return group;
    }
}
