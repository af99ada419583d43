using System.Text.Json;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class FitCommandTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    string Run => _folder["run"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_fit_ends_in_one_json_object_that_says_what_came_out_and_where_it_lies()
    {
        var (json, error) = Fit("--trainer.maxEpochs", "2");
        Assert.Equal(("fit digits", "digits", 0), (Text(json, "command"), Text(json, "task"), json.GetProperty("exitCode").GetInt32()));
        Assert.InRange(json.GetProperty("metrics").GetProperty("val/accuracy").GetDouble(), 0.3, 1);
        Assert.True(Directory.Exists(Text(json, "checkpoint")));
        Assert.Equal(Run, Text(json, "logDirectory"));
        Assert.Equal((2, 40), (json.GetProperty("epochs").GetInt32(), json.GetProperty("steps").GetInt32()));
        Assert.InRange(json.GetProperty("stepsPerSecond").GetDouble(), 1, 1e6);
        Assert.InRange(json.GetProperty("peakMemoryBytes").GetInt64(), 1 << 24, 1L << 40);
        Assert.All(json.GetProperty("logs").EnumerateArray(), log => Assert.True(File.Exists(log.GetString())));
        Assert.Contains("Trained 40 steps", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_resolved_configuration_lies_beside_the_checkpoints_and_gives_the_same_weights()
    {
        var (first, _) = Fit("--trainer.maxEpochs", "1", "--model.hidden", "20", "--seed", "5");
        var again = Call.Run("fit", "digits", "--config", Path.Combine(Run, "config.yaml"), "--output", _folder["again"], "--json");
        Assert.Equal(0, again.ExitCode);
        Assert.Equal(Hashes(Text(first, "checkpoint")), Hashes(Text(Parse(again), "checkpoint")));
    }

    [Fact]
    public void A_resumed_fit_goes_on_with_its_own_configuration_and_ends_as_the_uninterrupted_one()
    {
        var (whole, _) = Fit("--trainer.maxSteps", "30", "--model.hidden", "20");
        var stopped = _folder["stopped"];
        Assert.Equal(0, Call.Run("fit", "digits", "--trainer.maxSteps", "30", "--model.hidden", "20", "--output", stopped, "--checkpoint.save", "7 steps").ExitCode);
        // Without its last checkpoint it is a run that died between steps 28 and 30.
        Directory.Delete(Directory.EnumerateDirectories(Path.Combine(stopped, "checkpoints"), "*30*").Single(), recursive: true);
        var resumed = Call.Run("fit", "digits", "--resume", stopped, "--json");
        Assert.Equal(0, resumed.ExitCode);
        var json = Parse(resumed);
        Assert.Equal((30, 2), (json.GetProperty("steps").GetInt32(), json.GetProperty("stepsHere").GetInt32()));
        Assert.Equal(Hashes(Text(whole, "lastCheckpoint")), Hashes(Text(json, "lastCheckpoint")));
    }

    [Fact]
    public void A_folder_that_holds_a_run_is_not_overwritten()
    {
        Fit("--trainer.maxSteps", "3");
        var call = Call.Run("fit", "digits", "--output", Run, "--trainer.maxSteps", "3");
        Assert.Equal(2, call.ExitCode);
        Assert.Contains("already holds a run", call.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_the_trainer_finds_carry_the_line_of_their_file()
    {
        File.WriteAllText(_folder["a.yaml"], "trainer:\n  maxEpochs: 1\n  accumulateGradients: 0\n");
        var call = Call.Run("fit", "digits", "--config", _folder["a.yaml"], "--output", Run);
        Assert.Equal(2, call.ExitCode);
        Assert.Contains($"({_folder["a.yaml"]} line 3)", call.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_and_test_take_the_run_s_model_and_best_checkpoint()
    {
        var (fit, _) = Fit("--trainer.maxEpochs", "3", "--model.hidden", "20", "--model.layers", "2");
        var validated = Parse(Call.Run("validate", "digits", "--run", Run, "--json"));
        Assert.Equal(Text(fit, "checkpoint"), Text(validated, "checkpoint"));
        Assert.Equal(BestAccuracy(fit), validated.GetProperty("metrics").GetProperty("val/accuracy").GetDouble(), 1e-6);

        var tested = Parse(Call.Run("test", "digits", "--checkpoint", Text(fit, "checkpoint"), "--json"));
        Assert.InRange(tested.GetProperty("metrics").GetProperty("test/accuracy").GetDouble(), 0.3, 1);
    }

    [Fact]
    public void Evaluating_what_is_not_there_says_so()
    {
        var call = Call.Run("validate", "digits", "--run", Run);
        Assert.Equal((2, $"1 problem in the options:\n  --run   = {Run} holds no checkpoint\n"), (call.ExitCode, call.Error));
    }

    [Fact]
    public void Inspecting_a_run_lists_its_newest_checkpoint_s_tensors()
    {
        Fit("--trainer.maxSteps", "3", "--model.hidden", "20");
        var json = Parse(Call.Run("checkpoint", "inspect", Run, "--json"));
        var weight = json.GetProperty("tensors").EnumerateArray().First(tensor => Text(tensor, "name").EndsWith("output.weight", StringComparison.Ordinal));
        Assert.Equal("F32", Text(weight, "dtype"));
        Assert.Equal([10, 20], weight.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32()));
        Assert.Matches("^[0-9a-f]{64}$", Text(weight, "sha256"));
        Assert.Contains("output.weight", Call.Run("checkpoint", "inspect", Run).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Mnist_needs_a_folder_and_trains_on_its_files()
    {
        var call = Call.Run("fit", "mnist", "--output", Run);
        Assert.Equal((2, "1 problem in the options:\n  data.folder   needed: Folder of the idx files, gzipped or not\n"), (call.ExitCode, call.Error));

        var data = SharedData.Require("mnist");
        foreach (var kind in new[] { "perceptron", "convolutions" })
        {
            var fit = Call.Run("fit", "mnist", "--data", data, "--model", kind, "--trainer.maxSteps", "20", "--trainer.limitValidation", "10 batches", "--output", _folder[kind], "--json");
            Assert.Equal(0, fit.ExitCode);
            Assert.InRange(Parse(fit).GetProperty("metrics").GetProperty("val/accuracy").GetDouble(), 0.3, 1);
        }
    }

    (JsonElement Json, string Error) Fit(params string[] args)
    {
        var call = Call.Run(["fit", "digits", "--output", Run, "--json", .. args]);
        Assert.True(call.ExitCode == 0, call.Error);
        return (Parse(call), call.Error);
    }

    static double BestAccuracy(JsonElement fit)
    {
        // The metrics of a fit are the last validation's; the best checkpoint says its own.
        using var store = new Raijin.Training.CheckpointStore(Path.GetDirectoryName(Text(fit, "checkpoint"))!);
        return store.List().Single(checkpoint => checkpoint.Path == Text(fit, "checkpoint")).Metrics["val/accuracy"];
    }

    static List<string> Hashes(string checkpoint) =>
        [.. Parse(Call.Run("checkpoint", "inspect", checkpoint, "--json")).GetProperty("tensors").EnumerateArray().Select(tensor => $"{Text(tensor, "name")} {Text(tensor, "sha256")}")];

    static JsonElement Parse(Call call) => JsonDocument.Parse(call.Out.TrimEnd('\n').Split('\n')[^1]).RootElement;

    static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;
}
