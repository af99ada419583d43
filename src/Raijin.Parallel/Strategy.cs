using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>How a model's training is divided among ranks that each see other samples: what of its state each rank holds, and where.</summary>
/// <remarks>
/// ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054). The stages are placement: one engine runs them all, and none changes a result.
/// As text a stage's name: <c>ddp</c>, <c>zero1</c>, <c>zero2</c>, <c>zero3</c>; in files also its properties.
/// </remarks>
public sealed record Strategy : IParsable<Strategy>
{
    static readonly string[] Names = ["ddp", "zero1", "zero2", "zero3"];

    /// <summary>How much is divided: 0 nothing (data parallel), 1 optimizer state, 2 also gradients, 3 also parameters.</summary>
    /// <value>Default 0.</value>
    public int Stage { get; init; }

    /// <summary>Where optimizer state lies.</summary>
    /// <value>Default <see cref="Tier.Device"/>.</value>
    public Tier OffloadOptimizer { get; init; } = Tier.Device;

    /// <summary>Where parameters lie that nobody computes with; stage 3 only.</summary>
    /// <value>Default <see cref="Tier.Device"/>. On a disk each rank's shards are read a unit at a time (ZeRO-Infinity), and written back when they were updated.</value>
    public Tier OffloadParameters { get; init; } = Tier.Device;

    /// <summary>The share of optimizer state that <see cref="OffloadOptimizer"/> takes; the rest stays on the device.</summary>
    /// <value>Default 1. DeepSpeed's Twin-Flow <c>ratio</c>.</value>
    public double OffloadRatio { get; init; } = 1;

    /// <summary>How many transfers to and from a disk are under way at once in each direction, a thread each; <c>raijin bench disk</c> finds how many a disk is fastest with.</summary>
    /// <value>Default 4. DeepSpeed's <c>aio</c> <c>queue_depth</c> and <c>intra_op_parallelism</c>.</value>
    public int OffloadThreads { get; init; } = 4;

    /// <summary>The type in which gradients cross between ranks; null for the parameters' own.</summary>
    /// <value>Default null. <c>BFloat16</c> halves the bytes of float32 gradients; sums are taken in float32.</value>
    public ScalarType? GradientWire { get; init; }

    /// <summary>How many ranks divide the state among them; groups of so many hold copies of each other (hybrid sharding; MiCS). 0: all ranks. Stages 1 to 3.</summary>
    /// <value>Default 0. It must divide the number of ranks.</value>
    public int ShardSize { get; init; }

    /// <summary>
    /// How many neighbouring ranks, those of one node, keep a second shard of the parameters that a forward pass has gathered, so that until the next update they are gathered again within the node (ZeRO++ hpZ); stage 3 only.
    /// Gradients coded <see cref="GradientCodec.Int4"/> then go within the node first, and between nodes once (qgZ's two hops). It changes no value that is computed with.
    /// </summary>
    /// <value>Default 0: none. Else at least 2, and a divisor of the ranks that divide the state. DeepSpeed's <c>zero_hpz_partition_size</c>.</value>
    public int SecondaryShardSize { get; init; }

    /// <summary>Modules whose parameters are no larger than this are gathered, and their gradients reduced, as one unit, unless the model names its units itself (<see cref="IShardable"/>).</summary>
    /// <value>Default 25 MiB.</value>
    public long UnitBytes { get; init; } = 25 << 20;

    /// <summary>
    /// Names of parameters that are used outside the call of the module they belong to (weights tied to another layer's): they belong to the unit around all other units, whose values are there for the whole forward and backward pass.
    /// </summary>
    /// <value>Default none. Only stage 3 needs it, but it must be the same wherever bits are compared.</value>
    public IReadOnlyList<string> SharedParameters { get; init => field = new NameList(value); } = new NameList([]);

    /// <summary>Whether every step gives the same parameters a gradient, on every rank: then ranks agree on them once, and not in each step. A step that differs is an error.</summary>
    /// <value>Default false. PyTorch's <c>static_graph</c>.</value>
    public bool StaticGraph { get; init; }

    /// <summary>Whether batch norms take their statistics over all ranks' samples while they train.</summary>
    /// <value>Default false: each rank normalizes by its own samples. Lightning's <c>sync_batchnorm</c>.</value>
    public bool SyncBatchNorm { get; init; }

