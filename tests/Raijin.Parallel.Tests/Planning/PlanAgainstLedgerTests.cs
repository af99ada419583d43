using Raijin.Collectives;
using Raijin.Parallel.Tests.Engine;
using Raijin.Tensors;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests;

/// <summary>What the engine's ledger counts in a step of a GPT is what was planned, but for cache lines.</summary>
public sealed class PlanAgainstLedgerTests
{
    const double Padding = 1.02;

    static readonly GptOptions Small = new() { Vocabulary = 512, Context = 16, Layers = 3, Heads = 4, Width = 128 };

    [Theory]
    [InlineData(0, 2, 0, 0)]
    [InlineData(1, 2, 0, 0)]
    [InlineData(2, 2, 0, 0)]
    [InlineData(3, 2, 0, 0)]
    [InlineData(3, 4, 0, 0)]
    [InlineData(2, 4, 2, 0)]
    [InlineData(3, 4, 2, 0)]
    [InlineData(3, 4, 0, 2)]
    [InlineData(3, 4, 2, 2)]
    public void A_step_holds_and_moves_what_was_planned(int stage, int ranks, int shardSize, int secondaryShardSize)
    {
        var strategy = new Strategy { Stage = stage, ShardSize = shardSize, SecondaryShardSize = secondaryShardSize };
        var options = new PlanOptions { ComputesOnHost = true };
        var (ledger, shape) = Step(ranks, strategy);
        var memory = MemoryPlan.Of(shape, strategy, ranks, options);
        foreach (var kind in Enum.GetValues<BufferKind>())
        {
            var counted = kind == BufferKind.Gathered ? ledger.Peak(kind) : ledger.Held(kind);
            Assert.True(counted >= memory.BytesOf(kind) && counted <= memory.BytesOf(kind) * Padding, $"{kind}: planned {memory.BytesOf(kind)}, counted {counted}");
        }

        var planned = CommunicationPlan.Of(shape, strategy, ranks, options);
        Assert.InRange(ledger.Volume, planned.MovedBytes, planned.MovedBytes * Padding);
        Assert.InRange(ledger.NodeVolume, planned.NodeBytes, planned.NodeBytes * Padding);
        Assert.Equal(planned.Traffic.Select(t => (t.What, t.Kind)).Distinct().Order(), ledger.Crossings.Keys.Order());
        foreach (var group in planned.Traffic.GroupBy(t => (t.What, t.Kind)))
            Assert.InRange(ledger.Crossed(group.Key.What, group.Key.Kind).Bytes, group.Sum(t => t.Bytes), group.Sum(t => t.Bytes) * Padding);
    }

    [Theory]
    [InlineData(2, false, true)]
    [InlineData(2, true, false)]
    [InlineData(2, true, true)]
    [InlineData(4, true, true)]
    [InlineData(1, true, true)]
    public void What_lies_on_a_disk_is_what_was_planned_to_a_page_a_tensor(int ranks, bool parameters, bool optimizer)
    {
        using var folder = new TemporaryFolder();
        var disk = Tier.Disk(folder.Path);
        var strategy = Zero.Stage3 with { OffloadParameters = parameters ? disk : Tier.Device, OffloadOptimizer = optimizer ? disk : Tier.Device };
        var (ledger, shape) = Step(ranks, strategy);
        var memory = MemoryPlan.Of(shape, strategy, ranks, new() { ComputesOnHost = true });
        // Two moments of a piece end on a page each, and a unit's shards.
        var pages = 2 * ScratchFile.Alignment * NumTensors;
        foreach (var kind in Enum.GetValues<BufferKind>())
        {
            var planned = memory.Buffers.Where(b => b.Kind == kind).ToLookup(b => b.Tier == disk, b => b.Bytes);
            var counted = kind == BufferKind.Gathered ? ledger.Peak(kind) : ledger.Held(kind);
            var slack = kind is BufferKind.Staging ? pages : 0;
            Assert.True(counted >= planned[false].Sum() && counted <= (planned[false].Sum() * Padding) + slack, $"{kind} in memory: planned {planned[false].Sum()}, counted {counted}");
            Assert.InRange(ledger.HeldOnDisk(kind), planned[true].Sum(), (planned[true].Sum() * Padding) + (planned[true].Any() ? pages : 0));
        }
    }

    static int NumTensors => 2 + 2 + (Small.Layers * 12);

    static (Ledger Ledger, ModelShape Shape) Step(int ranks, Strategy strategy)
    {
        ModelShape shape;
        using (var planned = new Gpt(Small, META)) shape = ModelShape.Of(planned, strategy);
        var ledgers = World.Run(ranks, world =>
        {
            set_num_threads(1);
            using var model = new Gpt(Small);
            using var sharded = new ShardedModel(model, strategy, world.Group);
            using var optimizer = sharded.CreateOptimizer(new AdamW(), [new ParameterGroup("all", model.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 1e-3)]);
            sharded.Ledger.ResetCrossings();
            using (TensorScope.Open())
            {
                var tokens = zeros(1, 16, ScalarType.Int64);
                Backward.Run(model.Loss(tokens, tokens));
                sharded.FinishBackward();
            }
            optimizer.Step();
            return sharded.Ledger.Snapshot();
        }, Rig.Options);
        return (ledgers[0], shape);
    }
}
