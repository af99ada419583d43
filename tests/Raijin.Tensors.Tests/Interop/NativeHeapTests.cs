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
    public void Kept_memory_is_not_faulted_in_again()
    {
        // Field 10 of /proc/self/stat, counted from 1: minor faults; the name in parentheses may hold spaces.
        static long Faults() => long.Parse(File.ReadAllText("/proc/self/stat").Split(") ")[1].Split(' ')[7], System.Globalization.CultureInfo.InvariantCulture);

        static long FaultsOfARound()
        {
            var before = Faults();
            for (var i = 0; i < 8; i++)
            {
                using var tensor = empty(4 << 20);
                tensor.fill_(1);
            }
            return Faults() - before;
        }

        Assert.True(NativeHeap.KeepFreedMemory());
        FaultsOfARound();
        // Without it, eight times the 4,096 pages of 16 MiB (fewer where the kernel gives huge pages).
        Assert.InRange(FaultsOfARound(), 0, 2_000);
    }
}
