using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Transports.Nccl;

/// <summary>
/// What NCCL would be told. No GPU and no NCCL is needed: tensors of the host stand for those of a GPU, and the functions only write down their arguments. That NCCL then does it, a machine with GPUs must show.
/// </summary>
public sealed class NcclTransportTests
{

    static NcclTransport Join(FakeHost host, TimeSpan? deadline = null)
    {
        var options = new GroupOptions { Deadline = deadline ?? TimeSpan.FromSeconds(10) };
        return NcclTransport.Join(host, 0, options, FakeNccl.Library(), FakeNccl.Driver(), () => 0x7, DeviceType.CPU);
    }

    /// <summary>What rank 1 of 3 gives the libraries for one call, without the stream's ordering around it.</summary>
    static string[] Told(Collective call, int rank = 1)
    {
        FakeNccl.Reset();
        using var nccl = Join(new FakeHost(rank, 3));
        FakeNccl.Calls();
        Assert.True(nccl.Start(call)!.Poll());
        var calls = FakeNccl.Calls();
        Assert.Equal(["7 records", "5 waits"], calls[..2]);
        Assert.Equal("5 records", calls[^1]);
        return calls[2..^1];
    }

    static string At(Tensor tensor, long element = 0) => $"{(nint)(tensor.NumberOfElements == 0 ? 0 : Address(tensor) + (nint)(element * tensor.ElementSize)):x}";

    static nint Address(Tensor tensor) => Raijin.Tensors.TensorAccess.TryGetHostMemory(tensor, out var memory) ? memory.Data : 0;

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Ranks_join_by_the_id_of_the_first(int rank)
    {
        FakeNccl.Reset();
        var host = new FakeHost(rank, 3);
        using var nccl = Join(host);
        // The id crosses by value, 128 bytes on the stack; the configuration is that of 2.14, nonblocking.
        Assert.Equal([$"init {rank} of 3, id {IdOf(rank)}, config 24 cafebeef 21400 0 -2147483648"], FakeNccl.Calls());
        Assert.Equal(["Broadcast 0"], host.Calls);

        static int IdOf(int rank) => Enumerable.Range(1, 128).Sum(i => (byte)i * i);
    }

    [Theory]
    [InlineData(ScalarType.Float32, ReduceOp.Sum, 7, 0)]
    [InlineData(ScalarType.Float64, ReduceOp.Product, 8, 1)]
    [InlineData(ScalarType.BFloat16, ReduceOp.Mean, 9, 4)]
    [InlineData(ScalarType.Float16, ReduceOp.Max, 6, 2)]
    [InlineData(ScalarType.Int64, ReduceOp.Min, 4, 3)]
    [InlineData(ScalarType.Int32, ReduceOp.Sum, 2, 0)]
    [InlineData(ScalarType.Int8, ReduceOp.Sum, 0, 0)]
    [InlineData(ScalarType.Byte, ReduceOp.Max, 1, 2)]
    [InlineData(ScalarType.Bool, ReduceOp.Sum, 1, 2)]
    [InlineData(ScalarType.Bool, ReduceOp.Product, 1, 3)]
    public void All_reduce_by_type_and_operation(ScalarType dtype, ReduceOp op, int type, int operation)
    {
        using var x = zeros(6, dtype);
        Assert.Equal([$"all-reduce {At(x)} {At(x)} 6 type {type} op {operation} on c0 5"], Told(new(CollectiveKind.AllReduce, 0, x, x, op)));
    }

    [Fact]
    public void Allocated_memory_belongs_to_the_scope_that_is_open()
    {
        FakeNccl.Reset();
        using var nccl = Join(new FakeHost(0, 2));
        Tensor made;
        using (NewDisposeScope()) made = nccl.Allocate(4, ScalarType.Float32);
        Assert.True(made.IsInvalid);
    }

    [Fact]
    public void The_even_kinds_are_one_call()
    {
        using var whole = zeros(6);
        using var part = zeros(2);
        Assert.Equal([$"reduce {At(whole)} {At(whole)} 6 type 7 op 0 root 2 on c0 5"], Told(new(CollectiveKind.Reduce, 0, whole, whole, Peer: 2)));
        Assert.Equal([$"reduce-scatter {At(whole)} {At(part)} 2 type 7 op 4 on c0 5"], Told(new(CollectiveKind.ReduceScatter, 0, whole, part, ReduceOp.Mean)));
        Assert.Equal([$"all-gather {At(part)} {At(whole)} 2 type 7 on c0 5"], Told(new(CollectiveKind.AllGather, 0, part, whole)));
        Assert.Equal([$"broadcast {At(whole)} {At(whole)} 6 type 7 root 0 on c0 5"], Told(new(CollectiveKind.Broadcast, 0, whole, whole, Peer: 0)));
    }

