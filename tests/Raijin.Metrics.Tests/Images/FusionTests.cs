using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.ImageFamily;

public sealed class FusionTests
{
    static (Tensor Fused, Tensor Bands, Tensor Fine, Tensor Coarse) Scenes() =>
        (Pattern.Of(8, 2, 3, 32, 48), Pattern.Of(10, 2, 3, 16, 24), Pattern.Of(9, 2, 3, 32, 48), Pattern.Of(11, 2, 3, 16, 24));

    [Fact]
    public void Spectral_distortions_are_those_of_torchmetrics_scene_by_scene()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (fused, bands, _, _) = Scenes();
        using var first = new SpectralDistortion();
        using var third = new SpectralDistortion(3);
        Recording.Near(expected.GetProperty("d_lambda").Number(), first.Of(fused, bands), 1e-12);
        Recording.Near(expected.GetProperty("d_lambda_p3").Number(), third.Of(fused, bands), 1e-12);
    }

    [Fact]
    public void Spatial_distortions_are_those_of_torchmetrics_scene_by_scene()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (fused, bands, fine, coarse) = Scenes();
        using var first = new SpatialDistortion();
        using var second = new SpatialDistortion(2);
        using var small = new SpatialDistortion(windowSize: 4);
        Recording.Near(expected.GetProperty("d_s").Number(), first.Of(fused, bands, fine, coarse), 1e-12);
        Recording.Near(expected.GetProperty("d_s_q2").Number(), second.Of(fused, bands, fine, coarse), 1e-12);
        Recording.Near(expected.GetProperty("d_s_made7").Number(), first.Of(fused, bands, fine), 1e-12);
        Recording.Near(expected.GetProperty("d_s_made4").Number(), small.Of(fused, bands, fine), 1e-12);
    }

    [Fact]
    public void Qualities_are_those_of_torchmetrics_scene_by_scene()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (fused, bands, fine, coarse) = Scenes();
        using var qnr = new Qnr();
        using var powers = new Qnr(2, 0.5, 2);
        qnr.Update(fused.narrow(0, 0, 1), bands.narrow(0, 0, 1), fine.narrow(0, 0, 1), coarse.narrow(0, 0, 1));
        qnr.Update(fused.narrow(0, 1, 1), bands.narrow(0, 1, 1), fine.narrow(0, 1, 1), coarse.narrow(0, 1, 1));
        Recording.Near(expected.GetProperty("qnr").Number(), qnr.Compute(), 1e-12);
        Recording.Near(expected.GetProperty("qnr_powers").Number(), powers.Of(fused, bands, fine, coarse), 1e-12);
    }

    [Fact]
    public void One_panchromatic_image_serves_all_bands()
    {
        using var scope = NewDisposeScope();
        var (fused, bands, fine, coarse) = Scenes();
        using var distortion = new SpatialDistortion();
        var (one, oneCoarse) = (fine.narrow(1, 0, 1), coarse.narrow(1, 0, 1));
        Assert.Equal(distortion.Of(fused, bands, one.expand(2, 3, 32, 48), oneCoarse.expand(2, 3, 16, 24)), distortion.Of(fused, bands, one, oneCoarse));
        Assert.Equal(distortion.Of(fused, bands, one.expand(2, 3, 32, 48)), distortion.Of(fused, bands, one));
    }

    [Fact]
    public void What_was_not_changed_is_not_distorted()
    {
        using var scope = NewDisposeScope();
        var (_, bands, _, coarse) = Scenes();
        Assert.Equal([0, 0], Raijin.Images.SpectralDistortion(bands, bands).Numbers());
        Assert.Equal([0, 0], Raijin.Images.SpatialDistortion(bands, bands, coarse, coarse).Numbers());
        Assert.Equal([1, 1], Raijin.Images.Qnr(bands, bands, coarse, coarse).Numbers());
    }

    [Fact]
    public void A_selection_of_scenes_is_their_mean()
    {
        using var scope = NewDisposeScope();
        var (fused, bands, fine, coarse) = Scenes();
        var second = new Fusion(fused, bands, fine, coarse).Select(tensor(new long[] { 1 }));
        using var qnr = new Qnr();
        Recording.Near(Raijin.Images.Qnr(fused, bands, fine, coarse)[1].item<double>(), qnr.Of(second), 1e-12);
    }

    [Fact]
    public void Their_gradients_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var (fused, bands, fine, _) = (Pattern.Of(8, 1, 2, 22, 24), Pattern.Of(10, 1, 2, 11, 12), Pattern.Of(9, 1, 1, 22, 24), 0);
        Pattern.HasGradient((x, y) => Raijin.Images.SpectralDistortion(x, y), fused, bands);
        Pattern.HasGradient((x, y) => Raijin.Images.Qnr(x, y, fine, order: 2), fused, bands);
    }

    [Fact]
    public void Images_that_do_not_belong_together_are_refused()
    {
        using var scope = NewDisposeScope();
        var (fused, bands, fine, coarse) = Scenes();
        using var qnr = new Qnr();
        Assert.Contains("divisors of 32 and 48", Assert.Throws<ShapeMismatchException>(() => qnr.Update(fused, bands.narrow(2, 0, 15), fine)).Message);
        Assert.StartsWith("panchromatic", Assert.Throws<ShapeMismatchException>(() => qnr.Update(fused, bands, fine.narrow(2, 0, 31))).Message, StringComparison.Ordinal);
        Assert.StartsWith("coarse panchromatic", Assert.Throws<ShapeMismatchException>(() => qnr.Update(fused, bands, fine, fine)).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeMismatchException>(() => qnr.Update(fused.narrow(1, 0, 1), bands.narrow(1, 0, 1), fine.narrow(1, 0, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SpectralDistortion(0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Qnr(-1));
    }
}
