using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.ImageFamily;

public sealed class PsnrTests
{
    [Fact]
    public void Ratios_are_those_of_scikit_image_and_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (p, t) = Pattern.Pair(1, 3, 2, 16, 24);
        using var psnr = new Psnr();
        using var bytes = new Psnr(200);
        using var bits = new Psnr(logBase: 2);
        using var perImage = new Psnr(perImage: true);
        Recording.Near(expected.GetProperty("psnr").Number(), psnr.Of(p, t), 1e-12);
        Recording.Near(expected.GetProperty("psnr_255").Number(), bytes.Of(p * 255, t * 255), 1e-12);
        Recording.Near(expected.GetProperty("psnr_base2").Number(), bits.Of(p, t), 1e-12);
        Recording.Near(expected.GetProperty("psnr_per_image").Number(), perImage.Of(p, t), 1e-12);
        Recording.Near(expected.GetProperty("psnr_per_image").Number(), Raijin.Images.Psnr(p, t).mean().item<double>(), 1e-12);
    }

    [Fact]
    public void Ratios_of_any_range_base_and_mean_share_their_states()
    {
        using var metrics = new MetricCollection { { "a", new Psnr() }, { "b", new Psnr(255, 2) }, { "c", new Psnr(perImage: true) } };
        Assert.Equal(1, metrics.NumAccumulations);
    }

    [Fact]
    public void Equal_images_have_an_infinite_ratio()
    {
        using var scope = NewDisposeScope();
        var images = Pattern.Of(1, 2, 1, 4, 4);
        using var psnr = new Psnr();
        using var perImage = new Psnr(perImage: true);
        Assert.Equal(double.PositiveInfinity, psnr.Of(images, images));
        Assert.Equal(double.PositiveInfinity, perImage.Of(images, images));
    }

    [Fact]
    public void Nothing_but_empty_batches_is_not_a_number()
    {
        using var scope = NewDisposeScope();
        var images = zeros(0, 1, 4, 4);
        using var psnr = new Psnr();
        Assert.Equal(double.NaN, psnr.Of(images, images));
    }

    [Fact]
    public void Bytes_are_compared_as_numbers()
    {
        using var scope = NewDisposeScope();
        var dark = tensor(new byte[] { 0, 1, 2, 3 }).reshape(1, 1, 2, 2);
        var light = tensor(new byte[] { 2, 3, 4, 5 }).reshape(1, 1, 2, 2);
        using var psnr = new Psnr(255);
        Recording.Near(10 * Math.Log10(255.0 * 255 / 4), psnr.Of(dark, light), 1e-12);
    }

    [Fact]
    public void Its_gradient_is_that_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(1, 2, 1, 5, 6);
        Pattern.HasGradient((x, y) => Raijin.Images.Psnr(x, y), p, t, 1e-5);
    }

    [Fact]
    public void Images_of_another_shape_than_their_targets_are_refused()
    {
        using var scope = NewDisposeScope();
        using var psnr = new Psnr();
        var error = Assert.Throws<ShapeMismatchException>(() => psnr.Update(zeros(2, 1, 4, 4), zeros(2, 1, 4, 5)));
        Assert.Contains("[2, 1, 4, 5]", error.Message);
        Assert.Equal(0, psnr.Updates);
        Assert.Throws<ShapeMismatchException>(() => psnr.Update(zeros(2, 1, 4, 4), zeros(2, 1, 4, 4), zeros(3)));
    }

    [Fact]
    public void A_range_or_base_that_makes_no_sense_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Psnr(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Psnr(1, 1));
    }
}
