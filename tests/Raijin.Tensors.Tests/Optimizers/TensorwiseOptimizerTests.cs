using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

/// <summary>LAMB, LARS, Adafactor and Muon: what an element does depends on its whole tensor.</summary>
public sealed class TensorwiseOptimizerTests
{
    static readonly long[][] Shapes = [[37], [1], [13, 29], [48, 32], [3, 4, 5], [40_003]];

    public static TheoryData<int> Indices => [.. Enumerable.Range(0, Optimized.Tensorwise.Count)];

    [Theory]
    [MemberData(nameof(Indices))]
    public void Follows_the_papers_formulas_in_double(int index)
    {
        const int Steps = 12;
        var algorithm = Optimized.Tensorwise[index];
        var parameters = Make(ScalarType.Float32);
        using var optimizer = new FusedOptimizer(algorithm, Groups(parameters));
        var expected = parameters.Select(p => Array.ConvertAll(Optimized.Read(p), x => (double)x)).ToArray();
        var oracles = Shapes.Select((shape, i) => i % 2 == 0 ? new TensorOracle(algorithm, 0.02, 0.1, shape) : new TensorOracle(algorithm, 0.05, 0, shape)).ToArray();
        var travelled = Array.ConvertAll(expected, e => new double[e.Length]);
        for (var step = 0; step < Steps; step++)
        {
            for (var i = 0; i < parameters.Length; i++)
            {
                var gradient = Gradient(step, i);
                Optimized.SetGradient(parameters[i], gradient);
                var before = (double[])expected[i].Clone();
                oracles[i].Step(expected[i], Array.ConvertAll(gradient, x => (double)x));
                for (var k = 0; k < before.Length; k++) travelled[i][k] += Math.Abs(expected[i][k] - before[k]);
            }

            optimizer.Step();
        }

        for (var i = 0; i < parameters.Length; i++)
        {
            var actual = Optimized.Read(parameters[i]);
            // The polynomial is steep (3.4 at 0, five times over): what is far below the largest elements of an orthogonal matrix keeps their rounding.
            var coarse = algorithm is Muon && Shapes[i].Length > 1 ? 1e-4 * travelled[i].Average() : 0;
            for (var k = 0; k < actual.Length; k++)
                Assert.Equal(expected[i][k], actual[k], (2e-5 * travelled[i][k]) + (Steps * 1.2e-7 * Math.Abs(expected[i][k])) + coarse);
            parameters[i].Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(Indices))]
    public void Threads_do_not_change_a_bit(int index)
    {
        Assert.Equal(Run(1), Run(2));
        Assert.Equal(Run(1), Run(3));

        int[] Run(int threads)
        {
            var before = get_num_threads();
            set_num_threads(Math.Min(threads, 2));
            var parameters = Make(ScalarType.Float32);
            using var optimizer = new FusedOptimizer(Optimized.Tensorwise[index], Groups(parameters), new() { Threads = threads });
            for (var step = 0; step < 3; step++)
            {
                for (var i = 0; i < parameters.Length; i++) Optimized.SetGradient(parameters[i], Gradient(step, i));
                optimizer.Step(0.5, 1);
            }

            set_num_threads(before);
            var bits = parameters.SelectMany(p => Optimized.Bits(Optimized.Read(p))).ToArray();
            foreach (var parameter in parameters) parameter.Dispose();
            return bits;
        }
    }

    [Theory]
    [MemberData(nameof(Optimized.AllIndices), MemberType = typeof(Optimized))]
    public void A_bf16_parameters_master_travels_bit_for_bit_like_an_fp32_parameter(int index)
    {
        var half = Make(ScalarType.BFloat16);
        var full = half.Select(p => Optimized.Parameter(Optimized.Read(p), ScalarType.Float32, p.shape)).ToArray();
        using var ofHalf = new FusedOptimizer(Optimized.All[index], Groups(half));
        using var ofFull = new FusedOptimizer(Optimized.All[index], Groups(full));
        for (var step = 0; step < 4; step++)
        {
            for (var i = 0; i < half.Length; i++)
            {
                Optimized.SetGradient(half[i], Gradient(step, i));
                using var gradient = half[i].grad!;
                Optimized.SetGradient(full[i], Optimized.Read(gradient));
            }

            ofHalf.Step(0.5, 1);
            ofFull.Step(0.5, 1);
        }

        for (var i = 0; i < half.Length; i++)
        {
            using var master = ofHalf.CaptureState().Slots($"p{i}")["master"].alias();
            Assert.Equal(Optimized.Bits(Optimized.Read(full[i])), Optimized.Bits(Optimized.Read(master)));
            using var rounded = master.to(ScalarType.BFloat16);
            Assert.Equal(Optimized.Read(rounded), Optimized.Read(half[i]));
            half[i].Dispose();
            full[i].Dispose();
        }
    }

