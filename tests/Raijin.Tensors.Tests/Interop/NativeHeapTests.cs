using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class NativeHeapTests
{
    public NativeHeapTests() => Assert.SkipUnless(NativeHeap.LiveBytes is not null, "this C library does not tell its live bytes");

    [Fact]
    public void Live_bytes_follow_a_tensor_from_birth_to_death()
    {
        // The first block makes the arena grow, which glibc counts in part as in use.
        empty(4 << 20).Dispose();
        var before = NativeHeap.LiveBytes!.Value;
        var tensor = empty(4 << 20);
        Assert.InRange(NativeHeap.LiveBytes!.Value - before, 15L << 20, 17L << 20);
        tensor.Dispose();
        Assert.InRange(NativeHeap.LiveBytes!.Value - before, -1L << 20, 1L << 20);
    }

    [Fact]
    public void A_large_block_comes_from_the_kernel_where_it_is_to_go_back_there()
    {
        // Held together, for what is free already is used up first.
        static bool AnyIsMapped(int blocks)
        {
            using var scope = NewDisposeScope();
            var before = NativeHeap.MappedBytes!.Value;
            for (var i = 0; i < blocks; i++)
            {
                empty(4 << 20);
                if (NativeHeap.MappedBytes!.Value - before >= 16 << 20) return true;
            }
            return false;
        }

        // One test, as each setting is the process's.
        Assert.SkipWhen(RaijinEnvironment.SaysHowMallocWorks, "the environment says what is kept");
        Assert.True(NativeHeap.ReturnLargeBlocks());
        Assert.True(AnyIsMapped(256));
        Assert.True(NativeHeap.ReuseLargeBlocks());
        Assert.False(AnyIsMapped(8));

        Assert.True(NativeHeap.KeepFreedMemory());
        Assert.False(AnyIsMapped(8));
        // Who keeps all is not made to return any.
        Assert.False(NativeHeap.ReturnLargeBlocks());
        Assert.False(AnyIsMapped(8));
    }
}
