using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel.Tests.Engine;

public sealed class StageParityTests
{
    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(1, 4)]
    [InlineData(2, 3)]
    [InlineData(3, 4)]
    public void Every_stage_gives_the_bits_of_stage_0(int stage, int ranks) =>
        Rig.AssertSame(Rig.Train(ranks, Zero.Stage0), Rig.Train(ranks, new Strategy { Stage = stage }));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Ranks_that_compare_their_calls_find_them_alike(int stage) =>
        Rig.AssertSame(Rig.Train(3, Zero.Stage0, 4), Rig.Train(3, new Strategy { Stage = stage }, 4, options: Rig.Checked));

    [Theory]
    [InlineData(2, 0, 0)]
    [InlineData(0, 2, 0)]
    [InlineData(0, 0, 2)]
    [InlineData(1, 4, 2)]
    public void Ranks_of_different_speed_make_their_calls_in_one_order(int ahead, int shardSize, int secondaryShardSize)
    {
        var strategy = Zero.Stage3 with { PrefetchUnits = ahead, ShardSize = shardSize, SecondaryShardSize = secondaryShardSize };
        var expected = Rig.Train(4, Zero.Stage3 with { ShardSize = shardSize }, 5, Layers);
        Rig.AssertSame(expected, Rig.Train(4, strategy, 5, Layers));

        static Module<Tensor, Tensor> Layers() => Sequential(
            ("first", Linear(12, 24)), ("late1", new Late()), ("second", Linear(24, 24)), ("late2", new Late()), ("third", Linear(24, 24)), ("late3", new Late()), ("last", Linear(24, 5)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Two_ranks_with_half_the_samples_each_are_one_rank_with_all(int stage)
    {
        // The mean of two means of 6 is not rounded as the mean of 12: equal to a few units of fp32, which Adam's division makes larger.
        var one = Rig.Train(1, Zero.Stage0);
        var two = Rig.Train(2, new Strategy { Stage = stage });
        foreach (var (name, values) in one.Weights)
            for (var i = 0; i < values.Length; i++) Assert.Equal(values[i], two.Weights[name][i], 2e-5);
    }

    [Theory]
    [InlineData(1, 2, ScalarType.Float32)]
    [InlineData(2, 3, ScalarType.Float32)]
    [InlineData(3, 4, ScalarType.Float32)]
    [InlineData(3, 2, ScalarType.BFloat16)]
    public void Steps_scaled_by_norms_of_whole_tensors_are_those_of_stage_0(int stage, int ranks, ScalarType dtype)
    {
        foreach (var algorithm in (OptimizerAlgorithm[])[new Lamb(), new Lars(TrustCoefficient: 0.02)])
        {
            var expected = Rig.Train(ranks, Zero.Stage0, algorithm: algorithm, dtype: dtype);
            var actual = Rig.Train(ranks, new Strategy { Stage = stage }, algorithm: algorithm, dtype: dtype);
            // Squares are summed part by part: factors differ in the last bits of a double, weights in those of their type.
            var tolerance = dtype == ScalarType.Float32 ? 1e-6 : 8e-3;
            foreach (var (name, values) in expected.Weights)
                for (var i = 0; i < values.Length; i++) Assert.Equal(values[i], actual.Weights[name][i], tolerance);
        }
    }

    /// <summary>Holds every other rank up for a while in its backward pass.</summary>
    sealed class Late() : Module<Tensor, Tensor>("late")
    {
        static int s_calls;

        public override Tensor forward(Tensor input)
        {
            if (!is_grad_enabled()) return input.alias();
            return GradientHooks.OnGradient(input.alias(), _ =>
            {
                if (Interlocked.Increment(ref s_calls) % 2 == 0) SpinWait.SpinUntil(() => false, TimeSpan.FromMilliseconds(3));
                return null;
            });
        }
    }
}
