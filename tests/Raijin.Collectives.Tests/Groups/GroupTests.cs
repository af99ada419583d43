using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Groups;

/// <summary>What a group makes of whatever its transport does.</summary>
public sealed class GroupTests : IDisposable
{
    readonly ScriptedTransport _transport = new();
    readonly Group _group;

    public GroupTests() => _group = new Group(_transport, "world", [0, 1, 2], new GroupOptions { Deadline = TimeSpan.FromMilliseconds(50) });

    public void Dispose() => _group.Dispose();

    [Fact]
    public void Collectives_complete_in_their_order_only()
    {
        var (first, second) = (_group.BarrierAsync(), _group.BarrierAsync());
        _transport.Calls[1].IsReady = true;
        Assert.False(second.Poll());
        Assert.Equal(0, _transport.Calls[1].NumPolls);
        _transport.Calls[0].IsReady = true;
        Assert.True(second.Poll());
        Assert.True(first.IsCompleted);
        Assert.Equal([0, 1], _transport.Started.Select(c => c.Sequence));
    }

    [Fact]
    public void Waiting_for_a_call_does_not_ask_for_later_ones()
    {
        var (first, _) = (_group.BarrierAsync(), _group.BarrierAsync());
        _transport.Calls[0].IsReady = true;
        first.Wait();
        Assert.Equal(0, _transport.Calls[1].NumPolls);
    }

    [Fact]
    public void A_complete_call_is_never_asked_again()
    {
        var work = _group.BarrierAsync();
        _transport.Calls[0].IsReady = true;
        Assert.True(work.Poll());
        Assert.True(work.Poll());
        _group.Progress();
        work.Wait();
        Assert.Equal(1, _transport.Calls[0].NumPolls);
    }

    [Fact]
    public void Messages_pass_collectives_and_other_pairs_but_not_their_own()
    {
        using var scope = TensorScope.Open();
        var data = zeros(1);
        _group.BarrierAsync();                                                                              // 0
        Work[] messages = [_group.SendAsync(data, 1), _group.SendAsync(data, 1), _group.SendAsync(data, 2), _group.ReceiveAsync(data, 1)]; // 1 to 4
        _transport.Calls[2].IsReady = _transport.Calls[3].IsReady = _transport.Calls[4].IsReady = true;
        _group.Progress();
        Assert.Equal([false, false, true, true], messages.Select(m => m.IsCompleted));
        Assert.Equal(0, _transport.Calls[2].NumPolls);
        _transport.Calls[1].IsReady = true;
        _group.Progress();
        Assert.All(messages, m => Assert.True(m.IsCompleted));
        Assert.Equal([0, 0, 1, 0, 0], _transport.Started.Select(c => c.Sequence));
    }

    [Fact]
    public void A_failure_of_the_transport_breaks_the_group_and_is_told_to_the_others()
    {
        var work = _group.BarrierAsync();
        _transport.Calls[0].Failure = new IOException("the wire is cut");
        Assert.Same(_transport.Calls[0].Failure, Assert.Throws<IOException>(() => work.Wait()));
        Assert.Contains("IOException: the wire is cut", Assert.Single(_transport.Aborts), StringComparison.Ordinal);
        AssertBroken("the wire is cut");
    }

    [Fact]
    public void A_call_that_cannot_begin_breaks_the_group_too()
    {
        using var scope = TensorScope.Open();
        _transport.Failure = new IOException("no wire");
        Assert.Throws<IOException>(() => _group.AllReduceAsync(zeros(3)));
        Assert.Single(_transport.Aborts);
        AssertBroken("no wire");
    }

    [Fact]
    public void An_allocation_that_fails_breaks_the_group_too()
    {
        _transport.Failure = new OutOfMemoryException("full");
        Assert.Throws<OutOfMemoryException>(() => _group.Allocate(3, ScalarType.Float32));
        Assert.Single(_transport.Aborts);
        AssertBroken("full");
    }

