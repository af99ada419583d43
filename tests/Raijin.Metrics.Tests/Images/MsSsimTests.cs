using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.ImageFamily;

public sealed class MsSsimTests
{
    [Fact]
    public void Similarities_are_those_composed_from_scikit_image()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (p, t) = Pattern.Pair(4, 1, 1, 180, 192);
        using var clamped = new MsSsim();
        using var shifted = new MsSsim(terms: MsSsimTerms.Shifted);
        using var three = new MsSsim(betas: [0.3, 0.7, 0.2]);
        Recording.Near(expected.GetProperty("msssim").Number(), clamped.Of(p, t), 1e-9);
        Recording.Near(expected.GetProperty("msssim_shifted").Number(), shifted.Of(p, t), 1e-9);
        (p, t) = Pattern.Pair(5, 2, 3, 47, 50);
        Recording.Near(expected.GetProperty("msssim_colour").Number(), three.Of(p, t), 1e-9);
    }

    [Fact]
    public void One_scale_is_plain_similarity_and_volumes_are_halved_too()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(5, 2, 1, 16, 16);
        Recording.Near(Raijin.Images.Ssim(p, t).Numbers(), Raijin.Images.MsSsim(p, t, betas: [1.0]).Numbers(), 1e-12);
        (p, t) = Pattern.Pair(5, 1, 1, 8, 9, 10);
        var window = ImageWindow.Uniform(3);
        var contrast = Raijin.Images.SsimMaps(p, t, window: window).Contrast.mean();
        Tensor Halve(Tensor v) => v.narrow(2, 0, 8).narrow(3, 0, 8).narrow(4, 0, 10).reshape(1, 1, 4, 2, 4, 2, 5, 2).mean([3, 5, 7]);
        var expected = contrast * Raijin.Images.Ssim(Halve(p), Halve(t), window: window);
        Recording.Near(expected.Numbers(), Raijin.Images.MsSsim(p, t, window: window, betas: [1.0, 1.0]).Numbers(), 1e-12);
    }

    [Fact]
    public void A_term_below_zero_is_clamped_shifted_or_not_a_number()
    {
        using var scope = NewDisposeScope();
        var images = Pattern.Of(1, 1, 1, 24, 24);
        Assert.Equal(0, Raijin.Images.MsSsim(1 - images, images, betas: [0.5, 0.5]).item<double>());
        Assert.InRange(Raijin.Images.MsSsim(1 - images, images, terms: MsSsimTerms.Shifted, betas: [0.5, 0.5]).item<double>(), 1e-6, 0.5);
        Assert.Equal(double.NaN, Raijin.Images.MsSsim(1 - images, images, terms: MsSsimTerms.Raw, betas: [0.5, 0.5]).item<double>());
    }

    [Fact]
    public void Its_gradient_is_that_of_finite_differences_and_never_undefined()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(5, 1, 1, 24, 25);
        Pattern.HasGradient((x, y) => Raijin.Images.MsSsim(x, y, betas: [0.4, 0.6]), p, t);
        var opposed = (1 - t).requires_grad_();
        Raijin.Images.MsSsim(opposed, t, betas: [0.4, 0.6]).sum().backward();
        Assert.All(opposed.grad!.Numbers(), g => Assert.Equal(0, g));
    }

    [Fact]
    public void Images_too_small_for_the_last_scale_are_refused()
    {
        using var scope = NewDisposeScope();
        using var metric = new MsSsim();
        Assert.Contains("at least 176 pixels", Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros(1, 1, 175, 176), zeros(1, 1, 175, 176))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new MsSsim(betas: [0.5, -0.5]));
    }
}