    [Fact]
    public void Lambs_step_has_the_length_of_the_parameter_times_the_rate()
    {
        using var parameter = Optimized.Parameter(Optimized.Values(1, 5000));
        using var optimizer = new FusedOptimizer(new Lamb(), [Optimized.Group([parameter], 0.01, 0.1)]);
        var before = Optimized.Read(parameter);
        Optimized.SetGradient(parameter, Optimized.Values(2, 5000));
        optimizer.Step();
        var moved = Math.Sqrt(Optimized.Read(parameter).Zip(before, (a, b) => ((double)a - b) * ((double)a - b)).Sum());
        Assert.Equal(0.01 * Math.Sqrt(before.Sum(x => (double)x * x)), moved, 1e-4 * moved);
    }

    [Fact]
    public void Muons_update_of_a_matrix_is_nearly_orthogonal_and_the_named_and_flat_ones_are_AdamWs()
    {
        using var matrix = Optimized.Parameter(Optimized.Values(1, 600), ScalarType.Float32, 20, 30);
        using var embedding = Optimized.Parameter(Optimized.Values(1, 600), ScalarType.Float32, 20, 30);
        using var twin = Optimized.Parameter(Optimized.Values(1, 600), ScalarType.Float32, 20, 30);
        using var scope = NewDisposeScope();
        KeyValuePair<string, Parameter>[] named = [new("block.weight", matrix), new("token_Embedding.weight", embedding)];
        using var optimizer = new FusedOptimizer(new Muon(MatchAdamW: false), [new("all", named, 0.5)]);
        using var adamW = new FusedOptimizer(new AdamW(), [Optimized.Group([twin], 0.5, 0)]);
        using var before = tensor(Optimized.Read(matrix)).view(20, 30);
        foreach (var parameter in new[] { matrix, embedding, twin }) Optimized.SetGradient(parameter, Optimized.Values(2, 600));
        optimizer.Step();
        adamW.Step();
        Assert.Equal(Optimized.Bits(Optimized.Read(twin)), Optimized.Bits(Optimized.Read(embedding)));
        var state = optimizer.CaptureState();
        Assert.Equal(["momentum_buffer"], state.Slots("block.weight").Keys);
        Assert.Equal(["exp_avg", "exp_avg_sq"], state.Slots("token_Embedding.weight").Keys);
        var singular = linalg.svdvals((before - matrix.detach()) / 0.5);
        Assert.InRange(singular.min().item<float>(), 0.5f, 1.3f);
        Assert.InRange(singular.max().item<float>(), 0.5f, 1.3f);
    }

    [Fact]
    public void Layerwise_steps_allocate_nothing()
    {
        foreach (var algorithm in new OptimizerAlgorithm[] { new Lamb(), new Lars(), new Adafactor(), new NAdam(), new ScheduleFreeAdamW() })
        {
            using var a = Optimized.Parameter(Optimized.Values(1, 3000));
            using var b = Optimized.Parameter(Optimized.Values(2, 50_000));
            using var optimizer = new FusedOptimizer(algorithm, [Optimized.Group([a, b])]);
            Optimized.SetGradient(a, Optimized.Values(3, 3000));
            Optimized.SetGradient(b, Optimized.Values(4, 50_000));
            optimizer.Step();
            optimizer.Step();
            // The least of three: the runtime itself allocates now and then, when it compiles anew.
            var least = long.MaxValue;
            for (var round = 0; round < 3; round++)
            {
                var bytes = GC.GetAllocatedBytesForCurrentThread();
                for (var step = 0; step < 20; step++) optimizer.Step(0.5, 1);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - bytes);
            }

            Assert.Equal(0, least);
        }
    }

    static Parameter[] Make(ScalarType dtype) =>
        [.. Shapes.Select((shape, i) => Optimized.Parameter(Optimized.Values(i, shape.Aggregate(1L, (a, b) => a * b)), dtype, shape))];

    static float[] Gradient(int step, int parameter) => Optimized.Values(100 + (10 * step) + parameter, Shapes[parameter].Aggregate(1L, (a, b) => a * b));

    static ParameterGroup[] Groups(Parameter[] parameters)
    {
        var named = parameters.Select((p, i) => (Index: i, Pair: KeyValuePair.Create($"p{i}", p))).ToLookup(p => p.Index % 2, p => p.Pair);
        return [new("even", named[0], 0.02, 0.1), new("odd", named[1], 0.05, 0)];
    }
}
