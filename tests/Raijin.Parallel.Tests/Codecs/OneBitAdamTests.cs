using Raijin.Parallel.Tests.Tiers;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Codecs;

public sealed class OneBitAdamTests
{
    static readonly (string, long)[] Sizes = [("a", 70), ("b", 5), ("c", 200)];

    static readonly OneBitAdam Algorithm = new(FreezeStep: 4);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Weights_are_those_of_a_float64_simulation(int size)
    {
        const int Steps = 10;
        var weights = Ranks.Run(size, world =>
        {
            using var pieces = new Pieces(Sizes, 1);
            using var updater = new OneBitAdamUpdater(Algorithm, pieces.Groups, world.Group);
            for (var step = 0; step < Steps; step++)
            {
                Assert.Equal(step >= 4, updater.IsCompressing);
                pieces.SetGradients(Seed(step, world.Rank));
                updater.Step(gradientScale: 0.5, clipValue: 1);
            }
            Assert.Equal(Steps, updater.Updates);
            return pieces.Parameters.Select(p => p.data<float>().ToArray()).ToArray();
        });
        Assert.All(weights, w => Assert.Equal(weights[0], w));
        var expected = Simulate(size, Steps);
        for (var piece = 0; piece < Sizes.Length; piece++)
            for (var i = 0; i < Sizes[piece].Item2; i++) Assert.Equal(expected[piece][i], weights[0][piece][i], 5e-6 * (1 + Math.Abs(expected[piece][i])));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_run_that_is_resumed_has_the_bits_of_one_that_was_not(ScalarType dtype)
    {
        var same = Ranks.Run(2, world =>
        {
            using var straight = new Pieces(Sizes, 1, dtype);
            using var one = new OneBitAdamUpdater(Algorithm, straight.Groups, world.Group);
            Run(straight, one, 0, 7);
            using var resumed = new Pieces(Sizes, 2, dtype);
            foreach (var (from, to) in straight.Parameters.Zip(resumed.Parameters))
            {
                using var none = no_grad();
                to.copy_(from);
            }
            using var two = new OneBitAdamUpdater(Algorithm, resumed.Groups, world.Group);
            Assert.True(two.LoadState(one.CaptureState()).IsEmpty);
            two.LoadTensors(one.SaveTensors().ToDictionary(t => t.Key, t => t.Tensor));
            Assert.True(two.IsCompressing);
            Run(straight, one, 7, 10);
            Run(resumed, two, 7, 10);
            return straight.Parameters.Zip(resumed.Parameters).All(p => Pieces.Bits(p.First).AsSpan().SequenceEqual(Pieces.Bits(p.Second)));

            void Run(Pieces pieces, OneBitAdamUpdater updater, int from, int to)
            {
                for (var step = from; step < to; step++)
                {
                    pieces.SetGradients(Seed(step, world.Rank));
                    updater.Step();
                }
            }
        });
        Assert.All(same, Assert.True);
    }

    [Fact]
    public void An_element_without_a_gradient_before_the_freeze_stays() => Ranks.Run(2, world =>
    {
        using var pieces = new Pieces(Sizes, 1);
        using var updater = new OneBitAdamUpdater(Algorithm, pieces.Groups, world.Group);
        var before = Pieces.Bits(pieces.Parameters[1]);
        for (var step = 0; step < 8; step++)
        {
            pieces.SetGradients(Seed(step, world.Rank), i => i != 1 || step > 5);
            updater.Step();
        }
        Assert.Equal(before, Pieces.Bits(pieces.Parameters[1]));
        Assert.All(pieces.Parameters, p => Assert.All(p.data<float>().ToArray(), x => Assert.InRange(x, -100, 100)));
    });

    [Fact]
    public void The_norm_is_the_same_on_all_ranks_and_no_smaller_than_that_of_the_mean() => Ranks.Run(2, world =>
    {
        using var pieces = new Pieces(Sizes, 1);
        using var updater = new OneBitAdamUpdater(Algorithm, pieces.Groups, world.Group);
        pieces.SetGradients(Seed(0, world.Rank));
        var norm = updater.MeasureGradients();
        double[] squares = [.. Enumerable.Range(0, 2).Select(r => Sizes.Index().Sum(s => Pieces.Values((1000 * Seed(0, r)) + s.Index, s.Item.Item2).Sum(x => (double)x * x)))];
        Assert.Equal(Math.Sqrt(squares.Average()), norm.Norm, 1e-9);
        updater.ClearGradients();
        Assert.Equal(0, updater.MeasureGradients().Norm);
    });

    [Fact]
    public void A_state_of_other_parameters_and_a_cycled_momentum_are_refused() => Ranks.Run(1, world =>
    {
        using var pieces = new Pieces(Sizes, 1);
        using var others = new Pieces([("a", 70), ("other", 5), ("c", 201)], 1);
        using var updater = new OneBitAdamUpdater(Algorithm, pieces.Groups, world.Group);
        using var other = new OneBitAdamUpdater(Algorithm, others.Groups, world.Group);
        others.SetGradients(1);
        other.Step();
        Assert.Throws<OptimizerStateMismatchException>(() => updater.LoadState(other.CaptureState()));
        pieces.Groups[0].Momentum = 0.5;
        Assert.Contains("'decayed'", Assert.Throws<InvalidOperationException>(() => updater.Step()).Message, StringComparison.Ordinal);
    });

    static int Seed(int step, int rank) => (step * 10) + rank;

    // All ranks in one loop; the flat order is that of the groups, and the end is padded as the updater pads it.
    static double[][] Simulate(int size, int steps)
    {
        int[] order = [0, 2, 1];
        var total = (int)Sizes.Sum(s => s.Item2);
        var padded = (total + (32 * size) - 1) / (32 * size) * (32 * size);
        var weights = Sizes.Index().Select(s => Pieces.Values(1 + s.Index, s.Item.Item2).Select(x => (double)x).ToArray()).ToArray();
        var (m, v) = (new double[padded], new double[padded]);
        var oracle = new OneBitOracle(size, padded);
        for (var step = 0; step < steps; step++)
        {
            var gradients = Enumerable.Range(0, size).Select(r => order.SelectMany(p => Pieces.Values((1000 * Seed(step, r)) + p, Sizes[p].Item2)).Select(g => Math.Clamp(g * 0.5, -1.0, 1.0))
                .Concat(new double[padded - total]).ToArray()).ToArray();
            if (step < 4)
            {
                for (var i = 0; i < padded; i++)
                {
                    var mean = gradients.Average(g => g[i]);
                    m[i] = (0.9 * m[i]) + (0.1 * mean);
                    v[i] = (0.999 * v[i]) + (0.001 * mean * mean);
                }
            }
            else
            {
                m = oracle.AllReduce([.. gradients.Select(g => g.Select((x, i) => (0.9 * m[i]) + (0.1 * x)).ToArray())]);
                m.AsSpan(total).Clear();
            }
            var at = 0;
            foreach (var piece in order)
            {
                var (rate, decay) = piece % 2 == 0 ? (0.01, 0.1) : (0.02, 0.0);
                for (var i = 0; i < weights[piece].Length; i++, at++)
                    weights[piece][i] -= rate * ((v[at] == 0 ? 0 : m[at] / (Math.Sqrt(v[at]) + 1e-8)) + (decay * weights[piece][i]));
            }
        }
        return weights;
    }
}
