using System.Text.Json;
using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;

namespace Raijin.Training.Tests.Ranks;

/// <summary>What several ranks cost: calls between them, waiting for gradients, what the engine holds.</summary>
public sealed class RankProfileTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(100);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    FitResult[] Fit(TrainerOptions options, int ranks = 2, string folder = "run") =>
        [.. RankFit.Run(ranks, _ => options with { Output = _folder[folder], MaxEpochs = 2 }, _set.Split(validation: 0.2).Batches(8), checks: false).Select(r => r.Result)];

    [Theory]
    [InlineData(0, CollectiveKind.AllReduce)]
    [InlineData(2, CollectiveKind.ReduceScatter)]
    [InlineData(3, CollectiveKind.AllGather)]
    public void Calls_between_ranks_are_timed_printed_and_written(int stage, CollectiveKind expected)
    {
        var results = Fit(Fixture.Quiet() with { LogCollectives = true, Strategy = RankFit.Stage(stage) });
        Assert.All(results, r => Assert.Contains(r.Comms!.Lines, line => line.Kind == expected && line.Count >= r.Steps && line.Straggling is not null));
        Assert.Equal([0, 1], results.Select(r => r.Comms!.Rank));
        Assert.Equal($"{results[0].Comms}", File.ReadAllText(_folder["run/profile/comms.txt"]));
        var json = JsonDocument.Parse(File.ReadAllText(_folder["run/profile/comms.json"])).RootElement;
        Assert.Equal(results[0].Comms!.Lines.Sum(l => l.Count), json.GetProperty("lines").EnumerateArray().Sum(l => l.GetProperty("count").GetInt64()));
    }

    [Fact]
    public void Nothing_is_timed_unless_it_is_asked_for_or_where_a_rank_is_alone()
    {
        Assert.All(Fit(Fixture.Quiet()), r => Assert.Null(r.Comms));
        Assert.Null(Fit(Fixture.Quiet() with { LogCollectives = true }, ranks: 1, folder: "alone")[0].Comms);
        Assert.False(File.Exists(_folder["run/profile/comms.txt"]));
        Assert.False(File.Exists(_folder["alone/profile/comms.txt"]));
    }

    [Fact]
    public void A_failed_run_leaves_what_the_first_rank_saw()
    {
        Assert.ThrowsAny<Exception>(() => RankFit.Run(
            2, _ => Fixture.Quiet(_folder["run"]) with { MaxEpochs = 2, LogCollectives = true }, _set.Split(validation: 0.2).Batches(8),
            rank => new PlainClassifier { Rank = rank, OnStep = s => { if (rank == 0 && s.Index == 2) throw new InvalidDataException("broken"); } }, checks: false));
        Assert.Contains("AllReduce", File.ReadAllText(_folder["run/profile/comms.txt"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Waiting_for_gradients_is_a_phase_of_its_own_where_there_are_others()
    {
        var (alone, profiler) = (new SimpleProfiler(), new SimpleProfiler());
        Fit(Fixture.Quiet() with { Profiler = alone }, ranks: 1, folder: "alone");
        var result = Fit(Fixture.Quiet() with { Profiler = profiler, AccumulateGradients = 2 })[0];
        Assert.DoesNotContain(alone.Lines(), line => line.Name == "reduce");
        var lines = profiler.Lines().Where(line => line.IsPhase).ToDictionary(line => line.Name, line => line.Count);
        Assert.Equal((result.Steps, result.Steps), (lines["reduce"], lines["optimizer"]));
        Assert.True(lines["backward"] > result.Steps);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_the_engine_holds_is_known_at_the_end_of_each_phase(int stage)
    {
        var profiler = new MemoryProfiler();
        var result = Fit(Fixture.Quiet() with { Profiler = profiler, Strategy = RankFit.Stage(stage) })[0];
        var holdings = profiler.Report!.Holdings;
        Assert.Equal([ProfilePhase.Forward, ProfilePhase.Backward, ProfilePhase.Reduce, ProfilePhase.Optimizer], holdings.Select(h => h.Phase));
        // By the books at the end, which the last phase of a step leaves as it is, but for what validation gathers.
        foreach (var (kind, bytes) in holdings[^1].Bytes.Where(held => held.Key != BufferKind.Gathered)) Assert.Equal(result.Ranks!.Memory.SingleOrDefault(m => m.Kind == kind)?.Held ?? 0, bytes);
        Assert.Contains(holdings[^1].Bytes, kind => kind is { Key: BufferKind.OptimizerState, Value: > 0 });
        Assert.All(holdings, h => Assert.InRange(h.Total, 1, result.Ranks!.Memory.Sum(m => m.Peak)));
        Assert.Contains("held by the engine at the end of", profiler.ToString(), StringComparison.Ordinal);
        var json = JsonDocument.Parse(File.ReadAllText(_folder["run/profile/memory.json"])).RootElement.GetProperty("holdings");
        Assert.Equal(["forward", "backward", "reduce", "optimizer"], json.EnumerateArray().Select(h => h.GetProperty("phase").GetString()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_first_rank_counts_its_own_step_and_the_whole_models_parameters(int stage)
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        var profiler = new FlopsProfiler();
        Fit(Fixture.Quiet() with { Profiler = profiler, Strategy = RankFit.Stage(stage) }, folder: "flops");
        var report = profiler.Report!;
        // An MLP of 8, 16 and 3, a batch of 8; the other rank, a thread of this process, computes as much beside it.
        const long forward = 8 * (8 * 16 + 16 * 3), backward = 8 * (8 * 16 + 2 * 16 * 3);
        Assert.Equal((forward, backward), (report.Model.Forward.Macs, report.Model.Backward!.Value.Macs));
        Assert.Equal((8 * 16) + 16 + (16 * 3) + 3, report.Parameters);
        Assert.Equal((2, 16), (report.Ranks, report.Samples));
        Assert.True(report.ReduceTime > TimeSpan.Zero && report.SamplesPerSecond > 0);
    }
}
