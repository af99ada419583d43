// Ψ parameters, p bytes of each, N ranks that divide the state, R = ranks / N copies of it, m microbatches. What each rank takes part in a step:
//
//   stage 0   all-reduce of gradients, pΨ                                                                       moved 2pΨ
//   stage 1   reduce-scatter of gradients, pΨ; all-gather of updated parameters, pΨ                                   2pΨ
//   stage 2   the same, the reduce-scatter for each microbatch                                                        pΨ + m·pΨ
//   stage 3   for each microbatch: all-gather for forward and for backward, reduce-scatter; 3 of pΨ                   m·3pΨ
//   R > 1     all-reduce of each slice among the copies, pΨ/N (stage 0: pΨ), as often as gradients are reduced        + 2pΨ/N
//
// Rajbhandari et al. 2020, §7, arXiv:1910.02054. An all-reduce is a reduce-scatter and an all-gather, and moves its bytes twice. Codecs shrink what
// crosses: parameters to 8 bits, gradients to 4 or 1 (Wang et al. 2023, arXiv:2306.10209); the scales of their blocks are not counted, nor the cache
// lines that flat buffers are padded to. The few numbers that ranks exchange besides (norms, losses) are not either.

using Raijin.Collectives;

namespace Raijin;

/// <summary>Bytes that the calls of one kind give or get in a step, on each rank.</summary>
/// <param name="Kind">What ranks do together.</param>
/// <param name="What">What crosses.</param>
/// <param name="Ranks">How many ranks call each other.</param>
/// <param name="Bytes">Of the whole tensors in the type that crosses, as <see cref="Group.Traffic"/> counts them.</param>
public readonly record struct PlannedTraffic(CollectiveKind Kind, BufferKind What, int Ranks, long Bytes);

/// <summary>What ranks exchange in a step of training, known before anything runs.</summary>
public sealed record CommunicationPlan
{
    const int BitsOfByte = 8;

    CommunicationPlan(IReadOnlyList<PlannedTraffic> traffic) => Traffic = traffic;

    /// <summary>The exchanges, in the order of a step. None for a single rank.</summary>
    public IReadOnlyList<PlannedTraffic> Traffic { get; }

    /// <summary>Bytes that a rank sends in all: those of an all-reduce count twice.</summary>
    public long MovedBytes => Traffic.Sum(traffic => traffic.Kind == CollectiveKind.AllReduce ? 2 * traffic.Bytes : traffic.Bytes);

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
        var gradientBits = strategy.GradientCodec switch
        {
            GradientCodec.Int4 => 4,
            GradientCodec.OneBit => 1,
            _ => BitsOfByte * (strategy.GradientWire is { } wire ? PlanOptions.BytesOf(wire) : options.ParameterBytes),
        };
        var updatedBits = BitsOfByte * options.ParameterBytes;
        var gatheredBits = strategy.WeightCodec == WeightCodec.Int8 ? BitsOfByte : updatedBits;

        var passes = strategy.Stage >= 2 ? options.Microbatches : 1;
        var kept = shape.KeepsRest ? shape.Rest : default;
        List<PlannedTraffic> traffic = [];
        if (strategy.Stage == 3)
        {
            var gathers = Bytes((shape.NumParameters - kept.NumParameters) * passes, gatheredBits);
            Add(CollectiveKind.AllGather, BufferKind.Parameters, size, gathers); // forward
            Add(CollectiveKind.AllGather, BufferKind.Parameters, size, gathers); // backward
        }
        Add(strategy.Stage == 0 ? CollectiveKind.AllReduce : CollectiveKind.ReduceScatter, BufferKind.Gradients, size, Bytes(shape.NumTrained * passes, gradientBits));
        Add(CollectiveKind.AllReduce, BufferKind.Gradients, copies, Bytes((strategy.Stage == 0 ? shape.NumTrained : (shape.NumTrained + size - 1) / size) * passes, gradientBits));
        if (strategy.Stage > 0) Add(CollectiveKind.AllGather, BufferKind.Parameters, size, Bytes(strategy.Stage == 3 ? kept.NumTrained : shape.NumTrained, updatedBits));
        return new(traffic);

        void Add(CollectiveKind kind, BufferKind what, int among, long bytes)
        {
            if (among > 1 && bytes > 0) traffic.Add(new(kind, what, among, bytes));
        }
    }

    static long Bytes(long count, int bits) => (count * bits + BitsOfByte - 1) / BitsOfByte;
}
