using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.ImageFamily;

public sealed class VifTests
{
    [Fact]
    public void Fidelities_are_those_of_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (p, t) = Pattern.Pair(7, 2, 2, 48, 52);
        using var vif = new Vif();
        using var clearer = new Vif(0.4);
        Recording.Near(expected.GetProperty("vif").Number(), vif.Of(255 * p, 255 * t), 1e-10);
        Recording.Near(expected.GetProperty("vif_raised").Number(), vif.Of(255 * (0.1 + (0.9 * t)), 255 * t), 1e-10);
        Recording.Near(expected.GetProperty("vif_opposed").Number(), vif.Of(255 * (1 - t), 255 * t), 1e-10);
        Recording.Near(expected.GetProperty("vif_noise").Number(), clearer.Of(255 * p, 255 * t), 1e-10);
    }

    [Fact]
    public void Equal_images_keep_everything_and_a_flat_target_holds_nothing()
    {
        using var scope = NewDisposeScope();
        var images = 255 * Pattern.Of(7, 1, 1, 41, 41);
        using var vif = new Vif();
        Recording.Near(1, vif.Of(images, images), 1e-9);
        Assert.Equal(0, vif.Of(full_like(images, 100), images));
        Assert.Equal(double.NaN, vif.Of(images, full_like(images, 100)));
    }

    [Fact]
    public void Its_gradient_is_that_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(7, 1, 1, 41, 42);
        Pattern.HasGradient((x, y) => Raijin.Images.Vif(255 * x, 255 * y), p, t);
    }

    [Fact]
    public void Images_too_small_for_four_scales_are_refused()
    {
        using var scope = NewDisposeScope();
        using var vif = new Vif();
        Assert.Throws<ShapeMismatchException>(() => vif.Update(zeros(1, 1, 40, 41), zeros(1, 1, 40, 41)));
    }
}
