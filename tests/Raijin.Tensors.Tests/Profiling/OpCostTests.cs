using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Tensors.Tests.Profiling;

public sealed class OpCostTests
{
    static long Macs(Action graph)
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        using var scope = NewDisposeScope();
        using var recorder = OpRecorder.Start(new() { Shapes = true });
        graph();
        var ops = recorder.Stop().Threads.Single(t => t.ThreadId == Environment.CurrentManagedThreadId);
        var sum = 0L;
        var until = long.MinValue;
        foreach (var op in ops.Records)
        {
            if (op.Began < until || OpCost.Of(op.Name, ops.Inputs(op), ops.Outputs(op)) is not { } cost) continue;
            sum += cost.Macs;
            until = op.Ended;
        }
        return sum;
    }

    // Each count is written as the loops of the operation.
    [Fact]
    public void Products_count_each_pair_that_is_multiplied()
    {
        Assert.Equal(2 * 3 * 5, Macs(() => rand(2, 3).mm(rand(3, 5))));
        Assert.Equal(7 * 2 * 3 * 5, Macs(() => rand(7, 2, 3).matmul(rand(7, 3, 5))));
        Assert.Equal(7 * 2 * 3 * 5, Macs(() => rand(7, 2, 3).matmul(rand(3, 5))));
        Assert.Equal(2 * 3, Macs(() => rand(2, 3).mv(rand(3))));
        Assert.Equal(2 * 3 * 5 * 4, Macs(() => einsum("abc,cd->abd", rand(2, 3, 5), rand(5, 4))));
    }

    [Fact]
    public void A_linear_layer_over_tokens_counts_each_token() => Assert.Equal(4 * 5 * 8 * 16, Macs(() => functional.linear(rand(4, 5, 8), rand(16, 8), rand(16))));

    [Fact]
    public void Convolutions_count_their_kernel_at_each_place()
    {
        Assert.Equal(2 * 6 * 16 * 3 * 5, Macs(() => functional.conv1d(rand(2, 3, 20), rand(6, 3, 5))));
        Assert.Equal(2 * 8 * 5 * 7 * 3 * 9, Macs(() => functional.conv2d(rand(2, 3, 5, 7), rand(8, 3, 3, 3), padding: [1, 1])));
        Assert.Equal(8 * 9 * 1 * 9, Macs(() => functional.conv2d(rand(1, 4, 5, 5), rand(8, 1, 3, 3), groups: 4)));
        Assert.Equal(4 * 8 * 2 * 27, Macs(() => functional.conv3d(rand([1, 2, 4, 4, 4]), rand([4, 2, 3, 3, 3]))));
        Assert.Equal(2 * 3 * 25 * 6 * 4, Macs(() => functional.conv_transpose2d(rand(2, 3, 5, 5), rand(3, 6, 2, 2), strides: [2, 2])));
    }

    [Fact]
    public void Attention_counts_scores_and_mixing() =>
        Assert.Equal(2 * 4 * 6 * 7 * (8 + 8), Macs(() => functional.scaled_dot_product_attention(rand(2, 4, 6, 8), rand(2, 4, 7, 8), rand(2, 4, 7, 8))));

    [Fact]
    public void Backward_counts_twice_the_forward_where_input_and_weight_want_a_gradient()
    {
        const long forward = 2 * 8 * 5 * 7 * 3 * 9;
        Assert.Equal(3 * forward, Macs(() => functional.conv2d(rand([2, 3, 5, 7], requires_grad: true), rand([8, 3, 3, 3], requires_grad: true), padding: [1, 1]).sum().backward()));
        Assert.Equal(2 * forward, Macs(() => functional.conv2d(rand(2, 3, 5, 7), rand([8, 3, 3, 3], requires_grad: true), padding: [1, 1]).sum().backward()));
        Assert.Equal(3 * 2 * 3 * 5, Macs(() => rand([2, 3], requires_grad: true).mm(rand([3, 5], requires_grad: true)).sum().backward()));
    }

    [Fact]
    public void A_recurrent_layer_meets_every_weight_once_a_token()
    {
        using var scope = NewDisposeScope();
        var lstm = LSTM(3, 5, numLayers: 2);
        Assert.Equal(7 * 2 * 4 * (3 * 5 + 5 * 5 + 5 * 5 + 5 * 5), Macs(() => lstm.call(rand(7, 2, 3), null)));
        foreach (var parameter in lstm.parameters()) parameter.Dispose();
    }

    [Fact]
    public void Ops_over_elements_count_elements_and_moving_data_counts_nothing()
    {
        var shape = new OpArgument([4, 5], 0);
        Assert.Equal(new OpCost(0, 20), OpCost.Of("aten::relu", [shape], [shape]));
        var (none, weight) = (new OpArgument(null, 0), new OpArgument([5], 0));
        Assert.Equal(new OpCost(0, 100), OpCost.Of("aten::native_layer_norm", [shape, none, none, none], [shape]));
        Assert.Equal(new OpCost(0, 140), OpCost.Of("aten::native_layer_norm", [shape, none, weight, weight], [shape]));
        Assert.Null(OpCost.Of("aten::embedding", [shape, shape], [shape]));
        Assert.Null(OpCost.Of("aten::t", [shape], [shape]));
    }
}
