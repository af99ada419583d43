using CsCheck;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class FusedOptimizerTests
{
    [Fact]
    public void Any_cut_of_the_elements_into_tensors_and_threads_gives_the_same_bits()
    {
        var cuts = Gen.Int[0, 40_000].Array[1, 6];
        Gen.Select(cuts, Gen.Int[1, 3], Gen.Int[0, Optimized.Algorithms.Count - 1]).Sample(
            (sizes, threads, algorithm) =>
            {
                var total = sizes.Sum();
                if (total == 0) return;
                var values = Optimized.Values(5, total);
                var gradients = Optimized.Values(6, total);
                var whole = Run(algorithm, 1, [total], values, gradients);
                var cut = Run(algorithm, threads, sizes, values, gradients);
                Assert.Equal(Optimized.Bits(whole), Optimized.Bits(cut));
            },
            iter: 40,
            threads: 1);

        static float[] Run(int algorithm, int threads, int[] sizes, float[] values, float[] gradients)
        {
            var parameters = new Parameter[sizes.Length];
            for (int i = 0, at = 0; i < sizes.Length; at += sizes[i++])
            {
                parameters[i] = Optimized.Parameter(values[at..(at + sizes[i])]);
                Optimized.SetGradient(parameters[i], gradients[at..(at + sizes[i])]);
            }

            using var optimizer = new FusedOptimizer(Optimized.Algorithms[algorithm], [Optimized.Group(parameters)], new() { Threads = threads });
            optimizer.Step();
            optimizer.Step(0.25, 0.5);
            var result = parameters.SelectMany(Optimized.Read).ToArray();
            foreach (var parameter in parameters) parameter.Dispose();
            return result;
        }
    }

    [Fact]
    public void A_parameter_without_gradient_is_passed_over_and_counts_its_own_updates()
    {
        using var always = Optimized.Parameter(Optimized.Values(1, 50));
        using var sometimes = Optimized.Parameter(Optimized.Values(1, 50));
        using var never = Optimized.Parameter([1, 2, 3]);
        using var optimizer = new FusedOptimizer(new AdamW(), [Optimized.Group([always, sometimes, never])]);
        var before = Optimized.Read(sometimes);
        Optimized.SetGradient(always, Optimized.Values(2, 50));
        optimizer.Step();
        Assert.Equal(before, Optimized.Read(sometimes));
        Optimized.SetGradient(sometimes, Optimized.Values(2, 50));
        var afterOne = Optimized.Read(always);
        optimizer.Step();

        // Its first update is a first update, bias correction and all.
        Assert.Equal(afterOne, Optimized.Read(sometimes));
        var state = optimizer.CaptureState();
        Assert.Equal(2, state.Scalars.ParameterUpdates["p0"]);
        Assert.Equal(1, state.Scalars.ParameterUpdates["p1"]);
        Assert.False(state.Scalars.ParameterUpdates.ContainsKey("p2"));
        Assert.Empty(state.Slots("p2"));
        Assert.Equal([1, 2, 3], Optimized.Read(never));
        Assert.Equal(2, optimizer.Updates);
    }

    [Fact]
    public void Without_any_gradient_a_step_is_no_update()
    {
        using var parameter = Optimized.Parameter([1, 2]);
        using var optimizer = new FusedOptimizer(new Adam(), [Optimized.Group([parameter])]);
        optimizer.Step();
        Assert.Equal(0, optimizer.Updates);
        Assert.Equal(new GradientNorm(0, 0), optimizer.MeasureGradients());
    }

    [Fact]
    public void Groups_have_their_own_rates_and_follow_changes()
    {
        using var fast = Optimized.Parameter([1]);
        using var slow = Optimized.Parameter([1]);
        var groups = new[]
        {
            new ParameterGroup("fast", [KeyValuePair.Create("a", fast)], 0.5, 0),
            new ParameterGroup("slow", [KeyValuePair.Create("b", slow)], 0.25, 1),
        };
        using var optimizer = new FusedOptimizer(new Sgd(), groups);
        Optimized.SetGradient(fast, [1]);
        Optimized.SetGradient(slow, [1]);
        optimizer.Step();
        Assert.Equal([0.5f], Optimized.Read(fast));
        Assert.Equal([0.5f], Optimized.Read(slow));
        groups[0].LearningRate = 0.125;
        optimizer.Step();
        Assert.Equal([0.375f], Optimized.Read(fast));
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, false)]
    [InlineData(ScalarType.Float16, false)]
    [InlineData(ScalarType.BFloat16, true)]
    public void Half_parameters_follow_an_fp32_master(ScalarType dtype, bool libtorchOnly)
    {
        using var half = Optimized.Parameter(Optimized.Values(1, 333), dtype);
        using var full = Optimized.Parameter(Optimized.Read(half));
        using var ofHalf = new FusedOptimizer(new AdamW(), [Optimized.Group([half], 1e-4)], new() { UseLibtorchOnly = libtorchOnly });
        using var ofFull = new FusedOptimizer(new AdamW(), [Optimized.Group([full], 1e-4)]);
        for (var step = 0; step < 30; step++)
        {
            Optimized.SetGradient(half, Optimized.Values(10 + step, 333));
            using var gradient = half.grad!;
            Optimized.SetGradient(full, Optimized.Read(gradient));
            ofHalf.Step();
            ofFull.Step();
        }

        var master = Optimized.Read(ofHalf.CaptureState().Slots("p0")["master"]);
        var expected = Optimized.Read(full);
        for (var i = 0; i < master.Length; i++)
            Assert.Equal(expected[i], master[i], 1e-6f + (1e-5f * Math.Abs(expected[i])));
        using var scope = NewDisposeScope();
        using var rounded = tensor(master).to(dtype);
        Assert.Equal(Optimized.Read(rounded), Optimized.Read(half));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_half_parameter_written_from_outside_replaces_its_master(bool libtorchOnly)
    {
        using var parameter = Optimized.Parameter([1, 2, 3], ScalarType.BFloat16);
        using var optimizer = new FusedOptimizer(new Sgd(), [Optimized.Group([parameter], 1e-3, 0)], new() { UseLibtorchOnly = libtorchOnly });
        Optimized.SetGradient(parameter, [1, 1, 1]);
        optimizer.Step();
        using (no_grad())
        using (var element = parameter[1]) element.fill_(64);
        optimizer.Step();
        Assert.Equal([1 - 0.001f - 0.001f, 64 - 0.001f, 3 - 0.001f - 0.001f], Optimized.Read(optimizer.CaptureState().Slots("p0")["master"]));
        Assert.Equal(64, Optimized.Read(parameter)[1]);
    }

    [Fact]
    public void Other_layouts_and_types_are_updated_just_the_same()
    {
        var values = Optimized.Values(3, 60);
        using var scope = NewDisposeScope();
        var source = tensor(values);
        using var plain = Optimized.Parameter(values);
        using var strided = new Parameter(source.reshape(3, 20).t().contiguous().t());
        using var wide = new Parameter(source.to(ScalarType.Float64));
        var gradients = Optimized.Values(4, 60);
        Optimized.SetGradient(plain, gradients);
        Optimized.SetGradient(strided, gradients);
        Optimized.SetGradient(wide, gradients);
        Assert.False(strided.is_contiguous());
        using var optimizer = new FusedOptimizer(new Adam(), [Optimized.Group([plain, strided, wide])]);
        for (var step = 0; step < 3; step++) optimizer.Step();
        var expected = Optimized.Read(plain);
        Assert.All(Optimized.Read(strided).Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
        Assert.All(Optimized.Read(wide).Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
        var norm = optimizer.MeasureGradients();
        Assert.Equal(3, norm.NumParameters);
        Assert.Equal(Math.Sqrt(3 * gradients.Sum(g => (double)g * g)), norm.Norm, 1e-9 * norm.Norm);
    }

    [Fact]
    public void A_parameter_whose_memory_was_replaced_is_followed()
    {
        using var parameter = Optimized.Parameter([1, 1]);
        using var optimizer = new FusedOptimizer(new Sgd(), [Optimized.Group([parameter], 1, 0)]);
        Optimized.SetGradient(parameter, [1, 2]);
        optimizer.Step();
        using var elsewhere = tensor(new float[] { 10, 10 });
        Aten.SetData(parameter, elsewhere);
        optimizer.Step();
        Assert.Equal([9, 8], Optimized.Read(parameter));
        Assert.Equal([9, 8], Optimized.Read(elsewhere));
    }

    [Fact]
    public void The_norm_has_the_same_bits_for_any_number_of_threads_and_finds_what_is_not_finite()
    {
        int[] sizes = [5, 100_000, 1, 33_333];
        var parameters = sizes.Select(n => Optimized.Parameter(new float[n])).ToArray();
        for (var i = 0; i < sizes.Length; i++) Optimized.SetGradient(parameters[i], Optimized.Values(i, sizes[i]));
        using var one = new FusedOptimizer(new Sgd(), [Optimized.Group(parameters)], new() { Threads = 1 });
        using var three = new FusedOptimizer(new Sgd(), [Optimized.Group(parameters)], new() { Threads = 3 });
        var norm = one.MeasureGradients();
        for (var i = 0; i < 20; i++) Assert.Equal(norm, three.MeasureGradients());
        var exact = Math.Sqrt(Enumerable.Range(0, 4).Sum(i => Optimized.Values(i, sizes[i]).Sum(g => (double)g * g)));
        Assert.Equal(exact, norm.Norm, 1e-12 * exact);
        Assert.True(norm.IsFinite);
        Assert.Equal(2 / (exact + 1e-6), norm.ClipFactor(2), 1e-12);
        Assert.Equal(1, norm.ClipFactor(1e9));

        var last = Optimized.Values(3, sizes[3]);
        last[^1] = float.NegativeInfinity;
        Optimized.SetGradient(parameters[3], last);
        Assert.False(one.MeasureGradients().IsFinite);
        last[^1] = float.MaxValue;
        Optimized.SetGradient(parameters[3], last);
        Assert.True(one.MeasureGradients().IsFinite);
        foreach (var parameter in parameters) parameter.Dispose();
    }

    [Fact]
    public void Clearing_leaves_no_gradient()
    {
        using var parameter = Optimized.Parameter([1]);
        using var optimizer = new FusedOptimizer(new Sgd(), [Optimized.Group([parameter])]);
        Optimized.SetGradient(parameter, [1]);
        optimizer.ClearGradients();
        Assert.Null(parameter.grad);
        Assert.Equal(0, optimizer.MeasureGradients().NumParameters);
    }

    [Fact]
    public void Steps_make_no_tensor_and_allocate_nothing()
    {
        var parameters = Enumerable.Range(0, 20).Select(i => Optimized.Parameter(Optimized.Values(i, 3000))).ToArray();
        foreach (var parameter in parameters) Optimized.SetGradient(parameter, Optimized.Values(1, 3000));
        using (var optimizer = new FusedOptimizer(new AdamW(), [Optimized.Group(parameters)]))
        {
            optimizer.MeasureGradients();
            optimizer.Step();
            var tensors = Tensor.TotalCount;
            var bytes = GC.GetAllocatedBytesForCurrentThread();
            for (var step = 0; step < 100; step++)
            {
                optimizer.MeasureGradients();
                optimizer.Step(0.5, 1);
            }

            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - bytes);
            Assert.Equal(tensors, Tensor.TotalCount);
        }

        foreach (var parameter in parameters) parameter.Dispose();
    }

    [Fact]
    public void State_made_inside_a_dispose_scope_survives_it()
    {
        using var parameter = Optimized.Parameter([1, 2]);
        using var wide = new Parameter(tensor(new double[] { 1, 2 }));
        using var optimizer = new FusedOptimizer(new Adam(), [Optimized.Group([parameter, wide])]);
        using (NewDisposeScope())
        {
            Optimized.SetGradient(parameter, [1, 1]);
            Optimized.SetGradient(wide, [1, 1]);
            optimizer.Step();
        }

        optimizer.Step();
        Assert.Equal(2, optimizer.Updates);
    }

    [Fact]
    public void What_cannot_be_optimized_is_refused()
    {
        using var a = Optimized.Parameter([1]);
        using var b = Optimized.Parameter([1]);
        var sgd = new Sgd();
        Assert.Contains("at least one", Refused([]), StringComparison.Ordinal);
        Assert.Contains("'empty' has no parameters", Refused([new("empty", [], 0.1)]), StringComparison.Ordinal);
        Assert.Contains("groups are named 'g'", Refused([Group("g", ("a", a)), Group("g", ("b", b))]), StringComparison.Ordinal);
        Assert.Contains("parameters are named 'a'", Refused([Group("g", ("a", a)), Group("h", ("a", b))]), StringComparison.Ordinal);
        Assert.Contains("'b' in group 'h' is the same tensor as 'a'", Refused([Group("g", ("a", a)), Group("h", ("b", a))]), StringComparison.Ordinal);
        using var whole = new Parameter(tensor(new long[] { 1 }), requires_grad: false);
        Assert.Contains("Int64", Refused([Group("g", ("a", whole))]), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ParameterGroup("g", [], -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FusedOptimizer(new Adam(Beta1: 1), [Group("g", ("a", a))]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FusedOptimizer(new Sgd(Nesterov: true), [Group("g", ("a", a))]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FusedOptimizer(sgd, [Group("g", ("a", a))], new() { Threads = 0 }));
        using var optimizer = new FusedOptimizer(sgd, [Group("g", ("a", a))]);
        Assert.Throws<ArgumentOutOfRangeException>(() => optimizer.Step(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => optimizer.Step(1, 0));

        static ParameterGroup Group(string name, params (string Name, Parameter Parameter)[] parameters) =>
            new(name, parameters.Select(p => KeyValuePair.Create(p.Name, p.Parameter)), 0.1);

        string Refused(IReadOnlyList<ParameterGroup> groups) => Assert.Throws<ArgumentException>(() => new FusedOptimizer(sgd, groups)).Message;
    }

    [Fact]
    public void A_sparse_gradient_is_refused_by_name()
    {
        using var embedding = nn.Embedding(10, 4, sparse: true);
        using (NewDisposeScope()) embedding.call(tensor(new long[] { 1, 2 })).sum().backward();
        using var weight = embedding.weight!;
        using var optimizer = new FusedOptimizer(new Sgd(), [Optimized.Group([weight])]);
        Assert.Contains("'p0' is sparse", Assert.Throws<NotSupportedException>(() => optimizer.Step()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void After_dispose_nothing_works_and_the_parameters_stay()
    {
        using var parameter = Optimized.Parameter([1]);
        var optimizer = new FusedOptimizer(new Adam(), [Optimized.Group([parameter])]);
        Optimized.SetGradient(parameter, [1]);
        optimizer.Step();
        optimizer.Dispose();
        optimizer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => optimizer.Step());
        Assert.Throws<ObjectDisposedException>(optimizer.CaptureState);
        Assert.Single(Optimized.Read(parameter));
    }
}
