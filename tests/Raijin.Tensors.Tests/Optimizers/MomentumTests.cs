using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

/// <summary>A momentum that a schedule changes from step to step.</summary>
public sealed class MomentumTests
{
    const int Count = 1000;

    static readonly OptimizerAlgorithm[] Algorithms = [new Sgd(0.9), new Sgd(0.9, Nesterov: true), new Adam(), new AdamW(AmsGrad: true), new Lion(), new RmsProp(Momentum: 0.9), new RmsProp(Momentum: 0.9, Centered: true)];

    public static TheoryData<int, bool> All => [.. from i in Enumerable.Range(0, Algorithms.Length) from libtorch in (bool[])[false, true] select new TheoryDataRow<int, bool>(i, libtorch)];

    static double At(int step) => 0.95 - (0.01 * step);

    [Theory]
    [MemberData(nameof(All))]
    public void A_group_at_the_algorithms_own_momentum_has_the_bits_of_one_without(int index, bool libtorch) =>
        Assert.Equal(Run(Algorithms[index], libtorch, _ => null), Run(Algorithms[index], libtorch, _ => Algorithms[index].CyclableMomentum));

    [Theory]
    [MemberData(nameof(All))]
    public void A_step_with_another_momentum_is_the_step_of_an_optimizer_made_with_it(int index, bool libtorch)
    {
        using var scope = NewDisposeScope();
        var parameter = Optimized.Parameter(Optimized.Values(1, Count));
        var twin = Optimized.Parameter(Optimized.Values(1, Count));
        var group = Optimized.Group([parameter]);
        using var cycled = new FusedOptimizer(Algorithms[index], [group], new() { UseLibtorchOnly = libtorch });
        OptimizerState? state = null;
        List<FusedOptimizer> made = [];
        for (var step = 0; step < 4; step++)
        {
            Optimized.SetGradient(parameter, Optimized.Values(10 + step, Count));
            Optimized.SetGradient(twin, Optimized.Values(10 + step, Count));
            group.Momentum = At(step);
            cycled.Step();
            made.Add(new FusedOptimizer(Algorithms[index].WithMomentum(At(step)), [Optimized.Group([twin])], new() { UseLibtorchOnly = libtorch }));
            if (state is not null) made[^1].LoadState(state);
            made[^1].Step();
            state = made[^1].CaptureState();
            Assert.Equal(Optimized.Read(twin), Optimized.Read(parameter));
        }
        foreach (var optimizer in made) optimizer.Dispose();
    }

    [Fact]
    public void Momentum_and_velocity_follow_the_formula_of_each_step()
    {
        using var scope = NewDisposeScope();
        var parameter = Optimized.Parameter([1f]);
        var group = Optimized.Group([parameter]);
        group.WeightDecay = 0;
        using var optimizer = new FusedOptimizer(new Sgd(0.5), [group]);
        double p = 1, buffer = 0;
        for (var step = 0; step < 5; step++)
        {
            Optimized.SetGradient(parameter, [1f + step]);
            group.Momentum = At(step);
            optimizer.Step();
            buffer = (step == 0 ? 0 : At(step) * buffer) + 1 + step;
            p -= group.LearningRate * buffer;
            Assert.Equal(p, Optimized.Read(parameter)[0], 1e-6);
        }
    }

    [Fact]
    public void A_saved_group_comes_back_with_its_momentum()
    {
        using var scope = NewDisposeScope();
        var parameter = Optimized.Parameter(Optimized.Values(1, 10));
        var group = Optimized.Group([parameter]);
        using var optimizer = new FusedOptimizer(new Adam(), [group]);
        group.Momentum = 0.8;
        var state = optimizer.CaptureState();
        group.Momentum = null;
        optimizer.LoadState(state);
        Assert.Equal(0.8, group.Momentum);
    }

    [Fact]
    public void An_algorithm_without_momentum_and_a_momentum_out_of_range_are_refused()
    {
        using var scope = NewDisposeScope();
        var parameter = Optimized.Parameter(Optimized.Values(1, 10));
        var group = Optimized.Group([parameter]);
        using var optimizer = new FusedOptimizer(new Sgd(), [group]);
        Assert.Throws<ArgumentOutOfRangeException>(() => group.Momentum = 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => group.Momentum = 0);
        group.Momentum = 0.5;
        Optimized.SetGradient(parameter, Optimized.Values(2, 10));
        Assert.Contains("Sgd has none", Assert.Throws<InvalidOperationException>(() => optimizer.Step()).Message);
    }

    static float[] Run(OptimizerAlgorithm algorithm, bool libtorch, Func<int, double?> momentum)
    {
        using var scope = NewDisposeScope();
        var parameter = Optimized.Parameter(Optimized.Values(1, Count));
        var group = Optimized.Group([parameter]);
        using var optimizer = new FusedOptimizer(algorithm, [group], new() { UseLibtorchOnly = libtorch });
        for (var step = 0; step < 4; step++)
        {
            Optimized.SetGradient(parameter, Optimized.Values(10 + step, Count));
            group.Momentum = momentum(step);
            optimizer.Step();
        }
        return Optimized.Read(parameter);
    }
}
