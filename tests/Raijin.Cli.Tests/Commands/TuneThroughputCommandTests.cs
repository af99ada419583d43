using System.Diagnostics;
using System.Text.Json;
using Raijin.Parallel;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class TuneThroughputCommandTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_search_leaves_a_table_a_picture_and_a_configuration_and_goes_on_where_it_was()
    {
        if (StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        Directory.CreateDirectory(_folder["search"]);
        string[] question = ["tune", "throughput", "digits", "--resume", _folder["search"], "--global-batch", "32", "--micro-batches", "8,32", "--steps", "1", "--calibration", _folder["machine.json"], "--json"];
        var first = Call.Run(question);
        Assert.True(first.ExitCode == 0, first.Error);
        foreach (var file in (string[])["trials.jsonl", "throughput.png", "best.yaml", "config.yaml"]) Assert.True(File.Exists(_folder["search/" + file]), file);
        Assert.True(File.Exists(_folder["machine.json"]));
        var trials = JsonDocument.Parse(first.Out).RootElement.GetProperty("trials").EnumerateArray().ToList();
        Assert.Equal([8, 32], trials.Select(t => t.GetProperty("microBatch").GetInt32()).Order());
        var best = Assert.Single(trials, t => t.GetProperty("best").GetBoolean());
        var printed = Call.Run("config", "print", "digits", "--config", _folder["search/best.yaml"]).Out;
        Assert.Contains($"batchSize: {best.GetProperty("microBatch").GetInt32()}\n", printed, StringComparison.Ordinal);
        Assert.Contains($"accumulateGradients: {best.GetProperty("accumulation").GetInt32()}\n", printed, StringComparison.Ordinal);

        var before = File.ReadAllLines(_folder["search/trials.jsonl"]);
        Assert.Equal(0, Call.Run(question).ExitCode);
        Assert.Equal(before, File.ReadAllLines(_folder["search/trials.jsonl"])[..before.Length]);
        var other = Call.Run([.. question.Select(argument => argument == "32" ? "64" : argument)]);
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("journal of another search", other.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_ranks_search_together_and_go_on_where_they_were()
    {
        if (StepRecording.Unavailable is { } reason) Assert.Skip(reason);
        Assert.SkipUnless(Raijin.Tensors.ChildProcess.IsSupported, "ranks are processes on Linux and macOS");
        var folder = Directory.CreateDirectory(_folder["ranks"]).FullName;
        string[] question =
            ["tune", "throughput", "digits", "--devices", "2", "--resume", folder, "--global-batch", "64", "--micro-batches", "16,32", "--stages", "0,2", "--trials", "2", "--steps", "1", "--calibration", _folder["two.json"], "--trainer.collectiveDeadline", "60s", "--json"];
        var trials = await Search(question);
        Assert.Equal(4, trials.Count);
        Assert.All(trials, t => Assert.Equal(32, t.GetProperty("microBatch").GetInt32() * t.GetProperty("accumulation").GetInt32()));
        var lines = File.ReadAllLines(Path.Combine(folder, "trials.jsonl"));
        Assert.Equal(3, lines.Length);
        // Killed after the first.
        File.WriteAllLines(Path.Combine(folder, "trials.jsonl"), lines[..2]);
        await Search(question);
        var again = File.ReadAllLines(Path.Combine(folder, "trials.jsonl"));
        Assert.Equal(3, again.Length);
        Assert.Equal(lines[..2], again[..2]);
        Assert.Contains("stage: ", File.ReadAllText(Path.Combine(folder, "best.yaml")), StringComparison.Ordinal);
    }

    static async Task<IReadOnlyList<JsonElement>> Search(string[] question)
    {
        using var program = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "raijin"), question) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(program.ExitCode == 0, await errors);
        return [.. JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement.GetProperty("trials").EnumerateArray()];
    }

    [Theory]
    [InlineData("--stages = a   expected numbers with commas between, such as 2,2", "--stages", "a")]
    [InlineData("--recompute = maybe   expected true or false with commas between, such as false,true", "--recompute", "maybe")]
    [InlineData("--batch-key = data.batchsize   unknown; did you mean data.batchSize?", "--batch-key", "data.batchsize")]
    [InlineData("throughputFinder.trials   = 0; allowed: 1 and more", "--trials", "0")]
    [InlineData("throughputFinder.stages   = 7; allowed: some of 0, 1, 2, 3", "--stages", "7")]
    [InlineData("throughputFinder.microBatches   = 5: none divides the 64 samples of a rank (64 / 1)", "--micro-batches", "5")]
    [InlineData("throughputFinder.offloadFolder   is needed: offloadRatios has shares above 0", "--offload-ratios", "0.5")]
    [InlineData("throughputFinder.globalBatch   = -3; allowed: multiples of the 1 ranks", "--global-batch", "-3")]
    public void What_is_wrong_is_said_before_anything_runs(string expected, params string[] args)
    {
        var call = Call.Run(["tune", "throughput", "digits", .. args]);
        Assert.Equal(2, call.ExitCode);
        Assert.Contains(expected, call.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists("runs/digits/throughput"));
    }

    [Fact]
    public void A_program_with_one_task_has_it_below_tune()
    {
        var help = Call.Of(Programs.Hosted, [], "tune", "throughput", "--help");
        Assert.Equal(0, help.ExitCode);
        Assert.Contains("mydigits tune throughput --devices 2", help.Out, StringComparison.Ordinal);
    }
}