    [Fact]
    public void What_another_rank_told_is_not_told_again()
    {
        var work = _group.BarrierAsync();
        _transport.Calls[0].Failure = new RankFailureException(2, "it said so");
        Assert.Equal(2, Assert.Throws<RankFailureException>(() => work.Wait()).FailedRank);
        Assert.Empty(_transport.Aborts);
        AssertBroken("Rank 2 gave up: it said so");
    }

    [Fact]
    public void The_first_cause_stays()
    {
        _group.Abort("first");
        _group.Abort("second");
        AssertBroken("first");
    }

    [Fact]
    public void A_wrong_argument_reaches_nobody()
    {
        using var scope = TensorScope.Open();
        Assert.Throws<ShapeMismatchException>(() => _group.AllReduce(zeros(2, 2)));
        Assert.Empty(_transport.Started);
        Assert.Empty(_transport.Aborts);
        Assert.Equal(0, _group.Traffic.TotalCalls);
    }

    [Fact]
    public void The_report_of_a_timeout_has_the_calls_of_every_rank_that_can_be_seen()
    {
        using var scope = TensorScope.Open();
        var error = Assert.Throws<CollectiveTimeoutException>(() => _group.Broadcast(zeros(3, ScalarType.Int64), 1));
        Assert.Equal("""
            Broadcast number 0 of group world met its deadline of 00:00:00.0500000 on rank 0: Broadcast of 3 × Int64 at root 1.
            Came: 0. Did not come: 1, 2. Every rank must make the same calls in the same order.
            The last calls of rank 0:
                   0  Broadcast of 3 × Int64 at root 1, under way
            The last calls of rank 2:
              what rank 2 did

            """.ReplaceLineEndings("\n"), error.Message);
        Assert.Equal([1, 2], error.Missing);
        Assert.Equal(error.Message, Assert.Single(_transport.Aborts));
    }

    [Fact]
    public void The_log_keeps_the_last_calls()
    {
        var log = new CallLog(2);
        for (var i = 0; i < 5; i++)
        {
            var ticket = log.Started(i, new(CollectiveKind.Barrier, default, null, null, -1, -1, -1));
            if (i != 4) log.Completed(ticket);
        }
        log.Completed(0);
        Assert.Equal("       3  Barrier\n       4  Barrier, under way\n", log.Describe());
        Assert.Equal("  none kept\n", new CallLog(0).Describe());
    }

    [Fact]
    public void Rows_of_numbers_hold_a_call_whole()
    {
        using var scope = TensorScope.Open();
        CallRow[] rows =
        [
            CallRow.Of(new(CollectiveKind.AllToAll, 0, zeros(6), zeros(5), InputCounts: [1, 2, 3], OutputCounts: [0, 5, 0]), new(CollectiveKind.AllToAll, ReduceOp.Sum, ScalarType.Float32, null, -1, 6, 5)),
            new(CallDoor.Call, new(CollectiveKind.AllReduce, ReduceOp.Max, ScalarType.Byte, ScalarType.Float16, 2, -1, 1L << 40)),
            CallRow.OfSplit([0, 2], "a name that is longer than the row has room for, größer"),
            CallRow.OfAllocation(0, ScalarType.Byte),
        ];
        foreach (var row in rows)
        {
            var read = CallRow.Read(row.Write(3), 3);
            Assert.Equal((row.Door, row.Call), (read.Door, read.Call));
            Assert.Equal(row.InputCounts, read.InputCounts);
            Assert.Equal(row.OutputCounts, read.OutputCounts);
            Assert.StartsWith(read.Name, row.Name, StringComparison.Ordinal);
        }
        Assert.Equal(32, CallRow.Read(rows[2].Write(3), 3).Name.Length);
    }

    void AssertBroken(string cause)
    {
        var later = Assert.Throws<CollectiveException>(() => _group.Barrier());
        Assert.StartsWith("Group world is of no further use: ", later.Message, StringComparison.Ordinal);
        Assert.Contains(cause, later.Message, StringComparison.Ordinal);
    }
}