    /// <summary>How many units are gathered ahead of their use, in the order of the last pass; stage 3 only.</summary>
    /// <value>Default null: 1 where an accelerator copies while it computes, 0 on the CPU, where a copy takes the time of the computation.</value>
    public int? PrefetchUnits { get; init; }

    /// <summary>How parameters are coded when they are gathered (ZeRO++ qwZ); stage 3 only.</summary>
    /// <value>Default <see cref="WeightCodec.None"/>.</value>
    public WeightCodec WeightCodec { get; init; }

    /// <summary>How gradients are coded when they are reduced (ZeRO++ qgZ, 1-bit).</summary>
    /// <value>Default <see cref="GradientCodec.None"/>.</value>
    public GradientCodec GradientCodec { get; init; }

    /// <summary>How many units are gathered ahead on a device.</summary>
    internal int UnitsAhead(Device device) => PrefetchUnits ?? (device.type == TorchSharp.DeviceType.CPU ? 0 : 1);

    /// <summary>What can't be on a device.</summary>
    internal IEnumerable<OptionFault> FaultsOn(Device device)
    {
        if (device.type == TorchSharp.DeviceType.CPU) yield break;
        if (OffloadOptimizer is not Tier.OnDevice) yield return new("strategy.offloadOptimizer", $"= {OffloadOptimizer}: state leaves the memory of {device} in no release yet; divide it among more ranks");
        if (OffloadParameters is not Tier.OnDevice) yield return new("strategy.offloadParameters", $"= {OffloadParameters}: parameters leave the memory of {device} in no release yet; divide them among more ranks");
    }

