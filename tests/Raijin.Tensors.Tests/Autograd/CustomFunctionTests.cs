using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class CustomFunctionTests
{
    sealed class Scale : CustomFunction<Scale>
    {
        protected override Tensor Evaluate(autograd.AutogradContext context, object[] inputs)
        {
            context.save_data("factor", inputs[1]);
            return (Tensor)inputs[0] * (double)inputs[1];
        }

        protected override IReadOnlyList<Tensor?> Differentiate(autograd.AutogradContext context, Tensor gradient) =>
            [gradient * (double)context.get_data("factor"), null];
    }

    /// <summary>Does in its backward what its second input says.</summary>
    sealed class Misbehaving : CustomFunction<Misbehaving>
    {
        protected override Tensor Evaluate(autograd.AutogradContext context, object[] inputs)
        {
            if (inputs[1] is "forward") throw new InvalidDataException("in forward");
            context.save_data("how", inputs[1]);
            return ((Tensor)inputs[0]).clone();
        }

        protected override IReadOnlyList<Tensor?> Differentiate(autograd.AutogradContext context, Tensor gradient)
        {
            switch ((string)context.get_data("how"))
            {
                case "throws": throw new InvalidDataException("in backward");
                case "too few": return [gradient];
                case "no tensor": return [gradient, gradient];
                case "freed":
                    gradient.Dispose();
                    return [gradient, null];
                default: return [zeros(7), null];
            }
        }
    }

    sealed class SumAndDifference : CustomMultiFunction<SumAndDifference>
    {
        protected override IReadOnlyList<Tensor> Evaluate(autograd.AutogradContext context, object[] inputs)
        {
            var (a, b) = ((Tensor)inputs[0], (Tensor)inputs[1]);
            return [a + b, a - b];
        }

        protected override IReadOnlyList<Tensor?> Differentiate(autograd.AutogradContext context, IReadOnlyList<Tensor> gradients) =>
            [gradients[0] + gradients[1], gradients[0] - gradients[1]];
    }

    [Fact]
    public void Differentiates_its_tensors_and_passes_the_rest_through()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 1f, 2f }, requires_grad: true);
        var y = Scale.Apply(x, 3.0);
        Assert.Equal([3f, 6f], y.data<float>().ToArray());
        Backward.Run(y.sum());
        Assert.Equal(3, x.grad![1].item<float>());
    }

    [Fact]
    public void Several_outputs_each_give_a_gradient_zeros_where_unused()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (ones(2, requires_grad: true), ones(2, requires_grad: true));
        var outputs = SumAndDifference.Apply(a, b);
        Backward.Run((outputs[0] * 2 + outputs[1] * 5).sum());
        Assert.Equal((7f, -3f), (a.grad![0].item<float>(), b.grad![0].item<float>()));

        var difference = SumAndDifference.Apply(a, b)[1];
        Backward.Run(difference.sum());
        Assert.Equal((8f, -4f), (a.grad![0].item<float>(), b.grad![0].item<float>()));
    }

    [Fact]
    public void An_unused_output_of_a_scope_that_is_closed_gives_zeros()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (ones(2, requires_grad: true), ones(2, requires_grad: true));
        Tensor sum;
        using (NewDisposeScope()) sum = SumAndDifference.Apply(a, b)[0].MoveToOuterDisposeScope();
        Backward.Run(sum.sum());
        Assert.Equal((1f, 1f), (a.grad![0].item<float>(), b.grad![0].item<float>()));
    }

    [Theory]
    [InlineData("throws", "in backward")]
    [InlineData("too few", "gave 1 gradients for 2 inputs")]
    [InlineData("no tensor", "input 1, which is no tensor")]
    [InlineData("freed", "gave a freed tensor")]
    [InlineData("shape", "invalid gradient")]
    public void What_goes_wrong_in_backward_comes_out_of_the_pass(string how, string message)
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        var error = Assert.ThrowsAny<Exception>(() => Backward.Run(Misbehaving.Apply(x * 2, how).sum()));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        if (how == "throws")
        {
            Assert.IsType<InvalidDataException>(error);
            Assert.Contains(nameof(Misbehaving), error.StackTrace, StringComparison.Ordinal);
        }

        // The next pass is a clean one.
        Backward.Run((x * 2).sum());
    }

    [Fact]
    public void What_forward_throws_comes_out_of_apply()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        Assert.Equal("in forward", Assert.Throws<InvalidDataException>(() => Misbehaving.Apply(x, "forward")).Message);
    }

    [Fact]
    public void An_error_of_a_pass_that_did_not_go_through_the_door_is_kept_until_asked_for()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        Misbehaving.Apply(x * 2, "throws").sum().backward();
        Assert.Throws<InvalidDataException>(Backward.ThrowPending);
        Backward.ThrowPending();
    }

    [Fact]
    public void The_door_takes_a_gradient_and_keeps_the_graph_when_asked()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        var y = x * 3;
        Backward.Run(y, tensor(new[] { 1f, 10f }), retainGraph: true);
        Backward.Run(y, tensor(new[] { 1f, 10f }));
        Assert.Equal([6f, 60f], x.grad!.data<float>().ToArray());

        GradientAccess.ClearGradient(x);
        var loss = y.square().sum();
        Backward.Run(loss, retainGraph: true);
        Backward.Run(loss);
        Assert.Equal(36, x.grad![0].item<float>());
    }

    [Fact]
    public void The_door_makes_gradients_that_can_be_differentiated()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 2f }, requires_grad: true);
        Backward.Run(x.pow(3).sum(), createGraph: true);
        var first = x.grad!;
        GradientAccess.ClearGradient(x);
        Backward.Run(first.sum());
        Assert.Equal((12f, 12f), (first.item<float>(), x.grad!.item<float>()));
    }
}
