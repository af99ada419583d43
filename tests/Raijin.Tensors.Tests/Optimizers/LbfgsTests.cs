using System.Text.Json;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class LbfgsTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Saved_and_loaded_midway_is_the_uninterrupted_run_bit_for_bit(bool search)
    {
        var options = new LbfgsOptions(MaxIterations: 4, History: 5, StrongWolfe: search);
        var rate = search ? 1 : 0.05;
        for (var cut = 0; cut <= 4; cut++)
        {
            var straight = Make();
            using (var uninterrupted = new Lbfgs(options, Group(straight, rate)))
                for (var step = 0; step < 6; step++) uninterrupted.Step(() => Rosenbrock.Loss(straight));

            var first = Make();
            using var before = new Lbfgs(options, Group(first, rate));
            for (var step = 0; step < cut; step++) before.Step(() => Rosenbrock.Loss(first));
            var state = before.CaptureState();
            var copies = state.Tensors.Select(t => (t.Key, t.Tensor.clone())).Reverse().ToList();
            var scalars = JsonSerializer.Deserialize<OptimizerScalars>(JsonSerializer.Serialize(state.Scalars))!;
            var second = Array.ConvertAll(first, p => Optimized.Parameter(Optimized.Read(p), ScalarType.Float32, p.shape));
            using var after = new Lbfgs(options, Group(second, 9));
            after.Step(() => Rosenbrock.Loss(second));
            for (var i = 0; i < second.Length; i++)
                using (no_grad()) second[i].copy_(first[i]);
            after.LoadState(new(scalars, copies));
            Assert.Equal((before.Updates, before.Iterations, before.Evaluations), (after.Updates, after.Iterations, after.Evaluations));
            for (var step = cut; step < 6; step++) after.Step(() => Rosenbrock.Loss(second));
            Assert.Equal(Bits(straight), Bits(second));
            foreach (var (_, copy) in copies) copy.Dispose();
            foreach (var parameter in straight.Concat(first).Concat(second)) parameter.Dispose();
        }
    }

    [Fact]
    public void Threads_do_not_change_a_bit()
    {
        Assert.Equal(Run(1), Run(2));

        static int[] Run(int threads)
        {
            var before = get_num_threads();
            using var scope = NewDisposeScope();
            Parameter[] parameters = [Optimized.Parameter(Optimized.Values(1, 100_001, 0.1)), Optimized.Parameter(Optimized.Values(2, 70, 0.1))];
            var weights = Optimized.Values(3, 100_001);
            using var optimizer = new Lbfgs(new(MaxIterations: 6, StrongWolfe: true), Group(parameters, 1));
            set_num_threads(threads);

            // The loss in plain C#: libtorch's sum over everything would depend on its threads.
            optimizer.Step(() =>
            {
                var loss = 0.0;
                foreach (var parameter in parameters)
                {
                    var values = Optimized.Read(parameter);
                    var gradients = values.Select((x, i) => (float)((Math.Abs(weights[i]) * x) + Math.Pow(x, 3))).ToArray();
                    loss += values.Select((x, i) => (Math.Abs(weights[i]) * x * x / 2) + (Math.Pow(x, 4) / 4)).Sum();
                    Optimized.SetGradient(parameter, gradients);
                }

                return loss;
            });
            set_num_threads(before);
            return Bits(parameters);
        }
    }

    [Fact]
    public void A_quadratic_is_solved_in_as_many_iterations_as_it_has_dimensions()
    {
        using var x = Optimized.Parameter([5, -3, 2, 1]);
        using var curvature = tensor(new float[] { 1, 4, 9, 2 });
        using var optimizer = new Lbfgs(new(MaxIterations: 12, StrongWolfe: true), Group([x], 1));
        optimizer.Step(() =>
        {
            using var scope = NewDisposeScope();
            var loss = (curvature * x * x).sum();
            loss.backward();
            return loss.item<float>();
        });
        Assert.All(Optimized.Read(x), value => Assert.Equal(0, value, 1e-3f));
        Assert.InRange(optimizer.Iterations, 1, 12);
    }

    [Fact]
    public void A_parameter_without_gradient_stays_and_a_flat_start_ends_the_step()
    {
        using var used = Optimized.Parameter([1, 2]);
        using var unused = Optimized.Parameter([3]);
        using var optimizer = new Lbfgs(new(), Group([used, unused], 0.1));
        Assert.Equal(0, optimizer.Step(() => 0));
        Assert.Equal((0L, 1L), (optimizer.Iterations, optimizer.Evaluations));
        optimizer.Step(() =>
        {
            Optimized.SetGradient(used, Optimized.Read(used));
            return Optimized.Read(used).Sum(x => (double)x * x / 2);
        });
        Assert.Equal([3], Optimized.Read(unused));
        Assert.True(Math.Abs(Optimized.Read(used)[0]) < 1);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var a = Optimized.Parameter([1, 2]);
        using var half = Optimized.Parameter([1], ScalarType.BFloat16);
        using var wide = Optimized.Parameter([1], ScalarType.Float64);
        Assert.Contains("no parameters", Assert.Throws<ArgumentException>(() => new Lbfgs(new(), new("g", [], 1))).Message, StringComparison.Ordinal);
        Assert.Contains("weight decay 0.1", Assert.Throws<ArgumentException>(() => new Lbfgs(new(), Optimized.Group([a]))).Message, StringComparison.Ordinal);
        Assert.Contains("BFloat16", Assert.Throws<ArgumentException>(() => new Lbfgs(new(), Group([half], 1))).Message, StringComparison.Ordinal);
        Assert.Contains("one dtype and device", Assert.Throws<ArgumentException>(() => new Lbfgs(new(), Group([a, wide], 1))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lbfgs(new(History: 0), Group([a], 1)));
        Assert.Contains("make an Lbfgs", Assert.Throws<NotSupportedException>(() => new FusedOptimizer(new LbfgsOptions(), [Optimized.Group([a])])).Message, StringComparison.Ordinal);

        using var optimizer = new Lbfgs(new(MaxIterations: 3), Group([a], 0.01));
        optimizer.Step(() => Rosenbrock.Loss(a));
        var state = optimizer.CaptureState();
        Assert.Equal(["p0/direction", "p0/gradient", "p0/step.0", "p0/change.0"], state.Tensors.Select(t => t.Key));
        using var longer = Optimized.Parameter([1, 2, 3]);
        using var other = new Lbfgs(new(), Group([longer], 1));
        Assert.Contains("p0/direction: [2], but the parameter is [3]", Assert.Throws<OptimizerStateMismatchException>(() => other.LoadState(state)).Message, StringComparison.Ordinal);
        using var adam = new FusedOptimizer(new Adam(), [Optimized.Group([a])]);
        Assert.Contains("made by Adam", Assert.Throws<OptimizerStateMismatchException>(() => optimizer.LoadState(adam.CaptureState())).Message, StringComparison.Ordinal);
        var lacking = new OptimizerState(state.Scalars, state.Tensors.Where(t => t.Key != "p0/step.0"));
        Assert.Equal(["p0/step.0"], Assert.Throws<OptimizerStateMismatchException>(() => optimizer.LoadState(lacking)).Difference.Missing);
    }

    static Parameter[] Make() => [Optimized.Parameter([-1.2f, 1, 0.3f]), Optimized.Parameter([0.7f, 1.1f, -0.2f, 0.4f], ScalarType.Float32, 2, 2)];

    static ParameterGroup Group(Parameter[] parameters, double learningRate) => Optimized.Group(parameters, learningRate, 0);

    static int[] Bits(Parameter[] parameters) => [.. parameters.SelectMany(p => Optimized.Bits(Optimized.Read(p)))];
}
