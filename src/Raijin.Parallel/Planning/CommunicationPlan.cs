// Ψ parameters, p bytes of each, N ranks that divide the state, R = ranks / N copies of it, m microbatches. What each rank takes part in a step:
//
//   stage 0   all-reduce of gradients, pΨ                                                                       moved 2pΨ
//   stage 1   reduce-scatter of gradients, pΨ; all-gather of updated parameters, pΨ                                   2pΨ
//   stage 2   the same, the reduce-scatter for each microbatch                                                        pΨ + m·pΨ
//   stage 3   for each microbatch: all-gather for forward and for backward, reduce-scatter; 3 of pΨ                   m·3pΨ
//   R > 1     all-reduce of each slice among the copies, pΨ/N, as often as gradients are reduced                      + 2pΨ/N
//
// Rajbhandari et al. 2020, §7, arXiv:1910.02054. An all-reduce is a reduce-scatter and an all-gather, and moves its bytes twice. Codecs shrink what
// crosses: parameters to 8 bits, gradients to 4 or 1; then gradients go in an all-to-all, in stage 0 with an all-gather after it. With second shards
// among the L ranks of a node only the first gather after an update is among all; what is coded of it decodes to what the others bring, uncoded. Coded
// gradients go within the node, then pΨ/L across (Wang et al. 2023, arXiv:2306.10209). The scales of blocks are not counted, nor the cache lines that
// flat buffers are padded to. The few numbers that ranks exchange besides (norms, losses) are not either.

using Raijin.Collectives;
using Raijin.Parallel;

namespace Raijin;

/// <summary>Bytes that the calls of one kind give or get in a step, on each rank.</summary>
/// <param name="Kind">What ranks do together.</param>
/// <param name="What">What crosses.</param>
/// <param name="Ranks">How many ranks call each other.</param>
/// <param name="Bytes">Of the whole tensors in the type that crosses, as <see cref="Group.Traffic"/> counts them.</param>
/// <param name="NodeBytes">Those of them that leave a node, for all its ranks: <see cref="Ledger.NodeVolume"/>.</param>
public readonly record struct PlannedTraffic(CollectiveKind Kind, BufferKind What, int Ranks, long Bytes, long NodeBytes);

/// <summary>What ranks exchange in a step of training, known before anything runs.</summary>
public sealed record CommunicationPlan
{
    const int BitsOfByte = 8;

    CommunicationPlan(IReadOnlyList<PlannedTraffic> traffic) => Traffic = traffic;

    /// <summary>The exchanges, in the order of a step. None for a single rank.</summary>
    public IReadOnlyList<PlannedTraffic> Traffic { get; }

    /// <summary>Bytes that a rank sends in all: those of an all-reduce count twice.</summary>
    public long MovedBytes => Traffic.Sum(traffic => traffic.Kind == CollectiveKind.AllReduce ? 2 * traffic.Bytes : traffic.Bytes);

    /// <summary>Bytes that leave a node in all, counted as <see cref="Ledger.NodeVolume"/> counts them: nodes are <see cref="Strategy.SecondaryShardSize"/> ranks, or one where that is 0.</summary>
    public long NodeBytes => Traffic.Sum(traffic => traffic.Kind == CollectiveKind.AllReduce ? 2 * traffic.NodeBytes : traffic.NodeBytes);

    /// <summary>Bytes of the calls of a kind, as <see cref="Group.Traffic"/> counts them.</summary>
    public long BytesOf(CollectiveKind kind) => Traffic.Where(traffic => traffic.Kind == kind).Sum(traffic => traffic.Bytes);

    /// <summary>Plans.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="strategy">How it is divided.</param>
    /// <param name="ranks">Among how many ranks.</param>
    /// <param name="options">Precision and microbatches; null for the defaults.</param>
    /// <exception cref="InvalidOptionsException">What is asked for can't be; lists every fault.</exception>
    public static CommunicationPlan Of(ModelShape shape, Strategy strategy, int ranks, PlanOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(strategy);
        options ??= new();
        options.Check(strategy, ranks);
        var size = PlanOptions.ShardSize(strategy, ranks);
        var copies = ranks / size;
        var near = Math.Max(1, strategy.SecondaryShardSize);
        var plainBits = BitsOfByte * (strategy.GradientWire is { } wire ? PlanOptions.BytesOf(wire) : options.ParameterBytes);
        var updatedBits = BitsOfByte * options.ParameterBytes;
        var gatheredBits = strategy.WeightCodec == WeightCodec.Int8 ? BitsOfByte : updatedBits;

        var passes = strategy.Stage >= 2 ? options.Microbatches : 1;
        var kept = shape.KeepsRest ? shape.Rest : default;
        List<PlannedTraffic> traffic = [];
        if (strategy.Stage == 3)
        {
            var gathered = shape.NumParameters - kept.NumParameters;
            Add(CollectiveKind.AllGather, BufferKind.Parameters, size, Bytes(gathered * (near > 1 ? 1 : passes), gatheredBits)); // forward
            if (near > 1) Add(CollectiveKind.AllGather, BufferKind.Parameters, near, Bytes(gathered * ((2 * passes) - 1), updatedBits)); // backward, and later microbatches
            else Add(CollectiveKind.AllGather, BufferKind.Parameters, size, Bytes(gathered * passes, gatheredBits)); // backward
        }
        AddGradients(shape.NumTrained * passes);
        Add(CollectiveKind.AllReduce, BufferKind.Gradients, copies, Bytes((shape.NumTrained + size - 1) / size * passes, plainBits), isAcross: true);
        if (strategy.Stage > 0) Add(CollectiveKind.AllGather, BufferKind.Parameters, size, Bytes(strategy.Stage == 3 ? kept.NumTrained : shape.NumTrained, updatedBits));
        return new(traffic);

        void AddGradients(long count)
        {
            var codedBits = strategy.GradientCodec switch { GradientCodec.Int4 => 4, GradientCodec.OneBit => 1, _ => 0 };
            if (codedBits == 0)
            {
                Add(strategy.Stage == 0 ? CollectiveKind.AllReduce : CollectiveKind.ReduceScatter, BufferKind.Gradients, size, Bytes(count, plainBits));
                return;
            }
            var bytes = Bytes(count, codedBits);
            if (near > 1 && near < size)
            {
                Add(CollectiveKind.AllToAll, BufferKind.Gradients, near, bytes);
                Add(CollectiveKind.AllToAll, BufferKind.Gradients, size / near, bytes / near, isAcross: true);
                return;
            }
            Add(CollectiveKind.AllToAll, BufferKind.Gradients, size, bytes);
            if (strategy.Stage == 0) Add(CollectiveKind.AllGather, BufferKind.Gradients, size, bytes);
        }

        // Of a group along neighbours as many as fit lie on a node; of one across them, one.
        void Add(CollectiveKind kind, BufferKind what, int among, long bytes, bool isAcross = false)
        {
            if (among > 1 && bytes > 0) traffic.Add(new(kind, what, among, bytes, NodeMap.Leaving(kind, bytes, among, isAcross ? 1 : Math.Min(near, among), near)));
        }
    }

    static long Bytes(long count, int bits) => (count * bits + BitsOfByte - 1) / BitsOfByte;
}
