using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class GradientAccessTests
{
    [Fact]
    public void Sees_the_same_memory_as_the_wrapper()
    {
        using var scope = NewDisposeScope();
        var parameter = randn(3, 4, requires_grad: true);
        (parameter * 2).sum().backward();

        Assert.Equal(HostMemoryKind.Dense, GradientAccess.Inspect(parameter, out var gradient));
        Assert.Equal((12, ScalarType.Float32), (gradient.NumElements, gradient.DType));
        unsafe
        {
            Assert.All(new ReadOnlySpan<float>((void*)gradient.Data, 12).ToArray(), g => Assert.Equal(2, g));
            ((float*)gradient.Data)[0] = 5;
        }
        Assert.Equal(5, parameter.grad![0, 0].item<float>());
    }

    [Fact]
    public void Answers_the_same_by_bare_handle()
    {
        Assert.SkipUnless(GradientAccess.IsDirect, "this libtorch exports no C++ entry points");
        using var scope = NewDisposeScope();
        var parameter = randn(5, dtype: ScalarType.BFloat16, requires_grad: true);
        Assert.False(GradientAccess.TryGetGradientPointer(parameter.Handle, out _, out _, out _));
        parameter.sum().backward();
        Assert.True(GradientAccess.TryGetGradientPointer(parameter.Handle, out var data, out var numel, out var dtype));
        GradientAccess.Inspect(parameter, out var gradient);
        Assert.Equal(new HostMemory(data, numel, dtype), gradient);
    }

    [Fact]
    public void Without_a_gradient_says_none()
    {
        using var scope = NewDisposeScope();
        var untouched = randn(3, requires_grad: true);
        var plain = randn(3);
        Assert.Equal(HostMemoryKind.None, GradientAccess.Inspect(untouched, out _));
        Assert.Equal(HostMemoryKind.None, GradientAccess.Inspect(plain, out _));
        Assert.False(GradientAccess.HasGradient(plain));
        GradientAccess.ClearGradient(plain);
        GradientAccess.ClearGradient(untouched);
    }

    [Fact]
    public void Tells_a_transposed_gradient_and_a_sparse_one_from_a_dense_one()
    {
        using var scope = NewDisposeScope();
        var parameter = zeros(3, 4, requires_grad: true);
        parameter.grad = ones(4, 3).t();
        Assert.Equal(HostMemoryKind.Strided, GradientAccess.Inspect(parameter, out _));
        Assert.True(GradientAccess.HasGradient(parameter));

        using var embedding = nn.Embedding(10, 4, sparse: true);
        embedding.call(tensor(new long[] { 1, 2 })).sum().backward();
        Assert.Equal(HostMemoryKind.Strided, GradientAccess.Inspect(embedding.weight!, out _));
    }

    [Fact]
    public void Clearing_sets_none_and_frees_the_memory()
    {
        using var scope = NewDisposeScope();
        var parameter = zeros(1000, requires_grad: true);
        for (var i = 0; i < 3; i++)
        {
            parameter.sum().backward();
            Assert.True(GradientAccess.HasGradient(parameter));
            GradientAccess.ClearGradient(parameter);
            Assert.False(GradientAccess.HasGradient(parameter));
            Assert.Null(parameter.grad);
        }
        parameter.sum().backward();
        Assert.Equal(1, parameter.grad![0].item<float>());
    }

    [Fact]
    public void Clearing_leaves_a_held_wrapper_usable()
    {
        using var scope = NewDisposeScope();
        var parameter = zeros(4, requires_grad: true);
        parameter.sum().backward();
        var held = parameter.grad!;
        GradientAccess.ClearGradient(parameter);
        Assert.Equal(4, held.sum().item<float>());
    }

    [Fact]
    public void A_freed_parameter_is_a_clear_error()
    {
        var parameter = zeros(4, requires_grad: true);
        parameter.Dispose();
        Assert.Throws<ObjectDisposedException>(() => GradientAccess.Inspect(parameter, out _));
        Assert.Throws<ObjectDisposedException>(() => GradientAccess.ClearGradient(parameter));
    }
}
