using System.Text.RegularExpressions;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Cli.Tests;

/// <summary>What a program says of its tasks, and what its command line makes of it.</summary>
public sealed class RaijinAppSetupTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("hosted-help.txt", "--help")]
    [InlineData("hosted-help-fit.txt", "fit", "--help")]
    [InlineData("hosted-completion.txt", "completion", "bash")]
    public void A_program_with_one_task_asks_for_no_task_and_goes_by_its_own_name(string golden, params string[] args)
    {
        var call = Call.Of(Programs.Hosted, [], args);
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        var lines = call.Out.Split('\n').Where(line => !line.StartsWith("  --trainer.", StringComparison.Ordinal));
        Golden.Match(Regex.Replace(string.Join('\n', lines), "(?<=\\S)  +", "   "), golden);
    }

    [Fact]
    public void A_hosted_program_trains_evaluates_and_predicts()
    {
        var run = _folder["run"];
        var fit = Call.Of(Programs.Hosted, [], "fit", "--output", run, "--trainer.maxEpochs", "1", "--optimizer", "sgd", "--schedule", "constant");
        Assert.True(fit.ExitCode == 0, fit.Error);
        Assert.Contains("kind: sgd", File.ReadAllText(Path.Combine(run, "config.yaml")), StringComparison.Ordinal);
        Assert.Contains("test/accuracy", Call.Of(Programs.Hosted, [], "test", "--run", run).Out, StringComparison.Ordinal);
        Assert.Equal(0, Call.Of(Programs.Hosted, [], "predict", "--run", run, "--to", _folder["answers.csv"]).ExitCode);
        var lines = File.ReadAllLines(_folder["answers.csv"]);
        Assert.Equal(("loader,index,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9", 181), (lines[0], lines.Length));
        Assert.Equal(1, lines[1].Split(',')[2..].Sum(share => double.Parse(share, System.Globalization.CultureInfo.InvariantCulture)), 1e-5);
    }

    [Fact]
    public void The_environment_lies_between_files_and_arguments()
    {
        File.WriteAllText(_folder["a.yaml"], "data: { maxEpochs: 1, strategy: zero1 }\nmodel: { widths: [1] }");
        var settings = new Dictionary<string, string> { ["DATA__MAXEPOCHS"] = "2", ["MODEL__WIDTHS"] = "3,4", ["MODEL__HIDDEN"] = "5", ["OPTIMIZER"] = "sgd" };
        var printed = Call.Of(Programs.Several, settings, "config", "print", "demo", "--config", _folder["a.yaml"], "--model.hidden", "6", "--sources").Out;
        Assert.Matches(@"maxEpochs: 2 +# environment RAIJIN__DATA__MAXEPOCHS\n", printed);
        Assert.Matches(@"widths: \[3, 4\] +# environment RAIJIN__MODEL__WIDTHS\n", printed);
        Assert.Matches(@"hidden: 6 +# argument\n", printed);
        Assert.Matches(@"kind: sgd +# environment RAIJIN__OPTIMIZER\n", printed);
        Assert.Matches(@"strategy: zero1 +# .*a.yaml line 1\n", printed);
    }

    [Fact]
    public void A_variable_that_names_no_key_is_a_fault() => Assert.Equal(
        "1 problem in the options:\n  model.hiden   unknown; did you mean model.hidden? (environment RAIJIN__MODEL__HIDEN)\n",
        Call.Of(Programs.Several, new() { ["MODEL__HIDEN"] = "5" }, "config", "print", "demo").Error);

    [Fact]
    public void A_kind_brings_its_own_defaults_and_keeps_what_was_said_of_keys_it_has_too()
    {
        File.WriteAllText(_folder["a.yaml"], "optimizer: { kind: adamW, learningRate: 0.5, beta1: 0.8 }");
        var printed = Call.Run("config", "print", "demo", "--config", _folder["a.yaml"], "--optimizer", "sgd").Out;
        Assert.Contains("optimizer:\n  kind: sgd\n  learningRate: 0.5\n  weightDecay: 0\n  noDecayOn: [\"*.bias\"]\n  momentum: 0.9\n", printed, StringComparison.Ordinal);
        Assert.Contains("learningRate: 0.01\n", Call.Run("config", "print", "demo", "--optimizer", "sgd").Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_of_files_and_of_the_training_loop_come_in_one_list_with_their_lines()
    {
        File.WriteAllText(_folder["a.yaml"], "trainer:\n  accumulateGradients: 0\n  maxEpoch: 3\noptimizer:\n  kind: adamm\n  momentum: 2\nmodel:\n  hidden: 3\n");
        var call = Call.Run("config", "validate", "demo", _folder["a.yaml"]);
        Assert.Equal(2, call.ExitCode);
        Golden.Match(call.Error.Replace(_folder.Path + Path.DirectorySeparatorChar, "", StringComparison.Ordinal), "validate.txt");
        File.WriteAllText(_folder["a.yaml"], "model:\n  hidden: 3\n");
        var good = Call.Run("config", "validate", "demo", _folder["a.yaml"]);
        Assert.Equal((0, $"{_folder["a.yaml"]}: no problem found.\n"), (good.ExitCode, good.Out));
    }

    [Fact]
    public void A_key_that_follows_another_has_its_value_and_is_no_key()
    {
        var app = RaijinApp.Create("linked").Task<LinkedModel, LinkedData>(task => task.Link("data.batchSize", "model.rows").Link<int, string>("data.batchSize", "model.name", size => $"of {size}"));
        LinkedModel.Made = null;
        var call = Call.Of(app, [], "fit", "--data.batchSize", "7", "--output", _folder["run"]);
        Assert.Contains("no data of 7", call.Error, StringComparison.Ordinal);
        Assert.Equal(new LinkedOptions { Rows = 7, Name = "of 7" }, LinkedModel.Made);
        Assert.DoesNotContain("rows", Call.Of(app, [], "config", "print").Out, StringComparison.Ordinal);
        Assert.Contains("model.rows   follows data.batchSize: set that one", Call.Of(app, [], "config", "print", "--model.rows", "3").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Hooks_are_called_around_the_command_they_name()
    {
        var calls = new List<string>();
        var app = Programs.Several.Before("config print", call => calls.Add($"before {call.Command} of {call.Task}")).After("config print", (call, exitCode) => calls.Add($"after {call.Command}: {exitCode}")).Before("fit", _ => calls.Add("fit"));
        Call.Of(app, [], "config", "print", "demo");
        Assert.Equal(["before config print of demo", "after config print: 0"], calls);
    }

    [Fact]
    public void A_choice_can_be_registered_by_a_line()
    {
        var app = RaijinApp.Create("chosen").Choice<ShapeSample, Square>("square").Choice<ShapeSample, Circle>("circle").Task<ShapeModel, LinkedData>(task => task.Defaults(new Circle()));
        Assert.Contains("model:\n  kind: square\n  side: 3\n", Call.Of(app, [], "config", "print", "--model", "square", "--model.side", "3").Out, StringComparison.Ordinal);
        var error = Assert.Throws<ArgumentException>(() => RaijinApp.Create().Choice<ShapeSample, Circle>("square"));
        Assert.Contains("taken by Square", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_does_not_fit_together_says_why()
    {
        Assert.Contains("trains on LabeledBatch, but OtherData gives TensorBatch", Assert.Throws<ArgumentException>(() => RaijinApp.Create().Task<DemoModel, OtherData>()).Message, StringComparison.Ordinal);
        Assert.Contains("NoTrainingModule is not a module", Assert.Throws<ArgumentException>(() => RaijinApp.Create().Task<NoTrainingModule, OtherData>()).Message, StringComparison.Ordinal);
        Assert.Contains("No section of DemoModel and DemoData takes a String", Assert.Throws<ArgumentException>(() => RaijinApp.Create().Task<DemoModel, DemoData>(task => task.Defaults("text"))).Message, StringComparison.Ordinal);
        Assert.Contains("there is no key model.hiden; did you mean model.hidden?", Assert.Throws<ArgumentException>(() => RaijinApp.Create().Task<DemoModel, DemoData>(task => task.Link("model.hiden", "data.seed"))).Message, StringComparison.Ordinal);
    }

    sealed record LinkedOptions
    {
        public int Rows { get; init; } = 1;
        public string Name { get; init; } = "";
    }

    sealed record LinkedDataOptions(int BatchSize = 4);

    sealed class LinkedModel : TrainingModule<LabeledBatch>
    {
        public LinkedModel(LinkedOptions options) => Made = options;

        public static object? Made { get; set; }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 1);
    }

    sealed class LinkedData(LinkedDataOptions options) : DataModule<LabeledBatch>
    {
        public override void Prepare(CancellationToken cancellationToken = default) => throw new IOException($"no data of {options.BatchSize}");
    }

    abstract record ShapeSample;

    sealed record Square : ShapeSample
    {
        public int Side { get; init; } = 1;
    }

    sealed record Circle : ShapeSample;

    sealed class ShapeModel(ShapeSample shape) : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> net = shape is Square ? Identity() : Flatten();

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(net, 1);
    }

    sealed class OtherData : DataModule<TensorBatch>;

    sealed class NoTrainingModule() : Module("none");
}