    [Fact]
    public void Uneven_parts_are_a_group_of_one_call_a_rank()
    {
        using var whole = zeros(6);
        using var part = zeros(2);
        long[] counts = [1, 2, 3];
        Assert.Equal(
        [
            "(", $"reduce {At(whole)} {At(part)} 1 type 7 op 0 root 0 on c0 5", $"reduce {At(whole, 1)} {At(part)} 2 type 7 op 0 root 1 on c0 5", $"reduce {At(whole, 3)} {At(part)} 3 type 7 op 0 root 2 on c0 5", ")",
        ], Told(new(CollectiveKind.ReduceScatter, 0, whole, part, InputCounts: counts)));
        Assert.Equal(
        [
            "(", $"broadcast {At(whole)} {At(whole)} 1 type 7 root 0 on c0 5", $"broadcast {At(part)} {At(whole, 1)} 2 type 7 root 1 on c0 5", $"broadcast {At(whole, 3)} {At(whole, 3)} 3 type 7 root 2 on c0 5", ")",
        ], Told(new(CollectiveKind.AllGather, 0, part, whole, OutputCounts: counts)));
    }

    [Fact]
    public void Gather_and_scatter_are_groups_of_messages()
    {
        using var whole = zeros(6);
        using var part = zeros(2);
        Assert.Equal(["(", $"send {At(part)} 2 type 7 to 0 on c0 5", ")"], Told(new(CollectiveKind.Gather, 0, part, null, Peer: 0)));
        Assert.Equal(
        [
            "(", $"send {At(part)} 2 type 7 to 1 on c0 5", $"receive {At(whole)} 2 type 7 from 0 on c0 5", $"receive {At(whole, 2)} 2 type 7 from 1 on c0 5", $"receive {At(whole, 4)} 2 type 7 from 2 on c0 5", ")",
        ], Told(new(CollectiveKind.Gather, 0, part, whole, Peer: 1)));
        Assert.Equal(["(", $"receive {At(part)} 2 type 7 from 2 on c0 5", ")"], Told(new(CollectiveKind.Scatter, 0, null, part, Peer: 2)));
        Assert.Equal(
        [
            "(", $"receive {At(part)} 2 type 7 from 1 on c0 5", $"send {At(whole)} 1 type 7 to 0 on c0 5", $"send {At(whole, 1)} 2 type 7 to 1 on c0 5", $"send {At(whole, 3)} 3 type 7 to 2 on c0 5", ")",
        ], Told(new(CollectiveKind.Scatter, 0, whole, part, Peer: 1, InputCounts: [1, 2, 3])));
    }

    [Fact]
    public void All_to_all_is_one_group_and_what_nccl_does_not_know_moves_as_bytes()
    {
        using var given = zeros(6, ScalarType.Int16);
        using var got = zeros(9, ScalarType.Int16);
        Assert.Equal(
        [
            "(", $"send {At(given)} 2 type 1 to 0 on c0 5", $"receive {At(got)} 8 type 1 from 0 on c0 5", $"send {At(given, 1)} 4 type 1 to 1 on c0 5", $"receive {At(got, 4)} 4 type 1 from 1 on c0 5",
            $"send {At(given, 3)} 6 type 1 to 2 on c0 5", $"receive {At(got, 6)} 6 type 1 from 2 on c0 5", ")",
        ], Told(new(CollectiveKind.AllToAll, 0, given, got, InputCounts: [1, 2, 3], OutputCounts: [4, 2, 3])));
    }

    [Fact]
    public void Messages_begun_together_are_one_group()
    {
        FakeNccl.Reset();
        using var nccl = Join(new FakeHost(1, 3));
        using var given = zeros(4);
        using var got = zeros(5);
        FakeNccl.Calls();
        var sent = nccl.Start(new(CollectiveKind.Send, 0, given, null, Peer: 2))!;
        var received = nccl.Start(new(CollectiveKind.Receive, 0, null, got, Peer: 0))!;
        Assert.Empty(FakeNccl.Calls());
        Assert.True(received.Poll());
        Assert.True(sent.Poll());
        Assert.Equal(["7 records", "5 waits", "(", $"send {At(given)} 4 type 7 to 2 on c0 5", $"receive {At(got)} 5 type 7 from 0 on c0 5", ")", "5 records", "5 records"], FakeNccl.Calls());
    }

