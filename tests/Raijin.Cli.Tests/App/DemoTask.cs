namespace Raijin.Cli.Tests;

/// <summary>A task with a few options whose data cannot be read.</summary>
sealed class DemoTask() : LearningTask("demo", "A demonstration")
{
    public override TaskOptions Defaults { get; } = new DemoOptions();

    public override IReadOnlyList<ShortForm> ShortForms => [new("--size", "N", "model.hidden", "Hidden units"), .. base.ShortForms];

    public override DataLoaders<LabeledBatch> LoadData(TaskOptions options) => throw new IOException("the disk is on fire");

    public override TrainingModule<LabeledBatch> CreateModel(TaskOptions options) =>
        new Classifier(Networks.Perceptron(4, ((DemoOptions)options).Model.Hidden, layers: 1, dropout: 0, outputs: 2), classes: 2, options.Optimizer);
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
        var exitCode = new RaijinApp([new DemoTask(), .. BuiltInTasks.All], new Terminal(output, error, TerminalStyle.Plain)).Run(args);
        return new Call(exitCode, Lines(output), Lines(error));
    }

    // Cells of plain tables are padded to their column.
    static string Lines(StringWriter writer) => string.Join('\n', writer.ToString().ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd()));
}
