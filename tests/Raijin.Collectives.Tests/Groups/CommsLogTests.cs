using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Raijin.Collectives.Tests.Transports;
using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Groups;

public sealed class CommsLogTests
{
    static readonly GroupOptions Options = new() { Deadline = TimeSpan.FromSeconds(20) };

    [Theory]
    [InlineData(CollectiveKind.AllReduce, 4, 1.5)]
    [InlineData(CollectiveKind.ReduceScatter, 4, 0.75)]
    [InlineData(CollectiveKind.AllGather, 8, 0.875)]
    [InlineData(CollectiveKind.AllToAll, 2, 0.5)]
    [InlineData(CollectiveKind.Gather, 4, 0.75)]
    [InlineData(CollectiveKind.Scatter, 4, 0.75)]
    [InlineData(CollectiveKind.Broadcast, 4, 1)]
    [InlineData(CollectiveKind.Reduce, 4, 1)]
    [InlineData(CollectiveKind.Send, 4, 1)]
    [InlineData(CollectiveKind.Barrier, 4, 0)]
    public void Bandwidths_are_those_of_nccl_tests(CollectiveKind kind, int ranks, double factor)
    {
        var (algorithm, bus) = BusBandwidth.Of(kind, ranks, 3_000_000, TimeSpan.FromMilliseconds(2));
        Assert.Equal((1.5e9, 1.5e9 * factor), (algorithm, bus));
        Assert.Equal((0, 0), BusBandwidth.Of(kind, ranks, 3_000_000, TimeSpan.Zero));
    }

    [Fact]
    public void Every_call_is_counted_by_kind_and_size_of_the_whole_tensor()
    {
        var reports = World.Run(2, world =>
        {
            using var scope = NewDisposeScope();
            var (eight, four) = (zeros(8), zeros(4));
            world.Group.AllReduce(eight);
            using var log = CommsLog.Start(world.Group);
            for (var i = 0; i < 3; i++) world.Group.AllReduce(eight);
            world.Group.AllReduce(eight, wire: ScalarType.BFloat16);
            world.Group.AllReduceAsync(four).Wait();
            world.Group.ReduceScatter(eight, four);
            world.Group.AllGather(four, eight);
            world.Group.Gather(four, world.Rank == 0 ? eight : null, 0);
            world.Group.Scatter(world.Rank == 1 ? eight : null, four, 1);
            world.Group.Scatter(world.Rank == 1 ? eight : null, world.Rank == 0 ? zeros(6) : zeros(2), 1, [6, 2]);
            if (world.Rank == 0) world.Group.Send(four, 1);
            else world.Group.Receive(four, 0);
            world.Group.Barrier();
            return log.Report();
        }, Options);

        string[] expected = ["AllReduce 32 × 3", "AllReduce 16 × 2", "ReduceScatter 32 × 1", "AllGather 32 × 1", "Gather 32 × 1", "Scatter 32 × 2", "Barrier 0 × 1"];
        foreach (var (rank, report) in reports.Index())
        {
            Assert.Equal(rank, report.Rank);
            Assert.Equal(expected.Append(rank == 0 ? "Send 16 × 1" : "Receive 16 × 1").Order(), report.Lines.Select(l => FormattableString.Invariant($"{l.Kind} {l.Bytes} × {l.Count}")).Order());
            Assert.All(report.Lines, line =>
            {
                Assert.Equal(("world", 2), (line.Group, line.Ranks));
                Assert.Equal(line.Total / line.Count, line.Mean);
                Assert.InRange(line.Held, TimeSpan.FromTicks(1), line.Total + TimeSpan.FromMilliseconds(100));
                Assert.Equal(BusBandwidth.Of(line.Kind, 2, line.Bytes, line.Mean), (line.AlgorithmBytesPerSecond, line.BusBytesPerSecond));
                Assert.Null(line.Straggling);
            });
        }
    }

    [Fact]
    public void Whoever_comes_last_is_found_and_what_the_others_waited()
    {
        const int calls = 12;
        var delay = TimeSpan.FromMilliseconds(5);
        var reports = World.Run(3, world =>
        {
            using var values = zeros(16);
            using var log = CommsLog.Start(world.Group);
            for (var i = 0; i < calls; i++)
            {
                if (world.Rank == 1) Spin(delay);
                world.Group.AllReduce(values);
                world.Group.Broadcast(values, 0);
            }
            var report = log.Compare();
            // The exchange itself left no trace.
            Assert.Equal(report.Lines.Sum(l => l.Count), log.Report().Lines.Sum(l => l.Count));
            return report;
        }, Options);

        foreach (var report in reports)
        {
            var straggler = report.Lines.Single(l => l.Kind == CollectiveKind.AllReduce).Straggling!.Value;
            Assert.Equal((1, (long)calls), (straggler.Rank, straggler.Calls));
            Assert.InRange(straggler.Waited, delay * (calls / 2), TimeSpan.FromSeconds(20));
            // A root does not wait.
            Assert.Null(report.Lines.Single(l => l.Kind == CollectiveKind.Broadcast).Straggling);
        }
        Assert.Equal(reports[0].Lines[0].Straggling, reports[2].Lines[0].Straggling);
    }

