using Raijin.Collectives;
using Raijin.Parallel.Tests.Engine;
using Raijin.Tensors;
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
