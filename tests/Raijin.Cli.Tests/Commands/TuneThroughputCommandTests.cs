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

    [Theory]
    [InlineData("--stages = a   expected numbers with commas between, such as 2,2", "--stages", "a")]
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
