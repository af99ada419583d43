using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Profiling;

/// <summary>Multiply-adds against those that the layer's own definition says, loop by loop: products, convolutions, attention.</summary>
public sealed class FlopsByHandTests
{
    static void Matches(ModuleCost counted, long forward, long backward)
    {
        Assert.Equal(forward, counted.Forward.Macs);
        Assert.Equal(backward, counted.Backward!.Value.Macs);
        Assert.Equal(default, counted.Recomputed);
    }

    static long Product(IEnumerable<long> numbers) => numbers.Aggregate(1L, (a, b) => a * b);

    [Theory]
    [InlineData(true, new long[] { 7, 5 })]
    [InlineData(false, new long[] { 7, 5 })]
    [InlineData(true, new long[] { 2, 7, 5 })]
    [InlineData(false, new long[] { 2, 7, 5 })]
    [InlineData(true, new long[] { 3, 2, 7, 5 })]
    [InlineData(false, new long[] { 3, 2, 7, 5 })]
    public void A_linear_layer_multiplies_each_input_with_each_output_of_each_row(bool bias, long[] shape)
    {
        const long outputs = 11;
        var rows = Product(shape[..^1]);
        var forward = rows * 5 * outputs;
        // The weight's gradient alone, or the input's too.
        Matches(CountedStep.Of(() => Linear(5, outputs, bias), wantsInputGradient: false, shape), forward, forward);
        Matches(CountedStep.Of(() => Linear(5, outputs, bias), wantsInputGradient: true, shape), forward, 2 * forward);
    }

    [Fact]
    public void A_frozen_linear_layer_makes_the_gradient_of_its_input_alone()
    {
        var frozen = CountedStep.Of(
            () =>
            {
                var layer = Linear(5, 11);
                foreach (var parameter in layer.parameters()) parameter.requires_grad = false;
                return layer;
            },
            wantsInputGradient: true, 7, 5);
        Matches(frozen, 7 * 5 * 11, 7 * 5 * 11);
    }