    [Fact]
    public void Parts_are_timed_whether_they_were_there_before_or_come_later()
    {
        var reports = World.Run(4, world =>
        {
            using var values = zeros(4);
            using var before = world.Group.Split(world.Rank < 2 ? [0, 1] : [2, 3], "pair");
            using var log = CommsLog.Start(world.Group);
            using var later = before.Split([world.Rank % 2], "single");
            var gone = world.Group.Split([0, 1, 2, 3], "gone");
            before.AllReduce(values);
            later.AllReduce(values);
            gone.AllReduce(values);
            gone.Dispose();
            return log.Compare();
        }, Options);
        Assert.All(reports, r => Assert.Equal(["pair (2)", "single (1)", "gone (4)"], r.Lines.Select(l => FormattableString.Invariant($"{l.Group} ({l.Ranks})"))));
        Assert.All(reports, r => Assert.Equal([true, false, false], r.Lines.Select(l => l.Straggling is not null)));
    }

    [Fact]
    public void Only_the_last_calls_are_compared_but_all_are_counted() => World.Run(2, world =>
    {
        using var log = CommsLog.Start(world.Group);
        for (var i = 0; i < CommsLog.KeptCalls + 10; i++) world.Group.Barrier();
        var line = Assert.Single(log.Compare().Lines);
        Assert.Equal((CommsLog.KeptCalls + 10, CommsLog.KeptCalls), (line.Count, line.Straggling!.Value.Calls));
    }, Options);

    [Fact]
    public void A_group_has_one_log_at_a_time_and_none_after_it() => World.Run(1, world =>
    {
        var log = CommsLog.Start(world.Group);
        Assert.Contains("being timed already", Assert.Throws<InvalidOperationException>(() => CommsLog.Start(world.Group)).Message, StringComparison.Ordinal);
        log.Dispose();
        world.Group.Barrier();
        using var next = CommsLog.Start(world.Group);
        world.Group.Barrier();
        Assert.Equal(1, Assert.Single(next.Report().Lines).Count);
    }, Options);

    [Fact]
    public void What_is_still_under_way_is_not_counted()
    {
        var transport = new ScriptedTransport();
        using var group = new Group(transport, "world", [0, 1, 2], new GroupOptions());
        using var log = CommsLog.Start(group);
        var (first, second) = (group.BarrierAsync(), group.BarrierAsync());
        Assert.Empty(log.Report().Lines);
        transport.Calls[0].IsReady = true;
        first.Wait();
        Assert.Equal(1, Assert.Single(log.Report().Lines).Count);
        transport.Calls[1].IsReady = true;
        Assert.True(second.Poll());
        Assert.Equal(2, Assert.Single(log.Report().Lines).Count);
    }

    [Fact]
    public void Timed_calls_make_no_garbage() => RankThreads.Run(Place.InSegment, 2, member =>
    {
        using var values = member.Lay(ones(256));
        using var log = CommsLog.Start(member.Group);
        Calls(50);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Calls(200);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Calls(int count)
        {
            for (var i = 0; i < count; i++)
            {
                member.Group.AllReduce(values);
                member.Group.Barrier();
            }
        }
    });

    [Fact]
    public void A_report_is_a_table_and_a_JSON_object()
    {
        var report = new CommsReport
        {
            Rank = 0,
            Lines =
            [
                Line(CollectiveKind.AllGather, 3 << 20, 2, 4, null),
                Line(CollectiveKind.AllReduce, 1 << 10, 1000, 20, new CommsStraggler(1, 900, 1000, TimeSpan.FromMilliseconds(12.5))),
            ],
        };
        Assert.Equal(
            """
            op          group        size   count      total      mean       held        algbw        busbw   last to come   others waited
            AllReduce   world (2)   1 KiB   1,000   20.00 ms   20.0 µs   10.00 ms   0.051 GB/s   0.051 GB/s   rank 1, 90 %        12.50 ms
            AllGather   world (2)   3 MiB       2    4.00 ms   2.00 ms    2.00 ms   1.573 GB/s   0.786 GB/s

            """, report.ToString());

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) report.WriteJson(writer);
        var lines = JsonDocument.Parse(Encoding.UTF8.GetString(buffer.ToArray())).RootElement.GetProperty("lines");
        Assert.Equal(("allReduce", 1000), (lines[1].GetProperty("op").GetString(), lines[1].GetProperty("count").GetInt32()));
        Assert.Equal((900, 0.0125), (lines[1].GetProperty("straggler").GetProperty("times").GetInt32(), lines[1].GetProperty("straggler").GetProperty("waitedSeconds").GetDouble()));
        Assert.False(lines[0].TryGetProperty("straggler", out _));

        static CommsLine Line(CollectiveKind kind, long bytes, long count, double milliseconds, CommsStraggler? straggler)
        {
            var total = TimeSpan.FromMilliseconds(milliseconds);
            var (algorithm, bus) = BusBandwidth.Of(kind, 2, bytes, total / count);
            return new() { Group = "world", Ranks = 2, Kind = kind, Bytes = bytes, Count = count, Total = total, Mean = total / count, Held = total / 2, AlgorithmBytesPerSecond = algorithm, BusBytesPerSecond = bus, Straggling = straggler };
        }
    }

    static void Spin(TimeSpan time)
    {
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < time) Thread.SpinWait(100);
    }
}
