using System.Globalization;
using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;

namespace Raijin.DeepSpeed.Tests;

/// <summary>A file's elastic batch in a running job: a rank is killed, and training goes on with the next number of ranks at the same global batch.</summary>
public sealed class ElasticRestartTests
{
    const int Batch = 16;
    const int Killed = 5;
    const int Steps = 8;

    const string Config = """{ "elasticity": { "enabled": true, "max_train_batch_size": 16, "micro_batch_sizes": [2, 4], "min_gpus": 1, "max_gpus": 4, "version": 0.1 }, "gradient_clipping": 0 }""";

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_killed_rank_leaves_a_run_as_if_it_had_been_resumed_by_hand_with_fewer(int stage)
    {
        Assert.SkipUnless(ChildProcess.IsSupported, "ranks are processes on Linux and macOS");
        using var folder = new TemporaryFolder();
        var file = folder["ds_config.json"];
        File.WriteAllText(file, Config.Replace("\"gradient_clipping\": 0", $$"""
            "zero_optimization": { "stage": {{stage.ToString(CultureInfo.InvariantCulture)}} }, "gradient_clipping": 0
            """, StringComparison.Ordinal));
        var batch = DeepSpeedConfig.Read(file).Resolve(4).Elastic!;
        Assert.Equal((Batch, 2), (batch.TrainBatchSize, batch.RanksWithin(3)));

        // The program starts its four ranks itself, and goes on with two.
        using var program = RankProcesses.Start(1, "fit-elastic", _ => [folder["lost"], file, "4", Text(Killed)]);
        var outcome = program.WaitAll(TimeSpan.FromSeconds(90))[0];
        Assert.True(outcome is { ExitCode: 0, WasLate: false }, outcome.ToString());
        Assert.Contains("raijin: the place of rank 1 is lost (it was killed), 3 of 4 are left: 2 ranks go on (restart 1 of at most 1)\n", outcome.Errors, StringComparison.Ordinal);

        // By hand: what lay there when the rank was killed, and two ranks.
        CopyCheckpoints(folder["lost"], folder["hand"]);
        using var messages = new StringWriter();
        var options = new LaunchOptions { Command = [RankProcesses.Program(), "fit-elastic", folder["hand"], file, "1", "-1"], Ranks = 2, LogFolder = folder["logs"], HandleSignals = false, Messages = messages };
        var byHand = await Task.Run(() => Launcher.Run(options, TestContext.Current.CancellationToken)).WaitAsync(TimeSpan.FromSeconds(90), TestContext.Current.CancellationToken);
        Assert.True(byHand.ExitCode == 0, messages.ToString());

        for (var rank = 0; rank < 2; rank++)
        {
            var went = Seen(folder["lost"], restart: 1, rank);
            Assert.Equal(Seen(folder["hand"], restart: 0, rank), went);
            Assert.Equal(Killed, went[0].Step);
        }
        Assert.Equal(File.ReadAllBytes(folder["hand/weights.bin"]), File.ReadAllBytes(folder["lost/weights.bin"]));

        // Every step has as many samples, whatever the ranks, and an epoch each of them once.
        var before = Enumerable.Range(0, 4).SelectMany(rank => Seen(folder["lost"], restart: 0, rank)).Where(s => s.Step < Killed);
        var after = Enumerable.Range(0, 2).SelectMany(rank => Seen(folder["lost"], restart: 1, rank));
        var steps = before.Concat(after).GroupBy(s => s.Step).OrderBy(s => s.Key).Select(s => s.SelectMany(of => of.Samples.Split(',')).ToList()).ToList();
        Assert.Equal(Steps, steps.Count);
        Assert.All(steps, samples => Assert.Equal(Batch, samples.Count));
        foreach (var epoch in steps.Chunk(Steps / 2))
            Assert.Equal(Enumerable.Range(0, Batch * Steps / 2), epoch.SelectMany(samples => samples).Select(s => int.Parse(s, CultureInfo.InvariantCulture)).Order());
    }

    static List<(long Step, string Loss, string Samples)> Seen(string run, int restart, int rank) =>
        [.. File.ReadLines(Path.Combine(run, $"seen-{Text(restart)}-{Text(rank)}.txt")).Select(line => line.Split(' ')).Select(part => (long.Parse(part[0], CultureInfo.InvariantCulture), part[1], part[2]))];

    static void CopyCheckpoints(string from, string to)
    {
        foreach (var checkpoint in Directory.EnumerateDirectories(Path.Combine(from, "checkpoints")))
        {
            var name = Path.GetFileName(checkpoint);
            if (!int.TryParse(name.Split('-')[^1], CultureInfo.InvariantCulture, out var step) || step > Killed) continue;
            foreach (var file in Directory.EnumerateFiles(checkpoint, "*", SearchOption.AllDirectories))
            {
                var copy = Path.Combine(to, "checkpoints", name, Path.GetRelativePath(checkpoint, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
        }
    }

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
