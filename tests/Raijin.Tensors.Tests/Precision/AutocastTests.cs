using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class AutocastTests
{
    public AutocastTests() => Assert.SkipUnless(Autocast.IsSupported, "this libtorch does not export at::autocast");

    static ScalarType ProductType()
    {
        using var scope = NewDisposeScope();
        return ones(2, 2).mm(ones(2, 2)).dtype;
    }

    [Fact]
    public void Products_compute_in_the_scopes_dtype_and_only_within_it()
    {
        Assert.Equal(ScalarType.Float32, ProductType());
        using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16))
        {
            Assert.True(Autocast.IsEnabled(DeviceType.CPU));
            Assert.Equal(ScalarType.BFloat16, ProductType());
            using (Autocast.Enter(DeviceType.CPU, ScalarType.Float16)) Assert.Equal(ScalarType.Float16, ProductType());
            Assert.Equal(ScalarType.BFloat16, ProductType());
            using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16, enabled: false)) Assert.Equal(ScalarType.Float32, ProductType());
            Assert.Equal(ScalarType.BFloat16, ProductType());
        }
        Assert.False(Autocast.IsEnabled(DeviceType.CPU));
        Assert.Equal(ScalarType.Float32, ProductType());
    }

    [Fact]
    public void An_exception_leaves_the_scope_too()
    {
        static void Fail()
        {
            using var scope = Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16);
            throw new InvalidDataException();
        }

        Assert.Throws<InvalidDataException>(Fail);
        Assert.False(Autocast.IsEnabled(DeviceType.CPU));
    }

    [Fact]
    public void Other_threads_are_not_affected()
    {
        using var scope = Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16);
        var elsewhere = ScalarType.BFloat16;
        var thread = new Thread(() => elsewhere = ProductType());
        thread.Start();
        thread.Join();
        Assert.Equal(ScalarType.Float32, elsewhere);
    }

    [Fact]
    public void Gradients_of_float_parameters_stay_float_and_new_weights_are_seen_by_the_next_scope()
    {
        using var scope = NewDisposeScope();
        var weight = ones(2, 2, requires_grad: true);
        for (var step = 1; step <= 2; step++)
        {
            Tensor loss;
            using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16)) loss = ones(1, 2).mm(weight).sum();
            Assert.Equal(4 * step, loss.to_type(ScalarType.Float32).item<float>());
            Backward.Run(loss);
            Assert.Equal(ScalarType.Float32, weight.grad!.dtype);
            using (no_grad()) weight.add_(1);
        }
    }

    [Fact]
    public void Other_dtypes_and_devices_are_refused()
    {
        Assert.Throws<ArgumentException>(() => { using var scope = Autocast.Enter(DeviceType.CPU, ScalarType.Float64); });
        Assert.Throws<ArgumentException>(() => { using var scope = Autocast.Enter(DeviceType.META, ScalarType.BFloat16); });
        Assert.False(Autocast.IsEnabled(DeviceType.CPU));
    }
}