    public static TheoryData<int, long, long, long, long> Convolutions()
    {
        var data = new TheoryData<int, long, long, long, long>();
        foreach (var dims in (int[])[1, 2, 3])
        {
            data.Add(dims, 1, 0, 1, 1);
            data.Add(dims, 2, 1, 1, 1);
            data.Add(dims, 1, 2, 2, 1);
            data.Add(dims, 2, 1, 1, 2);
            data.Add(dims, 3, 2, 2, 4);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Convolutions))]
    public void A_convolution_multiplies_its_kernel_at_each_place_of_its_output(int dims, long stride, long padding, long dilation, long groups)
    {
        const long batch = 2, inputs = 4, outputs = 8, size = 9, kernel = 3;
        long[] shape = [batch, inputs, .. Enumerable.Repeat(size, dims)];
        var places = Power(((size + (2 * padding) - (dilation * (kernel - 1)) - 1) / stride) + 1, dims);
        var forward = batch * outputs * places * (inputs / groups) * Power(kernel, dims);
        Module<Tensor, Tensor> Make() => dims switch
        {
            1 => Conv1d(inputs, outputs, kernel, stride, padding, dilation, groups: groups),
            2 => Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups: groups),
            _ => Conv3d(inputs, outputs, kernel, stride, padding, dilation, groups: groups),
        };
        Matches(CountedStep.Of(Make, wantsInputGradient: false, shape), forward, forward);
        Matches(CountedStep.Of(Make, wantsInputGradient: true, shape), forward, 2 * forward);
    }

    [Theory]
    [MemberData(nameof(Convolutions))]
    public void A_transposed_convolution_spreads_its_kernel_from_each_place_of_its_input(int dims, long stride, long padding, long dilation, long groups)
    {
        const long batch = 2, inputs = 4, outputs = 8, size = 5, kernel = 3;
        long[] shape = [batch, inputs, .. Enumerable.Repeat(size, dims)];
        var forward = batch * inputs * Power(size, dims) * (outputs / groups) * Power(kernel, dims);
        Module<Tensor, Tensor> Make() => dims switch
        {
            1 => ConvTranspose1d(inputs, outputs, kernel, stride, padding, dilation: dilation, groups: groups),
            2 => ConvTranspose2d(inputs, outputs, kernel, stride, padding, dilation: dilation, groups: groups),
            _ => ConvTranspose3d(inputs, outputs, kernel, stride, padding, dilation: dilation, groups: groups),
        };
        Matches(CountedStep.Of(Make, wantsInputGradient: false, shape), forward, forward);
        Matches(CountedStep.Of(Make, wantsInputGradient: true, shape), forward, 2 * forward);
    }

    static long Power(long of, int times) => Product(Enumerable.Repeat(of, times));

    [Theory]
    [InlineData(false, 0.0)]
    [InlineData(true, 0.0)]
    [InlineData(false, 0.1)]
    [InlineData(true, 0.1)]
    public void Attention_meets_each_key_with_each_query_whatever_kernel_computes_it(bool causal, double dropout)
    {
        // Dropout leaves the fused kernel to products of matrices.
        const long batch = 2, heads = 3, queries = 8, width = 4;
        const long forward = batch * heads * queries * queries * (width + width);
        var counted = CountedStep.Of(x => Aten.ScaledDotProductAttention(x, x * 2, x * 3, dropout: dropout, isCausal: causal), wantsInputGradient: true, batch, heads, queries, width);
        // dV, dP, dQ, dK.
        Matches(counted, forward, 2 * forward);
        Assert.True(counted.Forward.Flops >= 2 * forward + 5 * batch * heads * queries * queries);
    }

    [Fact]
    public void Attention_over_other_keys_counts_their_number_and_widths()
    {
        const long batch = 2, heads = 3, queries = 5, keys = 7, width = 4, valueWidth = 6;
        var counted = CountedStep.Of(
            x => Aten.ScaledDotProductAttention(x, rand([batch, heads, keys, width], requires_grad: true), rand([batch, heads, keys, valueWidth], requires_grad: true)), wantsInputGradient: true, batch, heads, queries, width);
        Matches(counted, batch * heads * queries * keys * (width + valueWidth), 2 * batch * heads * queries * keys * (width + valueWidth));
    }

    [Fact]
    public void Grouped_queries_count_as_many_heads_as_they_have()
    {
        const long batch = 2, heads = 6, shared = 2, length = 5, width = 4;
        var counted = CountedStep.Of(
            x => Aten.ScaledDotProductAttention(x, rand([batch, shared, length, width], requires_grad: true), rand([batch, shared, length, width], requires_grad: true), enableGqa: true), wantsInputGradient: true, batch, heads, length, width);
        Matches(counted, batch * heads * length * length * 2 * width, 4 * batch * heads * length * length * width);
    }

    [Fact]
    public void Multi_head_attention_counts_four_projections_and_two_products()
    {
        const long length = 7, batch = 2, width = 12;
        var counted = CountedStep.Of(
            () =>
            {
                var attention = MultiheadAttention(width, 3, bias: false);
                return new FunctionModule(x => attention.call(x, x, x, null, true, null).Item1, attention);
            },
            wantsInputGradient: true, length, batch, width);
        const long tokens = length * batch;
        const long forward = (4 * tokens * width * width) + (2 * tokens * length * width);
        Matches(counted, forward, 2 * forward);
    }

    [Fact]
    public void Products_count_each_pair_that_is_multiplied()
    {
        Matches(CountedStep.Of(x => x.bmm(rand(3, 5, 7)), true, 3, 2, 5), 3 * 2 * 5 * 7, 3 * 2 * 5 * 7);
        Matches(CountedStep.Of(x => x.matmul(rand(5, 7)), true, 3, 2, 5), 3 * 2 * 5 * 7, 3 * 2 * 5 * 7);
        Matches(CountedStep.Of(x => einsum("bij,bjk->ik", x, rand(3, 5, 7)), true, 3, 2, 5), 3 * 2 * 5 * 7, 3 * 2 * 5 * 7);
        Matches(CountedStep.Of(x => x.baddbmm(rand(3, 5, 7), rand(3, 2, 7)), true, 3, 2, 5), 3 * 2 * 5 * 7, 3 * 2 * 5 * 7);
        Matches(CountedStep.Of(x => rand(2, 7).addbmm(x, rand(3, 5, 7)), true, 3, 2, 5), 3 * 2 * 5 * 7, 3 * 2 * 5 * 7);
        Matches(CountedStep.Of(x => rand(2, 7).addmm(x, rand(5, 7)), true, 2, 5), 2 * 5 * 7, 2 * 5 * 7);
        Matches(CountedStep.Of(x => x.mv(rand(5)), false, 2, 5), 2 * 5, 0);
        Matches(CountedStep.Of(x => x.dot(rand(5)), false, 5), 5, 0);
        Matches(CountedStep.Of(x => x.matmul(x.transpose(0, 1)), true, 2, 5), 2 * 2 * 5, 2 * 2 * 2 * 5);
    }
}
