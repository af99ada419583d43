using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed class LibtorchUpdateTests
{
    public static TheoryData<int> Fusable =>
        [.. Enumerable.Range(0, Optimized.Algorithms.Count).Where(i => Optimized.Algorithms[i] is Adam or AdamW)];

    [Theory]
    [MemberData(nameof(Fusable))]
    public void Libtorchs_fused_kernels_agree_with_its_list_operators(int index)
    {
        var (listed, fused) = (Run(index, fuse: false), Run(index, fuse: true));
        for (var i = 0; i < listed.Length; i++)
            Assert.Equal(listed[i], fused[i], 1e-6f + (1e-5f * Math.Abs(listed[i])));
    }

    static float[] Run(int index, bool fuse)
    {
        using var scope = NewDisposeScope();
        var algorithm = Optimized.Algorithms[index];
        var parameter = Optimized.Parameter(Optimized.Values(1, 100));
        var group = Optimized.Group([parameter]);
        using var member = new OptimizedParameter("p0", parameter, group);
        using var slab = StateSlab.Allocate([member], algorithm);
        var update = new LibtorchUpdate(algorithm, fuse);
        for (var step = 0; step < 5; step++)
        {
            Optimized.SetGradient(parameter, Optimized.Values(10 + step, 100));
            update.Update([member], algorithm.Maximize ? -0.5 : 0.5, 1.5);
            member.Updates++;
        }

        return Optimized.Read(parameter);
    }
}
