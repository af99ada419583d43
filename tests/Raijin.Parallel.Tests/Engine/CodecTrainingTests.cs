using Raijin.Collectives;

namespace Raijin.Parallel.Tests.Engine;

/// <summary>Training whose weights or gradients cross as codes: near the plain one, the same on every run, with fewer bytes.</summary>
public sealed class CodecTrainingTests
{
    [Theory]
    [InlineData(3, WeightCodec.Int8, GradientCodec.None, 0.08)]
    [InlineData(2, WeightCodec.None, GradientCodec.Int4, 0.15)]
    [InlineData(3, WeightCodec.Int8, GradientCodec.Int4, 0.2)]
    [InlineData(0, WeightCodec.None, GradientCodec.OneBit, 0.6)]
    public void Codes_train_nearly_as_plain_values_do(int stage, WeightCodec weights, GradientCodec gradients, double tolerance)
    {
        var strategy = new Strategy { Stage = stage, WeightCodec = weights, GradientCodec = gradients };
        var plain = Rig.Train(2, new Strategy { Stage = stage }, 20, algorithm: new Tensors.Sgd());
        var coded = Rig.Train(2, strategy, 20, algorithm: new Tensors.Sgd());
        Assert.NotEqual(plain.Losses, coded.Losses);
        Assert.InRange(coded.Losses[^1], plain.Losses[^1] * (1 - tolerance), plain.Losses[^1] * (1 + tolerance));
        Rig.AssertSame(coded, Rig.Train(2, strategy, 20, algorithm: new Tensors.Sgd()));
    }

    [Fact]
    public void Codes_move_a_quarter_and_an_eighth_of_float32()
    {
        var plain = Rig.Train(2, Zero.Stage3, 2).Ledger;
        var coded = Rig.Train(2, Zero.Stage3 with { WeightCodec = WeightCodec.Int8, GradientCodec = GradientCodec.Int4 }, 2).Ledger;
        // Beside the codes a scale of 4 bytes for each block, of 256 values or what is left.
        Assert.InRange(Ratio(BufferKind.Parameters, CollectiveKind.AllGather), 0.25, 0.29);
        Assert.InRange(Ratio(BufferKind.Gradients, CollectiveKind.ReduceScatter), 0.125, 0.16);

        double Ratio(BufferKind kind, CollectiveKind collective) => (double)coded.Crossed(kind, collective).Bytes / plain.Crossed(kind, collective).Bytes;
    }
}
