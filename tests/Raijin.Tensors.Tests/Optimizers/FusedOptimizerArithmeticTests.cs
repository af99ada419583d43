using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class FusedOptimizerArithmeticTests
{
    // An element and its state travel through a few dozen roundings; the bound is on the change of the parameter over all steps.
    const double Relative = 2e-5;

    [Theory]
    [MemberData(nameof(Optimized.AlgorithmIndices), MemberType = typeof(Optimized))]
    public void Follows_the_formulas_in_double(int index)
    {
        const int Count = 4099;
        const int Steps = 20;
        var algorithm = Optimized.Algorithms[index];
        var start = Optimized.Values(1, Count);
        using var parameter = Optimized.Parameter(start);
        using var optimizer = new FusedOptimizer(algorithm, [Optimized.Group([parameter])]);
        var oracles = start.Select(_ => new Float64Oracle(algorithm, 0.01, 0.1)).ToArray();
        var expected = start.Select(p => (double)p).ToArray();
        var travelled = new double[Count];
        for (var step = 0; step < Steps; step++)
        {
            var gradient = Optimized.Values(100 + step, Count);
            Optimized.SetGradient(parameter, gradient);
            optimizer.Step();
            for (var i = 0; i < Count; i++)
            {
                var next = oracles[i].Step(expected[i], gradient[i]);
                travelled[i] += Math.Abs(next - expected[i]);
                expected[i] = next;
            }
        }

        // Lion's sign and the centred variance are discontinuous or cancel: where the oracle sits on the edge, fp32 may fall on the other side.
        var actual = Optimized.Read(parameter);
        var outside = Enumerable.Range(0, Count).Count(i =>
            Math.Abs(actual[i] - expected[i]) > (Relative * travelled[i]) + (Steps * 1.2e-7 * Math.Abs(expected[i])));
        Assert.True(outside <= (algorithm is RmsProp { Centered: true } ? Count / 20 : algorithm is Lion ? 2 : 0), $"{outside} of {Count} elements are outside the tolerance");
    }

    [Theory]
    [MemberData(nameof(Optimized.AllIndices), MemberType = typeof(Optimized))]
    public void Agrees_with_libtorchs_operators(int index)
    {
        var algorithm = Optimized.All[index];
        var ours = Run(algorithm, new());
        var theirs = Run(algorithm, new() { UseLibtorchOnly = true });
        for (var i = 0; i < ours.Length; i++)
            Assert.Equal(theirs[i], ours[i], 2e-6f + (1e-5f * Math.Abs(theirs[i])));
        if (algorithm is Sgd) Assert.Equal(Optimized.Bits(theirs), Optimized.Bits(ours));
    }

    static float[] Run(OptimizerAlgorithm algorithm, FusedOptimizerOptions options)
    {
        const int Count = 70_001;
        using var parameter = Optimized.Parameter(Optimized.Values(1, Count));
        using var optimizer = new FusedOptimizer(algorithm, [Optimized.Group([parameter])], options);
        for (var step = 0; step < 6; step++)
        {
            Optimized.SetGradient(parameter, Optimized.Values(7 + step, Count));
            optimizer.Step(gradientScale: 0.5, clipValue: 1.5);
        }

        return Optimized.Read(parameter);
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(0.1, 0, false)]
    [InlineData(0, 0.9, false)]
    [InlineData(0.1, 0.9, true)]
    public void Sgd_equals_TorchSharps_own_bit_for_bit_over_many_steps(double decay, double momentum, bool nesterov)
    {
        int[] sizes = [1, 7, 16, 33, 1000, 40_003];
        var mine = sizes.Select((n, i) => Optimized.Parameter(Optimized.Values(i, n))).ToArray();
        var stock = sizes.Select((n, i) => Optimized.Parameter(Optimized.Values(i, n))).ToArray();
        using var optimizer = new FusedOptimizer(new Sgd(momentum, Nesterov: nesterov), [Optimized.Group(mine, 0.03, decay)]);
        using (var reference = optim.SGD(stock, 0.03, momentum, 0, decay, nesterov))
        {
            for (var step = 0; step < 60; step++)
            {
                for (var i = 0; i < sizes.Length; i++)
                {
                    var gradient = Optimized.Values(1000 + (100 * step) + i, sizes[i]);
                    Optimized.SetGradient(mine[i], gradient);
                    Optimized.SetGradient(stock[i], gradient);
                }

                optimizer.Step();
                using var none = no_grad();
                using var scope = NewDisposeScope();
                reference.step();
            }
        }

        for (var i = 0; i < sizes.Length; i++)
        {
            Assert.Equal(Optimized.Bits(Optimized.Read(stock[i])), Optimized.Bits(Optimized.Read(mine[i])));
            mine[i].Dispose();
            stock[i].Dispose();
        }
    }

    [Fact]
    public void Scale_and_clamp_act_on_the_gradient_before_everything_else()
    {
        using var parameter = Optimized.Parameter([0, 0, 0, 0, 0]);
        using var optimizer = new FusedOptimizer(new Sgd(), [Optimized.Group([parameter], learningRate: 1, weightDecay: 0)]);
        Optimized.SetGradient(parameter, [1, -3, 8, float.PositiveInfinity, float.NaN]);
        optimizer.Step(gradientScale: 0.5, clipValue: 2);
        Assert.Equal([-0.5f, 1.5f, -2, -2, float.NaN], Optimized.Read(parameter));
        using var gradient = parameter.grad!;
        Assert.Equal([1, -3, 8, float.PositiveInfinity, float.NaN], Optimized.Read(gradient));
    }

    [Theory]
    [MemberData(nameof(Optimized.AllIndices), MemberType = typeof(Optimized))]
    public void A_nan_gradient_is_not_hidden(int index)
    {
        var algorithm = Optimized.All[index];
        using var parameter = Optimized.Parameter([1, 1]);
        using var optimizer = new FusedOptimizer(algorithm, [Optimized.Group([parameter])]);
        Optimized.SetGradient(parameter, [float.NaN, 1]);
        optimizer.Step(clipValue: 1);
        var read = Optimized.Read(algorithm is Lion or Rprop ? optimizer.CaptureState().Slots("p0")[algorithm.Slots[0]] : parameter);
        Assert.True(float.IsNaN(read[0]));
        // A norm of the whole tensor takes everyone along.
        if (algorithm is not LayerwiseAlgorithm) Assert.False(float.IsNaN(read[1]));
    }
}
