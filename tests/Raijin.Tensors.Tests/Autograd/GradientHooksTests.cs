using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public abstract class GradientHooksTests : IDisposable
{
    // Made before the test's tensors are counted: TorchSharp's Linear leaves wrappers behind when it is built.
    readonly nn.Module<Tensor, Tensor> _model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1));
    readonly HookRoute _before = GradientHooks.Route;

    internal GradientHooksTests(HookRoute route) => GradientHooks.Route = route;

    public void Dispose()
    {
        GradientHooks.Route = _before;
        _model.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Each_parameter_is_told_ready_once_a_pass_with_its_gradient_complete()
    {
        using var scope = NewDisposeScope();
        var seen = new List<(string Name, float Sum)>();
        var hooks = _model.named_parameters().Select(p => GradientHooks.OnReady(
            p.parameter, ready => seen.Add((p.name, ready.grad!.sum().item<float>())))).ToArray();

        for (var pass = 1; pass <= 2; pass++)
        {
            seen.Clear();
            Backward.Run(_model.call(rand(3, 4)).sum());
            Assert.Equal(["0.bias", "0.weight", "2.bias", "2.weight"], seen.Select(s => s.Name).Order(StringComparer.Ordinal));
            foreach (var (name, sum) in seen) Assert.Equal(_model.get_parameter(name)!.grad!.sum().item<float>(), sum);
        }

        foreach (var hook in hooks) hook.Dispose();
        seen.Clear();
        Backward.Run(_model.call(rand(3, 4)).sum());
        Assert.Empty(seen);
    }

    [Fact]
    public void A_parameter_used_twice_is_ready_once()
    {
        using var scope = NewDisposeScope();
        var weight = ones(1, requires_grad: true);
        var gradients = new List<float>();
        using var hook = GradientHooks.OnReady(weight, ready => gradients.Add(ready.grad!.item<float>()));
        Backward.Run((weight * 2 + weight * 3).sum());
        Assert.Equal([5f], gradients);
    }

    [Fact]
    public void Several_callbacks_run_in_order_and_each_can_be_removed()
    {
        using var scope = NewDisposeScope();
        var weight = ones(1, requires_grad: true);
        var calls = "";
        var first = GradientHooks.OnReady(weight, _ => calls += "a");
        using var second = GradientHooks.OnReady(weight, _ => calls += "b");
        Backward.Run(weight.sum());
        first.Dispose();
        first.Dispose();
        Backward.Run(weight.sum());
        Assert.Equal("abb", calls);
    }

    [Fact]
    public void A_callback_may_clear_the_gradient_it_was_told_of()
    {
        using var scope = NewDisposeScope();
        var weight = ones(3, requires_grad: true);
        using var hook = GradientHooks.OnReady(weight, GradientAccess.ClearGradient);
        Backward.Run(weight.sum());
        Assert.False(GradientAccess.HasGradient(weight));
    }

    [Fact]
    public void What_a_callback_throws_comes_out_of_the_pass()
    {
        using var scope = NewDisposeScope();
        var weight = ones(1, requires_grad: true);
        using (GradientHooks.OnReady(weight, _ => throw new InvalidDataException("mine")))
            Assert.Equal("mine", Assert.Throws<InvalidDataException>(() => Backward.Run(weight.sum())).Message);
        Backward.Run(weight.sum());
    }

    [Fact]
    public void A_gradient_can_be_seen_and_replaced_on_its_way()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        var seen = 0f;
        var y = GradientHooks.OnGradient(x * 3, gradient =>
        {
            seen = gradient.sum().item<float>();
            return gradient * 10;
        });
        Backward.Run((y * 2).sum());
        Assert.Equal(4, seen);
        Assert.Equal(60, x.grad![0].item<float>());
    }

    [Fact]
    public void A_gradient_can_be_left_as_it_is()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        var y = GradientHooks.OnGradient(x * 3, gradient => gradient);
        y = GradientHooks.OnGradient(y * 1, _ => null);
        Backward.Run(y.sum());
        Assert.Equal(3, x.grad![0].item<float>());
    }

    [Fact]
    public void What_a_gradient_hook_throws_comes_out_of_the_pass_and_stops_later_callbacks()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        var ready = false;
        using var hook = GradientHooks.OnReady(x, _ => ready = true);
        var y = GradientHooks.OnGradient(x * 3, _ => throw new InvalidDataException("mine"));
        Assert.Throws<InvalidDataException>(() => Backward.Run(y.sum()));
        Assert.False(ready);
    }

    [Fact]
    public void A_replacement_of_the_wrong_shape_is_libtorchs_error()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        var y = GradientHooks.OnGradient(x * 3, _ => ones(5));
        Assert.ThrowsAny<Exception>(() => Backward.Run(y.sum()));
    }

    [Fact]
    public void Only_leaves_that_require_a_gradient_can_be_ready()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, requires_grad: true);
        Assert.Throws<ArgumentException>(() => GradientHooks.OnReady(x * 2, _ => { }));
        Assert.Throws<ArgumentException>(() => GradientHooks.OnReady(ones(2), _ => { }));
        Assert.Throws<ArgumentException>(() => GradientHooks.OnGradient(ones(2), _ => null));
    }

    [Fact]
    public void Hooks_are_freed_with_their_tensors()
    {
        Assert.SkipUnless(NativeHeap.LiveBytes is not null, "this C library does not tell its live bytes");

        static void Round(int passes)
        {
            for (var i = 0; i < passes; i++)
            {
                using var scope = NewDisposeScope();
                var x = ones(64 * 1024, requires_grad: true);
                using var hook = GradientHooks.OnReady(x, _ => { });
                Backward.Run(GradientHooks.OnGradient(x * 2, gradient => gradient * 2).sum());
            }
        }

        Round(20);
        var (tensors, bytes) = (TensorLedger.Read().LiveTensors, NativeHeap.LiveBytes!.Value);
        Round(300);
        Assert.Equal(tensors, TensorLedger.Read().LiveTensors);
        Assert.InRange(NativeHeap.LiveBytes!.Value - bytes, long.MinValue, 8 << 20);
    }
}

public sealed class DirectGradientHooksTests : GradientHooksTests
{
    public DirectGradientHooksTests() : base(new ItaniumHooks()) =>
        Assert.SkipUnless(ItaniumHooks.IsSupported, "this libtorch exports no C++ entry points");

    [Fact]
    public void Readiness_comes_during_the_pass_last_layer_first()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (ones(1, requires_grad: true), ones(1, requires_grad: true));
        var order = new List<string>();
        using var first = GradientHooks.OnReady(a, _ => order.Add("a"));
        using var second = GradientHooks.OnReady(b, _ => order.Add("b"));
        var inner = GradientHooks.OnGradient(a * 2, gradient =>
        {
            order.Add("between");
            return null;
        });
        Backward.Run((inner * b).sum());
        Assert.True(order.IndexOf("b") < order.IndexOf("a"), string.Join(" ", order));
        Assert.True(order.IndexOf("between") < order.IndexOf("a"), string.Join(" ", order));
    }

    [Fact]
    public void A_tensor_that_dies_takes_its_hook_with_it()
    {
        var weight = ones(1, requires_grad: true);
        var registration = GradientHooks.OnReady(weight, _ => { });
        weight.Dispose();
        registration.Dispose();
    }
}

public sealed class PortableGradientHooksTests : GradientHooksTests
{
    public PortableGradientHooksTests() : base(new PortableHooks())
    {
    }
}