    [Fact]
    public void A_call_is_complete_when_all_have_come_and_its_event_is_over()
    {
        FakeNccl.Reset();
        var host = new FakeHost(0, 2);
        using var nccl = Join(host);
        using var x = zeros(4);
        host.OthersAreThere = false;
        FakeNccl.State = 7;
        var first = nccl.Start(new(CollectiveKind.AllReduce, 0, x, x))!;
        var second = nccl.Start(new(CollectiveKind.Broadcast, 1, x, x, Peer: 0))!;
        Assert.DoesNotContain(FakeNccl.Calls(), c => c.StartsWith("all-reduce", StringComparison.Ordinal));
        FakeNccl.State = 0;
        FakeNccl.Event = 600;
        Assert.False(first.Poll());
        Assert.Equal([1], first.Missing());
        Assert.Contains(FakeNccl.Calls(), c => c.StartsWith("all-reduce", StringComparison.Ordinal));
        host.OthersAreThere = true;
        Assert.False(first.Poll());
        FakeNccl.Event = 0;
        Assert.True(first.Poll());
        Assert.True(second.Poll());
        Assert.Empty(second.Missing());
    }

    [Fact]
    public void Failures_of_ranks_and_of_nccl_come_out_of_a_poll()
    {
        FakeNccl.Reset();
        var host = new FakeHost(0, 2);
        using var nccl = Join(host);
        using var x = zeros(4);
        host.OthersAreThere = false;
        var call = nccl.Start(new(CollectiveKind.AllReduce, 0, x, x))!;
        host.Failure = new RankFailureException(1, "the disk is full");
        Assert.Same(host.Failure, Assert.Throws<RankFailureException>(() => call.Poll()));
        (host.Failure, host.OthersAreThere) = (null, true);
        FakeNccl.State = 6;
        Assert.Contains("the fake says no (NCCL 2.27.3, fake)", Assert.Throws<CollectiveException>(() => call.Poll()).Message, StringComparison.Ordinal);
        nccl.Abort("no use");
        Assert.Contains("abort: no use", host.Calls);
        FakeNccl.Calls();
        nccl.Dispose();
        Assert.Contains("abort c0", FakeNccl.Calls());
    }

    [Fact]
    public void Parts_are_split_off_and_what_is_done_is_finalized()
    {
        FakeNccl.Reset();
        using var nccl = Join(new FakeHost(2, 4));
        FakeNccl.Calls();
        using (var part = nccl.Split([2, 0], "pair"))
        {
            Assert.Equal((0, 2), (part.Rank, part.Size));
            Assert.Equal(["split c0 colour 0 key 0 blocking 0"], FakeNccl.Calls());
        }
        Assert.Equal(["5 records", "finalize c1", "destroy c1"], FakeNccl.Calls());
    }

    [Fact]
    public void A_communicator_that_not_all_come_to_meets_its_deadline()
    {
        FakeNccl.Reset();
        FakeNccl.State = 7;
        var error = Assert.Throws<CollectiveException>(() => Join(new FakeHost(0, 2), TimeSpan.FromMilliseconds(20)));
        Assert.Contains("met its deadline of 00:00:00.0200000: not all ranks came to it", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_nccl_cannot_do_is_refused_with_its_remedy()
    {
        FakeNccl.Reset();
        using var nccl = Join(new FakeHost(0, 2));
        using var narrow = zeros(4, ScalarType.Int16);
        using var wide = zeros(4);
        Assert.Contains("convert to Int32", Assert.Throws<NotSupportedException>(() => nccl.Start(new(CollectiveKind.AllReduce, 0, narrow, narrow))).Message, StringComparison.Ordinal);
        Assert.Contains("a buffer of BFloat16", Assert.Throws<NotSupportedException>(() => nccl.Start(new(CollectiveKind.AllReduce, 0, wide, wide, Wire: ScalarType.BFloat16))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_that_is_absent_old_or_none_is_refused_with_its_remedy()
    {
        FakeNccl.Reset();
        var absent = Assert.Throws<TransportUnavailableException>(() => NcclLibrary.Load("libnccl-of-nobody.so.2"));
        Assert.StartsWith("NCCL is not present: none of libnccl-of-nobody.so.2 can be loaded.", absent.Message, StringComparison.Ordinal);
        Assert.Contains("RAIJIN_NCCL", absent.Remedy, StringComparison.Ordinal);
        Assert.Contains("fake has no ncclCommSplit", Assert.Throws<TransportUnavailableException>(() => FakeNccl.Library("ncclCommSplit")).Message, StringComparison.Ordinal);
        FakeNccl.Version = 21403;
        Assert.Contains("fake is version 2.14.3, but 2.18.0 is the oldest", Assert.Throws<TransportUnavailableException>(() => FakeNccl.Library()).Message, StringComparison.Ordinal);
    }
}
