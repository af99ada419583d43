using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class HollowTensorTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 4)]
    [InlineData(ScalarType.BFloat16, 2)]
    public void Memory_that_is_laid_under_it_is_seen_by_every_view(ScalarType dtype, int width)
    {
        using var none = no_grad();
        using var hollow = new HollowTensor(1000, dtype);
        Assert.Equal((1000, dtype, false), (hollow.Tensor.numel(), hollow.Tensor.dtype, hollow.HasMemory));
        // Views are made while there is nothing.
        using var part = hollow.Tensor.narrow(0, 10, 20);
        using var leaf = new TorchSharp.Modules.Parameter(hollow.Tensor.narrow(0, 500, 2));
        using var first = zeros(2000 * width, ScalarType.Byte);
        using var second = zeros(1000, dtype);
        hollow.Fill(first, 1000L * width);
        part.fill_(3);
        hollow.Empty();
        hollow.Fill(second, 0);
        Assert.Equal(0, Sum(part));
        leaf.fill_(7);
        hollow.Empty();
        Assert.Equal(14, Sum(second));
        using var values = Aten.ViewAs(first, dtype);
        using var written = values.narrow(0, 1010, 20);
        Assert.Equal((60, 60), (Sum(values), Sum(written)));
    }

    [Fact]
    public void It_takes_and_frees_no_memory_itself()
    {
        Assert.SkipUnless(NativeHeap.LiveBytes is not null, "this C library does not tell its live bytes");
        empty(4 << 20).Dispose();
        var before = NativeHeap.LiveBytes!.Value;
        using var memory = zeros(8 << 20);
        for (var i = 0; i < 3; i++)
        {
            using var hollow = new HollowTensor(8 << 20, ScalarType.Float32);
            Assert.InRange(NativeHeap.LiveBytes!.Value - before, 31L << 20, 33L << 20);
            hollow.Fill(memory, 0);
        }
        memory.fill_(1);
        Assert.Equal(8 << 20, Sum(memory));
    }

    [Fact]
    public void Memory_that_is_too_small_or_of_no_host_is_refused()
    {
        using var hollow = new HollowTensor(10, ScalarType.Float32);
        using var small = zeros(10);
        using var square = zeros(4, 4);
        using var turned = square.t();
        Assert.Throws<ArgumentOutOfRangeException>(() => hollow.Fill(small, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => hollow.Fill(small, -4));
        Assert.Throws<ArgumentException>(() => hollow.Fill(turned, 0));
        Assert.False(hollow.HasMemory);
    }

    static float Sum(Tensor tensor)
    {
        using var sum = tensor.sum(ScalarType.Float32);
        return sum.item<float>();
    }
}
