using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.ImageFamily;

public sealed class PsnrBTests
{
    static Tensor Blocks(int size) => (arange(20).div(size).floor().unsqueeze(1) + arange(28).div(size).floor()).remainder(2).to(ScalarType.Float64) * 0.3;

    [Fact]
    public void Ratios_are_those_of_torchmetrics_image_by_image()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (p, t) = Pattern.Pair(1, 3, 1, 20, 28);
        var steady = (0.5 + (0.01 * arange(28, ScalarType.Float64))).expand(3, 1, 20, 28);
        using var psnrb = new PsnrB();
        using var small = new PsnrB(2.0, 4);
        Recording.Near(expected.GetProperty("psnrb_smooth").Number(), psnrb.Of(p, t), 1e-12);
        Recording.Near(expected.GetProperty("psnrb_blocks").Number(), psnrb.Of(steady + Blocks(8), steady), 1e-12);
        Recording.Near(expected.GetProperty("psnrb_blocks4").Number(), small.Of(steady + Blocks(4), steady), 1e-12);
    }

    [Fact]
    public void Seams_lower_it_below_the_plain_ratio()
    {
        using var scope = NewDisposeScope();
        var steady = (0.5 + (0.01 * arange(28, ScalarType.Float64))).expand(3, 1, 20, 28);
        var coded = steady + Blocks(8);
        Assert.True(Raijin.Images.PsnrB(coded, steady).max().item<double>() < Raijin.Images.Psnr(coded, steady).min().item<double>());
    }

    [Fact]
    public void Images_smaller_than_a_block_have_no_seams()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(1, 2, 1, 5, 6);
        Recording.Near(Raijin.Images.Psnr(p, t).Numbers(), Raijin.Images.PsnrB(p, t).Numbers(), 1e-12);
    }

    [Fact]
    public void Images_of_several_channels_are_refused()
    {
        using var scope = NewDisposeScope();
        using var psnrb = new PsnrB();
        Assert.Contains("gray", Assert.Throws<ShapeMismatchException>(() => psnrb.Update(zeros(1, 3, 16, 16), zeros(1, 3, 16, 16))).Message);
    }
}
