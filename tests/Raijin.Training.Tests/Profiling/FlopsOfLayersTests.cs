using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Profiling;

/// <summary>Multiply-adds and FLOPs of layers that go over time or over elements, against their definitions.</summary>
public sealed class FlopsOfLayersTests
{
    const long Length = 7, Batch = 2, Features = 6, Hidden = 5;

    static readonly AtenOp RmsNorm = AtenOp.Declare("aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor");
    static readonly AtenOp ProjectedLstm = AtenOp.Declare(
        "aten::lstm.input(Tensor input, Tensor[] hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor, Tensor)");

    /// <summary>Multiply-adds of one layer in one direction at each of its steps: from the input, and from the state before.</summary>
    static (long Input, long State) Step(long gates, long features, long hidden, long state) => (Batch * gates * hidden * features, Batch * gates * hidden * state);

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(3, false)]
    [InlineData(2, true)]
    public void An_lstm_meets_every_weight_once_a_token(int layers, bool bidirectional)
    {
        var counted = CountedStep.Of(
            () =>
            {
                var lstm = LSTM(Features, Hidden, layers, bidirectional: bidirectional);
                return new FunctionModule(x => lstm.call(x, null).Item1, lstm);
            },
            wantsInputGradient: true, Length, Batch, Features);
        var directions = bidirectional ? 2 : 1;
        var forward = 0L;
        for (var layer = 0; layer < layers; layer++)
        {
            var (input, state) = Step(4, layer == 0 ? Features : directions * Hidden, Hidden, Hidden);
            forward += directions * Length * (input + state);
        }
        Assert.Equal(forward, counted.Forward.Macs);
        // Weights and inputs, and the state that came before the first step: the fused layer makes its gradient, wanted or not.
        Assert.Equal(2 * forward, counted.Backward!.Value.Macs);
    }

    [Theory]
    [InlineData(3, 1, false)]
    [InlineData(3, 2, true)]
    [InlineData(1, 1, false)]
    [InlineData(1, 3, false)]
    public void A_gru_and_an_rnn_leave_out_the_gradient_of_the_state_they_began_with(int gates, int layers, bool bidirectional)
    {
        var counted = CountedStep.Of(
            () =>
            {
                if (gates == 3)
                {
                    var gru = GRU(Features, Hidden, layers, bidirectional: bidirectional);
                    return new FunctionModule(x => gru.call(x).Item1, gru);
                }
                var rnn = RNN(Features, Hidden, layers, bidirectional: bidirectional);
                return new FunctionModule(x => rnn.call(x).Item1, rnn);
            },
            wantsInputGradient: true, Length, Batch, Features);
        var directions = bidirectional ? 2 : 1;
        var (forward, firstStates) = (0L, 0L);
        for (var layer = 0; layer < layers; layer++)
        {
            var (input, state) = Step(gates, layer == 0 ? Features : directions * Hidden, Hidden, Hidden);
            forward += directions * Length * (input + state);
            firstStates += directions * state;
        }
        Assert.Equal(forward, counted.Forward.Macs);
        Assert.Equal((2 * forward) - firstStates, counted.Backward!.Value.Macs);
    }

    [Fact]
    public void A_projected_lstm_projects_each_state()
    {
        const long projection = 3;
        var counted = CountedStep.Of(
            x =>
            {
                using var call = new AtenCall(ProjectedLstm, stackalloc ulong[ProjectedLstm.NumSlots]);
                call.Push(x);
                call.Push([zeros(1, Batch, projection), zeros(1, Batch, Hidden)]);
                call.Push([Weight(4 * Hidden, Features), Weight(4 * Hidden, projection), Weight(4 * Hidden), Weight(4 * Hidden), Weight(projection, Hidden)]);
                call.Push(true);
                call.Push(1);
                call.Push(0.0);
                call.Push(true);
                call.Push(false);
                call.Push(false);
                call.Invoke();
                return call.TakeTensor();
            },
            wantsInputGradient: false, Length, Batch, Features);
        var (input, state) = Step(4, Features, Hidden, projection);
        Assert.Equal(Length * (input + state + (Batch * projection * Hidden)), counted.Forward.Macs);

        static Tensor Weight(params long[] shape) => rand(shape, requires_grad: true);
    }

    [Fact]
    public void Norms_multiply_and_add_nothing_but_go_over_their_elements()
    {
        const long n = 4 * 6 * 5;
        Norm(() => LayerNorm([5L]), 7 * n, (9 + 1 + 2 + 1) * n, 4, 6, 5);
        Norm(() => LayerNorm([5L], elementwise_affine: false), 5 * n, 9 * n, 4, 6, 5);
        // It counts its batches, too: one sum.
        Norm(() => BatchNorm1d(6), (7 * n) + 1, (9 + 1 + 2 + 1) * n, 4, 6, 5);
        Norm(() => BatchNorm1d(6, affine: false), (5 * n) + 1, 9 * n, 4, 6, 5);
        Norm(() => GroupNorm(3, 6), 7 * n, (9 + 1 + 2 + 1) * n, 4, 6, 5);

        static void Norm(Func<Module<Tensor, Tensor>> make, long forward, long backward, params long[] shape)
        {
            var counted = CountedStep.Of(make, wantsInputGradient: true, shape);
            Assert.Equal((new OpCost(0, forward), new OpCost(0, backward)), (counted.Forward, counted.Backward!.Value));
        }
    }

    [Fact]
    public void A_batch_norm_in_evaluation_is_a_product_and_a_sum()
    {
        var counted = CountedStep.Of(
            () =>
            {
                var norm = BatchNorm2d(3);
                norm.eval();
                return norm;
            },
            wantsInputGradient: false, 4, 3, 5, 5);
        Assert.Equal(new OpCost(0, 2 * 4 * 3 * 5 * 5), counted.Forward);
    }

    [Fact]
    public void An_rms_norm_is_a_square_and_sum_a_product_and_its_weight()
    {
        const long rows = 6, width = 50;
        var counted = CountedStep.Of(
            x =>
            {
                using var call = new AtenCall(RmsNorm, stackalloc ulong[RmsNorm.NumSlots]);
                call.Push(x);
                call.Push([width]);
                call.Push(rand([width], requires_grad: true));
                call.PushNone();
                call.Invoke();
                return call.TakeTensor();
            },
            wantsInputGradient: true, rows, width);
        Assert.Equal(0, counted.Forward.Macs);
        Assert.Equal(0, counted.Backward!.Value.Macs);
        // Where it is made of other ops, a root and a sum for each row are counted as well.
        Assert.InRange(counted.Forward.Flops, 4 * rows * width, (4 * rows * width) + (3 * rows));
    }

    [Fact]
    public void An_embedding_looks_up_and_its_backward_adds()
    {
        using var ids = randint(0, 10, [Batch, Length]);
        var counted = CountedStep.Of(() => Embedding(10, Hidden), ids);
        Assert.Equal(default, counted.Forward);
        Assert.Equal(new OpCost(0, Batch * Length * Hidden), counted.Backward!.Value);
    }

    [Fact]
    public void Ops_over_elements_count_them()
    {
        const long n = 4 * 6;
        Elements(x => x.relu(), n);
        Elements(x => x + x, n);
        Elements(x => x * 2 + 1, 2 * n);
        Elements(x => x.add_(1).mul_(2), 2 * n);
        Elements(x => x.exp().log(), 2 * n);
        Elements(x => x.softmax(1), 5 * n);
        Elements(x => functional.log_softmax(x, 1), 5 * n);
        Elements(x => x.mean(), n);
        Elements(x => x.transpose(0, 1).contiguous().view(-1), 0);
        Elements(x => x.addcmul(x, x, 2), 3 * n);

        static void Elements(Func<Tensor, Tensor> function, long expected) => Assert.Equal(new OpCost(0, expected), CountedStep.Of(function, wantsInputGradient: false, 4, 6).Forward);
    }

    [Fact]
    public void What_the_backward_pass_repeats_takes_its_time_and_is_counted_apart()
    {
        using var input = rand(8, Features);
        var report = CountedStep.Report(() => Sequential(("block", new RecomputedBlock()), ("head", Linear(Hidden, 3))), input);
        const long block = 8 * (Features * Hidden + Hidden * Hidden);
        const long product = 8 * Hidden * 8;
        var counted = report.Modules.Single(m => m.Name == "block");
        Assert.Equal(block + (2 * product), counted.Forward.Macs);
        Assert.Equal(block + (2 * product), counted.Recomputed.Macs);
        // The first layer's input wants no gradient; one product has two sides that do, the other one.
        Assert.Equal((2 * block) - (8 * Features * Hidden) + (3 * product), counted.Backward!.Value.Macs);
        Assert.Equal((1, 8 * Hidden * Hidden, 2 * 8 * Hidden * Hidden), Of("block.second"));
        Assert.Equal((1, 8 * Features * Hidden, 8 * Features * Hidden), Of("block.first"));
        Assert.Equal((1, 8 * Hidden * 3, 2 * 8 * Hidden * 3), Of("head"));
        Assert.Equal(8 * Features * Hidden, report.Modules.Single(m => m.Name == "block.first").Recomputed.Macs);
        Assert.True(report.BackwardTime >= report.Modules.Single(m => m.Name == "block.second").BackwardTime);

        (long Calls, long Forward, long Backward) Of(string name)
        {
            var module = report.Modules.Single(m => m.Name == name);
            return (module.Calls, module.Forward.Macs, module.Backward!.Value.Macs);
        }
    }

    [Fact]
    public void Where_ops_cannot_be_seen_what_runs_in_backward_is_recomputation_too()
    {
        using var input = rand(8, Features);
        var report = CountedStep.Report(() => Sequential(("block", new RecomputedBlock())), input, seesOps: false);
        const long block = 8 * (Features * Hidden + Hidden * Hidden);
        Assert.Equal((block, block), (report.Model.Forward.Macs, report.Model.Recomputed.Macs));
        Assert.Equal(1, report.Modules.Single(m => m.Name == "block.first").Calls);
    }

    /// <summary>Two layers and a product outside of them, all run again in the backward pass.</summary>
    sealed class RecomputedBlock : Module<Tensor, Tensor>
    {
        readonly Module<Tensor, Tensor> first = Linear(Features, Hidden);
        readonly Module<Tensor, Tensor> second = Linear(Hidden, Hidden);

        public RecomputedBlock() : base("RecomputedBlock") => RegisterComponents();

        public override Tensor forward(Tensor input) => Recompute.Run(Body, input, this);

        Tensor Body(Tensor x)
        {
            var hidden = second.call(first.call(x));
            return hidden.matmul(hidden.transpose(0, 1)).matmul(ones(8, Hidden));
        }
    }
}
