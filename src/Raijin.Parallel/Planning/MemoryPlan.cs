// Ψ parameters, Ψₜ of them trained, N ranks that divide the state, p bytes of a parameter and of a gradient, K bytes of optimizer state a parameter
// (4 of a float32 master where parameters are of 16 bits, and the algorithm's: 8 of Adam).
//
//   stage   parameters   gradients   optimizer state   mixed precision with Adam (p = 2, K = 12)   float32 (p = 4, K = 8)
//   0       pΨ           pΨₜ         KΨₜ               16Ψ                                         16Ψ
//   1       pΨ           pΨₜ         KΨₜ / N           4Ψ + 12Ψ/N                                  8Ψ + 8Ψ/N
//   2       pΨ           pΨₜ / N     KΨₜ / N           2Ψ + 14Ψ/N                                  4Ψ + 12Ψ/N
//   3       pΨ / N       pΨₜ / N     KΨₜ / N           16Ψ/N                                       16Ψ/N
//
// Rajbhandari et al. 2020, §5, arXiv:1910.02054. Each unit is divided by itself, so that each leaves a remainder of fewer than N elements; cache lines
// that flat buffers are padded to are not counted. Beside the state there are two buffers for gradients on their way in stages 2 and 3, as large as the
// largest unit's (before, gradients are reduced where they lie), and in stage 3 what is gathered: the rest, two units where backward passes from one to
// the other, and those fetched ahead; with second shards among the L ranks of a node, pΨ / L of them. What lies on a disk passes through memory: as much as
// the shards of three units and those fetched ahead, and as the state of three tiles, each of a unit's state and of a third of the leases at most. What is
// in no unit stays in memory. Activations depend on batch and model, and are not in the plan.

using Raijin.Parallel;

namespace Raijin;

/// <summary>Bytes of one kind in one place.</summary>
/// <param name="Kind">What they hold.</param>
/// <param name="Tier">Where they lie.</param>
/// <param name="Bytes">How many, on each rank.</param>
public readonly record struct PlannedBuffer(BufferKind Kind, Tier Tier, long Bytes);

/// <summary>The memory that training takes on each rank beside activations, known before anything runs.</summary>
public sealed record MemoryPlan
{
    MemoryPlan(IReadOnlyList<PlannedBuffer> buffers) => Buffers = buffers;

    /// <summary>All buffers that are not empty, by kind.</summary>
    public IReadOnlyList<PlannedBuffer> Buffers { get; }

    /// <summary>All bytes of a rank, wherever they lie.</summary>
    public long TotalBytes => Buffers.Sum(buffer => buffer.Bytes);

    /// <summary>Bytes in the memory of the device.</summary>
    public long DeviceBytes => BytesWhere(buffer => buffer.Tier is Tier.OnDevice);

    /// <summary>Bytes in the memory of the host. Where the host computes, <see cref="DeviceBytes"/> lie there too.</summary>
    public long HostBytes => BytesWhere(buffer => buffer.Tier is Tier.OnHost);

    /// <summary>Bytes in files.</summary>
    public long DiskBytes => BytesWhere(buffer => buffer.Tier is Tier.OnDisk);

    /// <summary>Bytes of a kind, wherever they lie.</summary>
    public long BytesOf(BufferKind kind) => BytesWhere(buffer => buffer.Kind == kind);

