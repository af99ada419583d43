using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Groups;

/// <summary>A transport that does what a test says: what is asked of it, and when its calls are complete.</summary>
sealed class ScriptedTransport(int size = 3) : Transport
{
    public override TransportKind Kind => TransportKind.InProcess;

    public override int Rank => 0;

    public override int Size => size;

    /// <summary>What the group asked for, in order.</summary>
    public List<Collective> Started { get; } = [];

    public List<Pending> Calls { get; } = [];

    /// <summary>What the group told the others.</summary>
    public List<string> Aborts { get; } = [];

    /// <summary>Thrown by the next call that is begun.</summary>
    public Exception? Failure { get; set; }

    public override Tensor Allocate(long numElements, ScalarType dtype) => Failure is null ? zeros(numElements, dtype).DetachFromDisposeScope() : throw Failure;

    public override PendingCollective? Start(in Collective call)
    {
        if (Failure is not null) throw Failure;
        Started.Add(call);
        Calls.Add(new Pending());
        return Calls[^1];
    }

    public override Transport Split(IReadOnlyList<int> ranks, string name) => new ScriptedTransport(ranks.Count);

    public override void Abort(string reason) => Aborts.Add(reason);

    public override string? DescribePeer(int rank) => rank == 2 ? "  what rank 2 did\n" : null;

    protected override void Dispose(bool disposing)
    {
    }

    internal sealed class Pending : PendingCollective
    {
        public bool IsReady { get; set; }

        public Exception? Failure { get; set; }

        public int NumPolls { get; private set; }

        public override bool Poll()
        {
            NumPolls++;
            return Failure is null ? IsReady : throw Failure;
        }

        public override void Pause(TimeSpan atMost)
        {
        }

        public override IReadOnlyList<int> Missing() => [1, 2];
    }
}
