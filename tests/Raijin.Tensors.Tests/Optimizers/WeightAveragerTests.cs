using CsCheck;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class WeightAveragerTests
{
    static readonly int[] Sizes = [1, 17, 40_003, 300];

    public static TheoryData<int> Averagings => [0, 1, 2];

    static Averaging At(int index) => new Averaging[] { new ExponentialAveraging(0.9), new ExponentialAveraging(0.99, WarmUp: true), new MeanAveraging() }[index];

    [Theory]
    [MemberData(nameof(Averagings))]
    public void Follows_the_formula_in_double(int index)
    {
        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float64 })
        {
            var weights = Make(dtype);
            using var averager = new WeightAverager(Named(weights), At(index));
            var expected = weights.Select(w => Optimized.Read(w).Select(x => (double)x).ToArray()).ToArray();
            for (var update = 0; update < 12; update++)
            {
                Fill(weights, update);
                averager.Update();
                var share = index switch { 0 => 0.1, 1 => 1 - Math.Min(0.99, (1.0 + update) / (10.0 + update)), _ => 1.0 / (update + 1) };
                for (var i = 0; i < Sizes.Length; i++)
                {
                    var now = Optimized.Read(weights[i]);
                    for (var k = 0; k < now.Length; k++) expected[i][k] = ((1 - share) * expected[i][k]) + (share * now[k]);
                }
            }

            Assert.Equal(12, averager.Updates);
            var state = averager.CaptureState();
            for (var i = 0; i < Sizes.Length; i++)
            {
                Assert.Equal(dtype == ScalarType.Float64 ? dtype : ScalarType.Float32, state.Averages[i].Value.dtype);
                var actual = Optimized.Read(state.Averages[i].Value);
                for (var k = 0; k < actual.Length; k++) Assert.Equal(expected[i][k], actual[k], 2e-6 * (Math.Abs(expected[i][k]) + 1));
            }

            foreach (var weight in weights) weight.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(Averagings))]
    public void Is_libtorchs_lerp_bit_for_bit_on_any_number_of_threads(int index)
    {
        foreach (var threads in new[] { 1, 2, 3 })
        {
            var weights = Make(ScalarType.Float32);
            var reference = weights.Select(w => tensor(Optimized.Read(w))).ToArray();
            using var averager = new WeightAverager(Named(weights), At(index), threads);
            for (var update = 0; update < 5; update++)
            {
                Fill(weights, update);
                averager.Update();
                using (no_grad()) Foreach.Lerp(reference, weights, At(index).Share(update));
            }

            foreach (var (average, expected) in averager.CaptureState().Averages.Zip(reference))
                Assert.Equal(Optimized.Bits(Optimized.Read(expected)), Optimized.Bits(Optimized.Read(average.Value)));
            foreach (var tensor in reference.Concat(weights)) tensor.Dispose();
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.Float64)]
    public void Averages_go_in_and_out_without_a_trace(ScalarType dtype)
    {
        var weights = Make(dtype);
        using var averager = new WeightAverager(Named(weights), new ExponentialAveraging(0.7));
        Fill(weights, 1);
        averager.Update();
        var before = weights.Select(Optimized.Read).ToArray();
        var averages = averager.CaptureState().Averages.Select(a => Optimized.Read(a.Value)).ToArray();
        averager.UseAverages();
        averager.UseAverages();
        Assert.True(averager.AveragesAreIn);
        for (var i = 0; i < weights.Length; i++)
        {
            using var average = tensor(dtype == ScalarType.BFloat16 ? Array.ConvertAll(averages[i], AwayFromTies) : averages[i]);
            using var rounded = average.to(dtype, copy: true);
            Assert.Equal(Optimized.Read(rounded), Optimized.Read(weights[i]));
        }

        Assert.Throws<InvalidOperationException>(averager.Update);
        Assert.Throws<InvalidOperationException>(averager.CaptureState);
        averager.UseWeights();
        averager.UseWeights();
        Assert.Equal(before.SelectMany(Optimized.Bits), weights.SelectMany(w => Optimized.Bits(Optimized.Read(w))));
        Assert.Equal(averages.SelectMany(Optimized.Bits), averager.CaptureState().Averages.SelectMany(a => Optimized.Bits(Optimized.Read(a.Value))));
        foreach (var weight in weights) weight.Dispose();

        static float AwayFromTies(float x) => BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(x) + 0x8000) & 0xFFFF0000);
    }

    [Fact]
    public unsafe void Any_average_and_any_bf16_weight_share_48_bits_and_part_again()
    {
        Gen.Select(Gen.UInt.Array[1, 40], Gen.UShort.Array[40]).Sample(
            (averages, weights) =>
            {
                averages[0] = 0x3F808000;
                var (a, w) = ((uint[])averages.Clone(), (ushort[])weights.Clone());
                fixed (uint* average = a)
                fixed (ushort* weight = w)
                {
                    AverageKernel.SwapIn((float*)average, weight, 0, a.Length);
                    // To nearest, and ties away from zero.
                    for (var i = 0; i < a.Length; i++) Assert.Equal((ushort)((averages[i] + 0x8000L) >> 16), w[i]);
                    AverageKernel.SwapBack((float*)average, weight, 0, a.Length);
                }

                Assert.Equal(averages, a);
                Assert.Equal(weights, w);
            },
            iter: 500);
    }

    [Fact]
    public void Strided_weights_integers_and_empty_tensors_take_part()
    {
        using var scope = NewDisposeScope();
        var matrix = tensor(Optimized.Values(1, 12)).view(3, 4);
        var strided = matrix.t();
        var counter = tensor(new long[] { 7 });
        var nothing = zeros(0);
        using var averager = new WeightAverager(
            [KeyValuePair.Create("strided", strided), KeyValuePair.Create("counter", counter), KeyValuePair.Create("nothing", nothing)], new ExponentialAveraging(0.5));
        var before = Optimized.Read(matrix);
        strided.mul_(3);
        counter.fill_(9);
        averager.Update();
        averager.UseAverages();
        Assert.Equal(9, counter.item<long>());
        var expected = Array.ConvertAll(before, x => x + (0.5f * ((3 * x) - x)));
        Assert.All(Optimized.Read(matrix).Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
        averager.UseWeights();
        Assert.Equal(Array.ConvertAll(before, x => 3 * x), Optimized.Read(matrix));
    }

    [Fact]
    public void Saved_and_loaded_midway_is_the_uninterrupted_run_bit_for_bit()
    {
        var weights = Make(ScalarType.BFloat16);
        using var straight = new WeightAverager(Named(weights), new ExponentialAveraging(0.99, WarmUp: true));
        using var first = new WeightAverager(Named(weights), new ExponentialAveraging(0.99, WarmUp: true));
        Fill(weights, 1);
        straight.Update();
        first.Update();
        using var second = new WeightAverager(Named(weights).Reverse(), new ExponentialAveraging(0.99, WarmUp: true));
        second.LoadState(first.CaptureState());
        Fill(weights, 2);
        straight.Update();
        second.Update();
        Assert.Equal(2, second.Updates);
        Assert.Equal(
            straight.CaptureState().Averages.SelectMany(a => Optimized.Bits(Optimized.Read(a.Value))),
            second.CaptureState().Averages.Reverse().SelectMany(a => Optimized.Bits(Optimized.Read(a.Value))));

        using var one = tensor(new float[] { 1 });
        using var another = tensor(new float[] { 1 });
        using var fewer = new WeightAverager([KeyValuePair.Create("w1", one), KeyValuePair.Create("w9", another)], new MeanAveraging());
        var error = Assert.Throws<ArgumentException>(() => fewer.LoadState(first.CaptureState()));
        Assert.Contains("missing: w9", error.Message, StringComparison.Ordinal);
        Assert.Contains("unexpected: w0", error.Message, StringComparison.Ordinal);
        Assert.Contains("w1: [17], but the weights are [1]", error.Message, StringComparison.Ordinal);
        foreach (var weight in weights) weight.Dispose();
    }

    [Fact]
    public void An_optimizers_masters_do_not_notice_a_swap()
    {
        Assert.Equal(Run(swap: false), Run(swap: true));

        static int[] Run(bool swap)
        {
            using var parameter = Optimized.Parameter(Optimized.Values(1, 200), ScalarType.BFloat16);
            using var optimizer = new FusedOptimizer(new AdamW(), [Optimized.Group([parameter], 1e-4)]);
            using var averager = new WeightAverager([KeyValuePair.Create("p", (Tensor)parameter)], new ExponentialAveraging(0.9));
            for (var step = 0; step < 10; step++)
            {
                Optimized.SetGradient(parameter, Optimized.Values(5 + step, 200));
                optimizer.Step();
                averager.Update();
                if (!swap) continue;
                averager.UseAverages();
                averager.UseWeights();
            }

            return Optimized.Bits(Optimized.Read(optimizer.CaptureState().Slots("p0")["master"]));
        }
    }

    [Fact]
    public void Updates_and_swaps_make_no_tensor_and_allocate_nothing()
    {
        var weights = Make(ScalarType.Float32).Concat(Make(ScalarType.BFloat16)).ToArray();
        using (var averager = new WeightAverager(Named(weights), new ExponentialAveraging(0.9)))
        {
            averager.Update();
            averager.UseAverages();
            averager.UseWeights();
            var tensors = Tensor.TotalCount;
            // The least of three: the runtime itself allocates now and then, when it compiles anew.
            var least = long.MaxValue;
            for (var round = 0; round < 3; round++)
            {
                var bytes = GC.GetAllocatedBytesForCurrentThread();
                for (var i = 0; i < 20; i++)
                {
                    averager.Update();
                    averager.UseAverages();
                    averager.UseWeights();
                }

                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - bytes);
            }

            Assert.Equal(0, least);
            Assert.Equal(tensors, Tensor.TotalCount);
        }

        foreach (var weight in weights) weight.Dispose();
    }

    [Fact]
    public void Disposed_with_the_averages_in_the_weights_keep_them()
    {
        using var weight = Optimized.Parameter([1, 1]);
        var averager = new WeightAverager([KeyValuePair.Create("w", (Tensor)weight)], new MeanAveraging());
        averager.Update();
        using (no_grad()) weight.fill_(3);
        averager.Update();
        averager.UseAverages();
        averager.Dispose();
        averager.Dispose();
        Assert.Equal([2, 2], Optimized.Read(weight));
        Assert.Throws<ObjectDisposedException>(averager.Update);
    }

    [Fact]
    public void What_cannot_be_averaged_is_refused()
    {
        using var a = Optimized.Parameter([1]);
        using var complex = zeros(2, ScalarType.ComplexFloat32);
        Assert.Contains("at least one", Refused(), StringComparison.Ordinal);
        Assert.Contains("'b' is the same tensor as 'a'", Refused(("a", a), ("b", a)), StringComparison.Ordinal);
        Assert.Contains("ComplexFloat32", Refused(("c", complex)), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightAverager([KeyValuePair.Create("a", (Tensor)a)], new ExponentialAveraging(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightAverager([KeyValuePair.Create("a", (Tensor)a)], new MeanAveraging(), 0));

        static string Refused(params (string Name, Tensor Tensor)[] weights) =>
            Assert.Throws<ArgumentException>(() => new WeightAverager(weights.Select(w => KeyValuePair.Create(w.Name, w.Tensor)), new MeanAveraging())).Message;
    }

    static Parameter[] Make(ScalarType dtype) => [.. Sizes.Select((n, i) => Optimized.Parameter(Optimized.Values(i, n), dtype))];

    static KeyValuePair<string, Tensor>[] Named(Parameter[] weights) => [.. weights.Select((w, i) => KeyValuePair.Create($"w{i}", (Tensor)w))];

    static void Fill(Parameter[] weights, int seed)
    {
        using var none = no_grad();
        for (var i = 0; i < weights.Length; i++)
        {
            using var values = tensor(Optimized.Values(100 + (10 * seed) + i, Sizes[i]));
            weights[i].copy_(values);
        }
    }
}
