using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Transports.Nccl;

/// <summary>The ranks of a host of which only this one is there: the others come when they are told to.</summary>
sealed class FakeHost(int rank, int size) : Transport
{
    public List<string> Calls { get; } = [];

    /// <summary>Whether the others are at every call already.</summary>
    public bool OthersAreThere { get; set; } = true;

    /// <summary>Why another rank gave up.</summary>
    public RankFailureException? Failure { get; set; }

    public override TransportKind Kind => TransportKind.SharedMemory;

    public override int Rank => rank;

    public override int Size => size;

    public override Tensor Allocate(long numElements, ScalarType dtype) => throw new NotSupportedException();

    public override PendingCollective? Start(in Collective call)
    {
        Calls.Add($"{call.Kind} {call.Peer}");
        if (call.Kind == CollectiveKind.Broadcast && rank != call.Peer)
        {
            using var id = arange(1, 129, ScalarType.Byte);
            call.Output!.copy_(id);
        }
        return OthersAreThere ? null : new Waiting(this);
    }

    public override Transport Split(IReadOnlyList<int> ranks, string name) => new FakeHost(ranks.ToList().IndexOf(rank), ranks.Count);

    public override void Abort(string reason) => Calls.Add($"abort: {reason}");

    protected override void Dispose(bool disposing) => Calls.Add("left");

    sealed class Waiting(FakeHost host) : PendingCollective
    {
        public override bool Poll() => host.Failure is null ? host.OthersAreThere : throw host.Failure;

        public override void Pause(TimeSpan atMost)
        {
        }

        public override IReadOnlyList<int> Missing() => [.. Enumerable.Range(0, host.Size).Where(r => r != host.Rank)];
    }
}
