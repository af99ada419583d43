using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Summary;

public sealed class ModelInspectionTests
{
    sealed class Holder : Module
    {
        public Holder(params (string Name, Module Module)[] parts) : base("Holder")
        {
            foreach (var (name, part) in parts) register_module(name, part);
        }
    }

    static ModelFacts Inspect(Module part, Action forward)
    {
        using var holder = new Holder(("part", part));
        using var inspection = ModelInspection.Of(holder);
        forward();
        var facts = inspection.Read();
        // Not every TorchSharp module frees all of its parameters.
        foreach (var parameter in part.parameters()) parameter.Dispose();
        return facts;
    }

    static void OneInput(Module<Tensor, Tensor> part, long[] input, long[] output, long parameters, long flops)
    {
        using var scope = NewDisposeScope();
        var facts = Inspect(part, () => part.call(rand(input)));
        var seen = Assert.Single(facts.Modules);
        Assert.Equal(output, seen.OutputShape);
        Assert.Equal((parameters, flops), (seen.Parameters, seen.Flops));
        Assert.Equal((parameters, flops, 4 * parameters), (facts.Parameters, facts.Flops, facts.Bytes));
    }

    // Without biases: TorchSharp's convolutions never free theirs.
    // Each count is written as the loops of the operation: outputs × inputs summed into one, twice.
    [Fact]
    public void Linear_counts_a_multiply_add_for_each_weight_and_row() => OneInput(Linear(8, 16), [4, 8], [4, 16], 8 * 16 + 16, 2 * 4 * 8 * 16);

    [Fact]
    public void Linear_over_tokens_counts_each_token() => OneInput(Linear(8, 16, hasBias: false), [4, 5, 8], [4, 5, 16], 8 * 16, 2 * 4 * 5 * 8 * 16);

    [Fact]
    public void Conv1d_counts_its_kernel_at_each_place() => OneInput(Conv1d(3, 6, 5, bias: false), [2, 3, 20], [2, 6, 16], 6 * 3 * 5, 2 * 2 * 6 * 16 * 3 * 5);

    [Fact]
    public void Conv2d_counts_its_kernel_at_each_place() => OneInput(Conv2d(3, 8, 3, padding: 1, bias: false), [2, 3, 5, 7], [2, 8, 5, 7], 8 * 3 * 9, 2 * 2 * 8 * 5 * 7 * 3 * 9);

    [Fact]
    public void A_grouped_conv_sees_only_its_groups_inputs() => OneInput(Conv2d(4, 8, 3, groups: 4, bias: false), [1, 4, 5, 5], [1, 8, 3, 3], 8 * 1 * 9, 2 * 8 * 9 * 1 * 9);

    [Fact]
    public void Conv3d_counts_its_kernel_at_each_place() => OneInput(Conv3d(2, 4, 3, bias: false), [1, 2, 4, 4, 4], [1, 4, 2, 2, 2], 4 * 2 * 27, 2 * 4 * 8 * 2 * 27);

    [Fact]
    public void A_transposed_conv_spreads_each_input() => OneInput(ConvTranspose2d(3, 6, 2, stride: 2, bias: false), [2, 3, 5, 5], [2, 6, 10, 10], 3 * 6 * 4, 2 * 2 * 3 * 25 * 6 * 4);

    [Fact]
    public void An_embedding_only_looks_up()
    {
        using var scope = NewDisposeScope();
        var part = Embedding(10, 4);
        var facts = Inspect(part, () => part.call(zeros([2, 3], ScalarType.Int64)));
        Assert.Equal((40, 0), (facts.Parameters, facts.Flops));
        Assert.Equal([2, 3, 4], facts.Modules[0].OutputShape);
    }

    [Fact]
    public void Recurrent_layers_meet_every_weight_once_a_token()
    {
        using var scope = NewDisposeScope();
        const long tokens = 7 * 2;
        var lstm = LSTM(3, 5, numLayers: 2);
        Assert.Equal(2 * tokens * 4 * (3 * 5 + 5 * 5 + 5 * 5 + 5 * 5), Inspect(lstm, () => lstm.call(rand(7, 2, 3), null)).Flops);
        var gru = GRU(3, 5, bidirectional: true);
        var facts = Inspect(gru, () => gru.call(rand(7, 2, 3), null));
        Assert.Equal(2 * tokens * 2 * 3 * (3 * 5 + 5 * 5), facts.Flops);
        Assert.Equal([7, 2, 10], facts.Modules[0].OutputShape);
    }

    [Fact]
    public void Attention_counts_projections_scores_and_mixing()
    {
        using var scope = NewDisposeScope();
        const long batch = 2, queries = 5, keys = 7, width = 8;
        var attention = MultiheadAttention(width, 2, bias: false);
        var facts = Inspect(attention, () => attention.call(rand(queries, batch, width), rand(keys, batch, width), rand(keys, batch, width), null, true, null));
        Assert.Equal(2 * batch * (2 * queries * width * width + 2 * keys * width * width + 2 * queries * keys * width), facts.Flops);
    }

    [Fact]
    public void What_is_called_twice_counts_twice_and_what_is_shared_counts_once()
    {
        using var scope = NewDisposeScope();
        var shared = Linear(4, 4, hasBias: false);
        var net = Sequential(("first", shared), ("again", shared));
        var facts = Inspect(net, () => net.call(rand(1, 4)));
        Assert.Equal(16, facts.Parameters);
        Assert.Equal(2 * 2 * 16, facts.Flops);
    }

    [Fact]
    public void Frozen_parameters_are_told_apart_and_buffers_weigh()
    {
        using var scope = NewDisposeScope();
        var net = Sequential(("norm", BatchNorm1d(4)), ("linear", Linear(4, 2)));
        foreach (var parameter in net.named_children().First().module.parameters()) parameter.requires_grad = false;
        var facts = Inspect(net, () => net.call(rand(3, 4)));
        Assert.Equal((8 + 10, 10), (facts.Parameters, facts.TrainableParameters));
        // Running mean and variance, and a count of batches in int64.
        Assert.Equal(4 * 18 + 4 * 8 + 8, facts.Bytes);
    }

    [Fact]
    public void Nested_modules_come_after_their_parent_with_their_sums_in_it()
    {
        using var scope = NewDisposeScope();
        var net = Sequential(("block", Sequential(("a", Linear(2, 3)), ("b", ReLU()))), ("head", Linear(3, 1)));
        var facts = Inspect(net, () => net.call(rand(1, 2)));
        Assert.Equal([("part", 0, "Sequential"), ("block", 1, "Sequential"), ("a", 2, "Linear"), ("b", 2, "ReLU"), ("head", 1, "Linear")], facts.Modules.Select(m => (m.Name, m.Depth, m.Type)));
        Assert.Equal([13, 9, 9, 0, 4], facts.Modules.Select(m => m.Parameters));
        Assert.Equal([0, 0, 9, 0, 4], facts.Modules.Select(m => m.OwnParameters));
        Assert.Equal([18, 12, 12, null, 6], facts.Modules.Select(m => m.Flops));
    }

    [Fact]
    public void Disposed_it_sees_nothing_more()
    {
        using var scope = NewDisposeScope();
        var linear = Linear(2, 2);
        using var holder = new Holder(("linear", linear));
        var inspection = ModelInspection.Of(holder);
        linear.call(rand(1, 2));
        inspection.Dispose();
        linear.call(rand(1, 2));
        Assert.Equal(8, inspection.Read().Flops);
    }
}
