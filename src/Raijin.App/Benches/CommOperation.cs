using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>A call of a group that <c>raijin bench comm</c> can time.</summary>
/// <param name="Name">As it is typed: <c>allReduce</c>.</param>
/// <param name="Kind">As it is counted.</param>
sealed record CommOperation(string Name, CollectiveKind Kind)
{
    /// <summary>All of them, in the order in which they are timed.</summary>
    public static IReadOnlyList<CommOperation> All { get; } =
    [
        Of(CollectiveKind.AllReduce), Of(CollectiveKind.ReduceScatter), Of(CollectiveKind.AllGather), Of(CollectiveKind.Broadcast), Of(CollectiveKind.Reduce), Of(CollectiveKind.Gather), Of(CollectiveKind.Scatter),
        Of(CollectiveKind.AllToAll), new("sendReceive", CollectiveKind.Send), Of(CollectiveKind.Barrier),
    ];

    static CommOperation Of(CollectiveKind kind) => new(RecordShape.CamelCase(kind.ToString()), kind);

    /// <summary>
    /// Makes the tensors of one rank, float32 where the transport reduces best, and gives the call. The size is that of the whole tensor, rounded down to what the ranks divide evenly, at least one element each.
    /// </summary>
    /// <param name="group">All ranks call this alike.</param>
    /// <param name="bytes">The size asked for.</param>
    /// <returns>The call, and the size it has. The tensors lie in the dispose scope that is open.</returns>
    public (Action Call, long Bytes) Prepare(Group group, long bytes)
    {
        if (Kind == CollectiveKind.Barrier) return (() => group.Barrier(), 0);
        var part = Math.Max(1, bytes / sizeof(float) / group.Size);
        var whole = part * group.Size;
        var isRoot = group.Rank == 0;
        Action call;
        switch (Kind)
        {
            case CollectiveKind.AllReduce:
                var all = Allocate(whole);
                call = () => group.AllReduce(all);
                break;
            case CollectiveKind.ReduceScatter:
                var (given, share) = (Allocate(whole), Allocate(part));
                call = () => group.ReduceScatter(given, share);
                break;
            case CollectiveKind.AllGather:
                var (own, gathered) = (Allocate(part), Allocate(whole));
                call = () => group.AllGather(own, gathered);
                break;
            case CollectiveKind.Broadcast:
                var told = Allocate(whole);
                call = () => group.Broadcast(told, 0);
                break;
            case CollectiveKind.Reduce:
                var reduced = Allocate(whole);
                call = () => group.Reduce(reduced, 0);
                break;
            case CollectiveKind.Gather:
                var (mine, collected) = (Allocate(part), Allocate(whole));
                call = () => group.Gather(mine, isRoot ? collected : null, 0);
                break;
            case CollectiveKind.Scatter:
                var (dealt, got) = (Allocate(whole), Allocate(part));
                call = () => group.Scatter(isRoot ? dealt : null, got, 0);
                break;
            case CollectiveKind.AllToAll:
                var (sent, received) = (Allocate(whole), Allocate(whole));
                call = () => group.AllToAll(sent, received);
                break;
            default:
                // Each rank sends to the next and receives from the one before, both at once.
                var (away, here) = (Allocate(whole), Allocate(whole));
                call = () =>
                {
                    var sending = group.SendAsync(away, (group.Rank + 1) % group.Size);
                    group.Receive(here, (group.Rank + group.Size - 1) % group.Size);
                    sending.Wait();
                };
                break;
        }
        return (call, whole * sizeof(float));

        Tensor Allocate(long elements) => group.Allocate(elements, ScalarType.Float32);
    }
}
