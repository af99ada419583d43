using Raijin.App;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Cli.Tests;

/// <summary>A model for tests of the command line: two numbers in, one of two classes out.</summary>
sealed class DemoModel(ModelSample options, OptimizerOptions optimizer, ScheduleOptions schedule) : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> net = Sequential(Linear(2, options.Hidden), ReLU(), Linear(options.Hidden, 2));

    protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(net.call(batch.Inputs), batch.Labels);

    protected override OptimizerSetup ConfigureOptimizers() => optimizer.For(this, schedule);
}

/// <summary>Data that cannot be read.</summary>
sealed class DemoData(TrainerSample options) : DataModule<LabeledBatch>
{
    public override void Prepare(CancellationToken cancellationToken = default) => throw new IOException($"the disk is on fire after {options.MaxEpochs} epochs");
}

/// <summary>Programs for tests: one with several tasks, one with a task that nobody has to name.</summary>
static class Programs
{
    public static RaijinApp Several => BuiltInTasks.App().Task<DemoModel, DemoData>("demo", Demo);

    public static RaijinApp Hosted => RaijinApp.Create("mydigits").Task<DigitClassifier, DigitsData>(task => task.Link("trainer.seed", "data.seed"));

    public static void Demo(TaskSetup task) => task.Summary("A demonstration").ShortForm("--size", "N", "model.hidden", "Hidden units");
}

/// <summary>One call of the command line and what it printed.</summary>
sealed record Call(int ExitCode, string Out, string Error)
{
    public static Call Run(params string[] args) => Of(Programs.Several, [], args);

    public static Call Of(RaijinApp app, Dictionary<string, string> settings, params string[] args)
    {
        using StringWriter output = new(), error = new();
        var exitCode = app.Run(args, new Terminal(output, error, TerminalStyle.Plain), settings);
        return new Call(exitCode, Lines(output), Lines(error));
    }

    // Cells of plain tables are padded to their column.
    static string Lines(StringWriter writer) => string.Join('\n', writer.ToString().ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd()));
}
