namespace Raijin.Cli.Tests;

/// <summary>A task with a few options.</summary>
sealed class DemoTask() : LearningTask("demo", "A demonstration")
{
    public override TaskOptions Defaults { get; } = new DemoOptions();

    public override IReadOnlyList<ShortForm> ShortForms => [new("--size", "N", "model.hidden", "Hidden units")];
}

sealed record DemoOptions : TaskOptions
{
    public ModelSample Model { get; init; } = new();
    public TrainerSample Schedule { get; init; } = new();
}

/// <summary>One call of the command line and what it printed.</summary>
sealed record Call(int ExitCode, string Out, string Error)
{
    public static Call Run(params string[] args)
    {
        using StringWriter output = new(), error = new();
        var exitCode = new RaijinApp([new DemoTask()], new Terminal(output, error, TerminalStyle.Plain)).Run(args);
        return new Call(exitCode, Lines(output), Lines(error));
    }

    // Cells of plain tables are padded to their column.
    static string Lines(StringWriter writer) => string.Join('\n', writer.ToString().ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd()));
}
