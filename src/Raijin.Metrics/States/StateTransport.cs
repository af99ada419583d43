using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>How ranks exchange states: the two collectives a synchronization needs, whoever provides them.</summary>
/// <param name="Rank">Which rank this is, from 0.</param>
/// <param name="WorldSize">How many ranks take part; each makes the same calls in the same order.</param>
/// <param name="AllReduceSum">Adds a dense [n] float64 tensor over all ranks, in place. Every rank passes the same n.</param>
/// <param name="AllGather">
/// Gives every rank the bytes of all: [m] uint8 of this rank and how many bytes each rank brings, in; [Σ m] uint8, rank by rank, out. The result is the caller's.
/// </param>
/// <remarks>Both wait for the other ranks: they have their deadline, and stop when the token says so.</remarks>
public sealed record StateTransport(
    int Rank,
    int WorldSize,
    Action<Tensor, CancellationToken> AllReduceSum,
    Func<Tensor, IReadOnlyList<long>, CancellationToken, Tensor> AllGather);