    /// <summary>What can't be, for so many ranks.</summary>
    /// <param name="worldSize">How many ranks train; null where a launcher is to say: what depends on it is looked at when the model is divided.</param>
    public IReadOnlyList<OptionFault> Faults(int? worldSize)
    {
        var faults = new List<OptionFault>();
        if (Stage is < 0 or > 3) faults.Add(new("strategy.stage", $"= {Stage}; allowed: 0 (data parallel), 1, 2 and 3"));
        if (ShardSize < 0 || (ShardSize > 0 && (worldSize ?? 0) % ShardSize != 0)) faults.Add(new("strategy.shardSize", $"= {ShardSize} does not divide the {worldSize} ranks: give a divisor of {worldSize}, or 0 for all of them"));
        if (Stage == 0 && ShardSize > 0) faults.Add(new("strategy.shardSize", $"= {ShardSize} says among how many ranks state is divided, but stage 0 divides none: leave it out, or give stage 1, 2 or 3"));
        if (SecondaryShardSize != 0)
        {
            var shards = ShardSize > 0 ? ShardSize : worldSize;
            if (shards is null && SecondaryShardSize < 2) faults.Add(new("strategy.secondaryShardSize", $"= {SecondaryShardSize}: give the number of ranks on a node, 2 and more, or 0 for none"));
            if (shards is not null && (SecondaryShardSize < 2 || shards % SecondaryShardSize != 0))
                faults.Add(new("strategy.secondaryShardSize", $"= {SecondaryShardSize} does not divide the {shards} ranks that divide the parameters: give the number of ranks on a node, a divisor of {shards} above 1, or 0 for none"));
            if (Stage != 3) faults.Add(new("strategy.secondaryShardSize", $"= {SecondaryShardSize} keeps parameters that were gathered, which only stage 3 does; the stage is {Stage}"));
        }
        if (UnitBytes <= 0) faults.Add(new("strategy.unitBytes", $"= {UnitBytes}: a size above 0 is expected"));
        if (OffloadRatio is not (>= 0 and <= 1)) faults.Add(new("strategy.offloadRatio", Text($"= {OffloadRatio:R}: a share from 0 to 1 is expected")));
        if (OffloadThreads is < 1 or > 256) faults.Add(new("strategy.offloadThreads", $"= {OffloadThreads}; allowed: 1 to 256"));
        if (Stage != 3 && OffloadParameters is not Tier.OnDevice) faults.Add(new("strategy.offloadParameters", $"= {OffloadParameters} needs stage 3, where parameters are divided; the stage is {Stage}"));
        if (Stage != 3 && WeightCodec != WeightCodec.None) faults.Add(new("strategy.weightCodec", $"= {WeightCodec} codes parameters as they are gathered, which only stage 3 does; the stage is {Stage}"));
        if (GradientCodec != GradientCodec.None && GradientWire is not null) faults.Add(new("strategy.gradientWire", $"= {GradientWire} has no effect beside gradientCodec = {GradientCodec}: give one of them"));
        if (Stage != 0 && GradientCodec == GradientCodec.OneBit) faults.Add(new("strategy.gradientCodec", $"= OneBit averages whole gradients, as stage 0 has them; the stage is {Stage}"));
        if (GradientWire is { } wire && wire is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16)) faults.Add(new("strategy.gradientWire", $"= {wire}; allowed: float32, bFloat16, float16"));
        return faults;
    }

    /// <summary>In words: <c>zero3, optimizer state on disk:/scratch</c>.</summary>
    public override string ToString()
    {
        var words = new List<string> { Stage is >= 0 and <= 3 ? Names[Stage] : Text($"stage {Stage}") };
        if (OffloadOptimizer != Tier.Device) words.Add(OffloadRatio == 1 ? $"optimizer state on {OffloadOptimizer}" : Text($"{OffloadRatio:P0} of optimizer state on {OffloadOptimizer}"));
        if (OffloadParameters != Tier.Device) words.Add($"parameters on {OffloadParameters}");
        if (GradientWire is { } wire) words.Add($"gradients as {wire}");
        if (GradientCodec != GradientCodec.None) words.Add($"gradients coded {GradientCodec}");
        if (WeightCodec != WeightCodec.None) words.Add($"weights coded {WeightCodec}");
        if (ShardSize > 0) words.Add(Text($"in groups of {ShardSize}"));
        if (SecondaryShardSize > 0) words.Add(Text($"gathered again among {SecondaryShardSize}"));
        return string.Join(", ", words);
    }

    /// <summary>A stage by its name.</summary>
    public static Strategy Parse(string s, IFormatProvider? provider) => TryParse(s, provider, out var result) ? result : throw new FormatException($"\"{s}\" is not a strategy; allowed: none, {string.Join(", ", Names)}.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out Strategy result)
    {
        var stage = Array.IndexOf(Names, s);
        result = stage < 0 ? null : new Strategy { Stage = stage };
        return result is not null;
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Names that are equal where they are the same, so that strategies are.</summary>
    sealed class NameList(IReadOnlyList<string> names) : ReadOnlyCollection<string>([.. names])
    {
        public override bool Equals(object? obj) => obj is NameList other && this.SequenceEqual(other);

        public override int GetHashCode() => this.Aggregate(0, HashCode.Combine);
    }
}

/// <summary>How parameters cross between ranks.</summary>
public enum WeightCodec : byte
{
    /// <summary>As they are.</summary>
    None,

    /// <summary>8 bits a value with a scale for each block: ZeRO++'s qwZ.</summary>
    Int8,
}

/// <summary>How gradients cross between ranks.</summary>
public enum GradientCodec : byte
{
    /// <summary>As they are, or in <see cref="Strategy.GradientWire"/>.</summary>
    None,

    /// <summary>4 bits a value with a scale for each block, and error feedback: ZeRO++'s qgZ.</summary>
    Int4,

    /// <summary>One bit a value and one scale, with error feedback: 1-bit Adam.</summary>
    OneBit,
}

/// <summary>The stages of ZeRO, to be refined with <c>with</c>: <c>Zero.Stage3 with { OffloadOptimizer = Tier.Disk("/scratch") }</c>.</summary>
public static class Zero
{
    /// <summary>Nothing is divided: data parallel, every rank holds everything.</summary>
    public static Strategy Stage0 { get; } = new();

    /// <summary>Optimizer state is divided.</summary>
    public static Strategy Stage1 { get; } = new() { Stage = 1 };

    /// <summary>Optimizer state and gradients are divided.</summary>
    public static Strategy Stage2 { get; } = new() { Stage = 2 };

    /// <summary>Optimizer state, gradients and parameters are divided.</summary>
    public static Strategy Stage3 { get; } = new() { Stage = 3 };
}
