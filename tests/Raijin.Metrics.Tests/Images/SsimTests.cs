using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.ImageFamily;

public sealed class SsimTests
{
    static double Of(Ssim metric, Tensor p, Tensor t)
    {
        using (metric) return metric.Of(p, t);
    }

    [Fact]
    public void Similarities_are_those_of_scikit_image()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (p, t) = Pattern.Pair(2, 2, 3, 20, 24);
        Recording.Near(expected.GetProperty("ssim").Number(), Of(new(), p, t), 1e-12);
        Recording.Near(expected.GetProperty("ssim").Number(), Of(new(100), p * 100, t * 100), 1e-12);
        Recording.Near(expected.GetProperty("ssim_sigma").Number(), Of(new(window: ImageWindow.Gaussian(0.8)), p, t), 1e-12);
        Recording.Near(expected.GetProperty("ssim_uniform7").Number(), Of(new(window: ImageWindow.Uniform(7)), p, t), 1e-12);
        Recording.Near(expected.GetProperty("ssim_constants").Number(), Of(new(k1: 0.05, k2: 0.1), p, t), 1e-12);
        (p, t) = Pattern.Pair(3, 2, 1, 14, 16, 18);
        Recording.Near(expected.GetProperty("ssim_volume").Number(), Of(new(), p, t), 1e-12);
    }

    [Fact]
    public void With_a_mirrored_border_they_are_those_of_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (p, t) = Pattern.Pair(2, 2, 3, 20, 24);
        Recording.Near(expected.GetProperty("ssim_reflect").Number(), Of(new(border: ImageBorder.Reflect), p, t), 1e-12);
        Recording.Near(expected.GetProperty("ssim_reflect_axes").Number(), Of(new(window: ImageWindow.Gaussian(1.5, 0.8), border: ImageBorder.Reflect), p, t), 1e-12);
        Recording.Near(expected.GetProperty("ssim_reflect_uniform").Number(), Of(new(window: ImageWindow.Uniform(5, 9), border: ImageBorder.Reflect), p, t), 1e-12);
        (p, t) = Pattern.Pair(3, 2, 1, 14, 16, 18);
        Recording.Near(expected.GetProperty("ssim_volume_reflect").Number(), Of(new(border: ImageBorder.Reflect), p, t), 1e-12);
    }

    [Fact]
    public void Maps_give_similarity_and_contrast_at_every_position()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (p, t) = Pattern.Pair(2, 2, 3, 20, 24);
        var whole = Raijin.Images.SsimMaps(p, t, border: ImageBorder.Reflect).Similarity;
        Assert.Equal([2, 3, 20, 24], whole.shape);
        Recording.Near(expected.GetProperty("ssim_map").Numbers(), [whole[0, 0, 0, 0].item<double>(), whole[1, 2, 10, 3].item<double>(), whole[1, 0, 19, 23].item<double>()], 1e-12);
        var inside = Raijin.Images.SsimMaps(p, t);
        Assert.Equal([2, 3, 10, 14], inside.Contrast.shape);
        Recording.Near(expected.GetProperty("ssim_contrast").Numbers(), inside.Contrast.mean([1, 2, 3]).Numbers(), 1e-12);
        Recording.Near(Raijin.Images.Ssim(p, t).Numbers(), inside.Similarity.mean([1, 2, 3]).Numbers(), 1e-12);
    }

    [Fact]
    public void Equal_images_are_1_and_opposite_ones_below_0()
    {
        using var scope = NewDisposeScope();
        var images = Pattern.Of(1, 2, 1, 16, 16);
        Recording.Near([1, 1], Raijin.Images.Ssim(images, images).Numbers(), 1e-15);
        Assert.True(Raijin.Images.Ssim(images, 1 - images).max().item<double>() < 0);
        var flat = full([1, 1, 16, 16], 0.25);
        Recording.Near(1, Raijin.Images.Ssim(flat, flat).item<float>(), 1e-7);
    }

    [Fact]
    public void Its_gradient_is_that_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(2, 1, 2, 12, 13);
        Pattern.HasGradient((x, y) => Raijin.Images.Ssim(x, y), p, t);
        Pattern.HasGradient((x, y) => Raijin.Images.Ssim(x, y, border: ImageBorder.Reflect, window: ImageWindow.Uniform(3)), p, t);
        (p, t) = Pattern.Pair(2, 1, 1, 5, 6, 7);
        Pattern.HasGradient((x, y) => Raijin.Images.Ssim(x, y, window: ImageWindow.Uniform(3, 3, 5)), p, t);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.Float16, 2e-3)]
    [InlineData(ScalarType.BFloat16, 2e-2)]
    public void Narrower_floats_give_the_same_to_their_precision(ScalarType dtype, double tolerance)
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(2, 2, 3, 20, 24);
        Recording.Near(Of(new(), p, t), Of(new(), p.to(dtype), t.to(dtype)), tolerance);
    }

    [Fact]
    public void Windows_that_do_not_fit_are_refused()
    {
        using var scope = NewDisposeScope();
        using var ssim = new Ssim();
        Assert.Contains("at least 11 pixels", Assert.Throws<ShapeMismatchException>(() => ssim.Update(zeros(1, 1, 16, 10), zeros(1, 1, 16, 10))).Message);
        Assert.Throws<ShapeMismatchException>(() => ssim.Update(zeros(1, 16, 16), zeros(1, 16, 16)));
        Assert.Throws<ShapeMismatchException>(() => Raijin.Images.Ssim(zeros(1, 1, 16, 16), zeros(1, 1, 16, 16), window: ImageWindow.Uniform(3, 3, 3)));
        Assert.Throws<ArgumentException>(() => new Ssim(window: ImageWindow.Uniform(8), border: ImageBorder.Reflect));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Ssim(-1));
    }

    [Fact]
    public void Equal_options_share_their_states()
    {
        using var metrics = new MetricCollection { { "a", new Ssim() }, { "b", new Ssim(window: ImageWindow.Gaussian(1.5)) }, { "c", new Ssim(window: ImageWindow.Gaussian(1.6)) } };
        Assert.Equal(2, metrics.NumAccumulations);
    }
}
