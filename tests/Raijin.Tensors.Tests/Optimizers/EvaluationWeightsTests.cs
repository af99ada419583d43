using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class EvaluationWeightsTests
{
    public static TheoryData<int> Indices => [.. Enumerable.Range(0, Optimized.Algorithms.Count).Where(i => Optimized.Algorithms[i] is ScheduleFreeAdamW or Asgd)];

    [Theory]
    [MemberData(nameof(Indices))]
    public void They_are_the_means_of_the_papers(int index)
    {
        const int Count = 500;
        var algorithm = Optimized.Algorithms[index];
        var start = Optimized.Values(1, Count);
        using var parameter = Optimized.Parameter(start);
        using var optimizer = new FusedOptimizer(algorithm, [Optimized.Group([parameter])]);
        var oracles = start.Select(_ => new Float64Oracle(algorithm, 0.01, 0.1)).ToArray();
        var values = start.Select(x => (double)x).ToArray();
        for (var step = 0; step < 15; step++)
        {
            var gradient = Optimized.Values(50 + step, Count);
            Optimized.SetGradient(parameter, gradient);
            optimizer.Step();
            for (var i = 0; i < Count; i++) values[i] = oracles[i].Step(values[i], gradient[i]);
        }

        optimizer.UseEvaluationWeights();
        var evaluated = Optimized.Read(parameter);
        for (var i = 0; i < Count; i++) Assert.Equal(oracles[i].Evaluated, evaluated[i], 3e-6 * (1 + Math.Abs(oracles[i].Evaluated)));
        Assert.NotEqual(values.Select(x => (float)x), evaluated);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64)]
    public void Looking_at_them_changes_no_bit_of_the_training(ScalarType dtype)
    {
        Assert.Equal(Run(0), Run(2));

        int[] Run(int every)
        {
            using var parameter = Optimized.Parameter(Optimized.Values(1, 300), dtype);
            using var never = Optimized.Parameter([1, 2], dtype);
            using var optimizer = new FusedOptimizer(new ScheduleFreeAdamW(), [Optimized.Group([parameter, never])]);
            for (var step = 0; step < 9; step++)
            {
                Optimized.SetGradient(parameter, Optimized.Values(10 + step, 300));
                optimizer.Step();
                if (every == 0 || step % every != 0) continue;
                var training = Optimized.Read(parameter);
                optimizer.UseEvaluationWeights();
                optimizer.UseEvaluationWeights();
                Assert.True(optimizer.IsEvaluating);
                // The first z is the first x.
                if (step > 0) Assert.NotEqual(training, Optimized.Read(parameter));
                optimizer.UseTrainingWeights();
                optimizer.UseTrainingWeights();
            }

            return Optimized.Bits([.. Optimized.Read(parameter), .. optimizer.CaptureState().Tensors.SelectMany(t => Optimized.Read(t.Tensor))]);
        }
    }

    [Fact]
    public void While_they_are_in_nothing_else_works()
    {
        using var parameter = Optimized.Parameter([1, 2]);
        using var optimizer = new FusedOptimizer(new ScheduleFreeAdamW(), [Optimized.Group([parameter])]);
        Optimized.SetGradient(parameter, [1, 1]);
        optimizer.Step();
        var state = optimizer.CaptureState();
        optimizer.UseEvaluationWeights();
        Assert.Contains("UseTrainingWeights", Assert.Throws<InvalidOperationException>(() => optimizer.Step()).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(optimizer.CaptureState);
        Assert.Throws<InvalidOperationException>(() => optimizer.LoadState(state));
    }

    [Fact]
    public void Other_algorithms_have_none()
    {
        using var parameter = Optimized.Parameter([1, 2]);
        using var optimizer = new FusedOptimizer(new AdamW(), [Optimized.Group([parameter])]);
        Optimized.SetGradient(parameter, [1, 1]);
        optimizer.Step();
        var training = Optimized.Read(parameter);
        optimizer.UseEvaluationWeights();
        Assert.False(optimizer.HasEvaluationWeights || optimizer.IsEvaluating);
        Assert.Equal(training, Optimized.Read(parameter));
    }
}
