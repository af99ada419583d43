using System.Runtime.Intrinsics;

namespace Raijin.Tensors.Tests;

public sealed unsafe class UpdateKernelTests
{
    [Theory]
    [MemberData(nameof(Optimized.AllIndices), MemberType = typeof(Optimized))]
    public void Both_register_widths_give_the_same_bits_and_stay_inside_their_range(int index)
    {
        Assert.SkipUnless(Vector512.IsHardwareAccelerated, "this machine has no 512-bit registers to compare with");
        foreach (var count in new[] { 0, 1, 7, 8, 15, 16, 17, 100 })
            foreach (var half in new[] { false, true })
                Assert.Equal(Run(index, count, half, wide: true), Run(index, count, half, wide: false));
    }

    // All memory the kernel sees afterwards: parameter, rounded parameter, three slots; each with a guard on both sides.
    static uint[] Run(int index, int count, bool half, bool wide)
    {
        const int Guard = 20;
        var length = count + (2 * Guard);
        var memory = new float[6 * length];
        Optimized.Values(3, memory.Length).CopyTo(memory, 0);
        var kernel = Optimized.All[index].CreateKernel(wide);
        kernel.GradientBound = 0.5f;
        kernel.Prepare(0, new(0.01, 0.1, 2) { Carried = new(0.5, 0.3) });
        fixed (float* all = memory)
        {
            for (var i = 2 * length; i < 5 * length; i++) all[i] = Math.Abs(all[i]);
            var tensor = new KernelTensor
            {
                Weights = all,
                Gradient = all + length,
                S0 = all + (2 * length),
                S1 = all + (3 * length),
                S2 = all + (4 * length),
                Rounded = half ? (ushort*)(all + (5 * length)) : null,
                GradientIsBFloat16 = half,
            };
            var squares = kernel is TrustKernel trust ? trust.Measure(tensor, Guard, count) : default;
            kernel.Run(tensor, Guard, count);
            (memory[^1], memory[^2]) = ((float)squares.Weights, (float)squares.Direction);
        }

        var before = Optimized.Values(3, 6 * length);
        Assert.Equal(before[..Guard], memory[..Guard]);
        Assert.Equal(before[(Guard + count)..length], memory[(Guard + count)..length]);
        if (count > 0) Assert.NotEqual(before[Guard], memory[Guard]);
        return Array.ConvertAll(memory, BitConverter.SingleToUInt32Bits);
    }

    [Fact]
    public void Bf16_is_rounded_to_nearest_even_for_every_kind_of_value()
    {
        float[] values = [1, -0f, 1.00390625f, 1.01171875f, 3.4e38f, float.MaxValue, float.Epsilon, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 1e-40f, -2.5f, 1.0039063f, 7, 8, 9];
        ushort[] expected = [.. values.Select(v => float.IsNaN(v) ? (ushort)0x7FC0 : Nearest(v))];
        var narrow = new ushort[16];
        fixed (float* source = values)
        fixed (ushort* destination = narrow)
        {
            Lanes256.Load(source).StoreBFloat16(destination);
            Lanes256.Load(source + 8).StoreBFloat16(destination + 8);
            Assert.Equal(expected, narrow);
            if (!Vector512.IsHardwareAccelerated) return;
            Array.Clear(narrow);
            Lanes512.Load(source).StoreBFloat16(destination);
            Assert.Equal(expected, narrow);
        }

        static ushort Nearest(float value)
        {
            var low = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
            var (down, up) = (Wide(low), Wide((ushort)(low + 1)));
            if (down == value || float.IsInfinity(value)) return low;
            var (below, above) = (Math.Abs((double)value - down), Math.Abs((float.IsInfinity(up) ? Math.Sign(value) * Math.Pow(2, 128) : up) - (double)value));
            return below < above || (below == above && low % 2 == 0) ? low : (ushort)(low + 1);
        }

        static float Wide(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
    }
}