    /// <summary>Plans.</summary>
    /// <param name="shape">The model.</param>
    /// <param name="strategy">How it is divided.</param>
    /// <param name="ranks">Among how many ranks.</param>
    /// <param name="options">Precision and optimizer; null for the defaults.</param>
    /// <exception cref="InvalidOptionsException">What is asked for can't be; lists every fault.</exception>
    public static MemoryPlan Of(ModelShape shape, Strategy strategy, int ranks, PlanOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(strategy);
        options ??= new();
        options.Check(strategy, ranks);
        var size = PlanOptions.ShardSize(strategy, ranks);
        long parameterBytes = options.ParameterBytes;

        var optimizer = (strategy.Stage >= 1 ? Slices(shape, unit => unit.NumTrained, size) : shape.NumTrained) * options.OptimizerBytes;
        var offloaded = strategy.OffloadOptimizer is Tier.OnDevice ? 0 : (long)(optimizer * strategy.OffloadRatio);
        var kept = strategy.Stage != 3 ? shape.NumParameters : shape.KeepsRest ? shape.Rest.NumParameters : 0;
        var isOnDisk = strategy.OffloadParameters is Tier.OnDisk;
        List<PlannedBuffer> buffers =
        [
            new(BufferKind.Parameters, Tier.Device, kept * parameterBytes),
            new(BufferKind.Parameters, strategy.OffloadParameters, strategy.Stage == 3 ? Divided(shape).Sum(unit => Slice(unit.NumParameters, size)) * parameterBytes : 0),
            new(BufferKind.Gradients, Tier.Device, (strategy.Stage >= 2 ? Slices(shape, unit => unit.NumTrained, size) : shape.NumTrained) * parameterBytes),
            new(BufferKind.OptimizerState, Tier.Device, optimizer - offloaded),
            new(BufferKind.OptimizerState, strategy.OffloadOptimizer, offloaded),
            new(BufferKind.Bucket, Tier.Device, (ranks > 1 || isOnDisk) && strategy.Stage >= 2 ? Bucket(shape, options) * parameterBytes : 0),
            new(BufferKind.Secondary, Tier.Device, strategy.SecondaryShardSize > 0 ? Secondary(shape, strategy.SecondaryShardSize) * parameterBytes : 0),
            new(BufferKind.Gathered, Tier.Device, strategy.Stage == 3 && (size > 1 || strategy.OffloadParameters is not Tier.OnDevice) ? Gathered(shape, strategy, options) * parameterBytes : 0),
            new(BufferKind.Staging, Tier.Device, (isOnDisk ? ShardLeases(shape, strategy, options, size) * parameterBytes : 0) + (strategy.OffloadOptimizer is Tier.OnDisk && offloaded > 0 ? TileLeases(shape, strategy, options, size) : 0)),
        ];
        return new([.. buffers.Where(buffer => buffer.Bytes > 0)]);
    }

    long BytesWhere(Func<PlannedBuffer, bool> where) => Buffers.Where(where).Sum(buffer => buffer.Bytes);

    static long Slice(long count, int size) => (count + size - 1) / size;

    static long Slices(ModelShape shape, Func<UnitShape, long> count, int size) => shape.All.Sum(unit => Slice(count(unit), size));

    static IEnumerable<UnitShape> Divided(ModelShape shape) => shape.KeepsRest ? shape.Units : shape.All.Where(unit => unit.NumParameters > 0);

    // Each as large as the largest unit's gradients; an accelerator copies one while it fills the other.
    static long Bucket(ModelShape shape, PlanOptions options) => (options.ComputesOnHost ? 1 : 2) * shape.All.Max(unit => unit.NumTrained);

    // Each as large as the largest unit's shard.
    static long ShardLeases(ModelShape shape, Strategy strategy, PlanOptions options, int size) =>
        Math.Min(Divided(shape).Count(), ShardStore.NumLeases + Ahead(strategy, options)) * Divided(shape).Select(unit => Slice(unit.NumParameters, size)).DefaultIfEmpty().Max();

    // Each as large as the largest tile: what is updated together, cut where it is larger than a lease.
    static long TileLeases(ModelShape shape, Strategy strategy, PlanOptions options, int size)
    {
        var most = new TieredOptimizerOptions().LeaseBytes / TieredOptimizer.NumLeases;
        var states = (strategy.Stage == 0 ? [shape.NumTrained] : shape.All.Select(unit => Slice(unit.NumTrained, size))).Select(count => (long)(count * options.OptimizerBytes * strategy.OffloadRatio)).ToList();
        // Where parameters stay, units are updated together.
        if (strategy.OffloadParameters is not Tier.OnDisk) states = [states.Sum()];
        return Math.Min(TieredOptimizer.NumLeases, states.Sum(bytes => (bytes + most - 1) / most)) * Math.Min(most, states.Max());
    }

    static int Ahead(Strategy strategy, PlanOptions options) => strategy.PrefetchUnits ?? (options.ComputesOnHost ? 0 : 1);

    static long Secondary(ModelShape shape, int size) => Slices(shape with { Rest = shape.KeepsRest ? default : shape.Rest }, unit => unit.NumParameters, size);

    // In backward a unit is let go when the gradients of its inputs are complete, by which time the one before it has been gathered.
    static long Gathered(ModelShape shape, Strategy strategy, PlanOptions options) =>
        (shape.KeepsRest ? 0 : shape.Rest.NumParameters) + shape.Units.Select(unit => unit.NumParameters).OrderDescending().Take(2 + Ahead(strategy, options)).Sum();
}
