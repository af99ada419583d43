using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.ImageFamily;

/// <summary>Uqi, Sam, Ergas, RmseSw, Rase, Scc, TotalVariation and the gradients.</summary>
public sealed class SpectralTests
{
    [Fact]
    public void Quality_indices_are_those_of_torchmetrics_and_of_the_formula()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (p, t) = Pattern.Pair(6, 2, 3, 20, 24);
        using var gaussian = new Uqi();
        using var blocks = new Uqi(ImageWindow.Uniform(8));
        Recording.Near(expected.GetProperty("uqi").Number(), gaussian.Of(p, t), 1e-12);
        Recording.Near(expected.GetProperty("uqi_uniform8").Number(), blocks.Of(p, t), 1e-12);
    }

    [Fact]
    public void Flat_windows_are_compared_by_their_means()
    {
        using var scope = NewDisposeScope();
        var flat = full([1, 1, 12, 12], 0.3, ScalarType.Float64);
        Assert.Equal(1, Raijin.Images.Uqi(flat, flat).item<double>());
        Recording.Near(2 * 0.3 * 0.1 / (0.09 + 0.01), Raijin.Images.Uqi(flat, flat / 3).item<double>(), 1e-12);
        Assert.Equal(1, Raijin.Images.Uqi(zeros(1, 1, 12, 12), zeros(1, 1, 12, 12)).item<float>());
        Assert.Equal(0, Raijin.Images.Uqi(flat, zeros_like(flat)).item<double>());
    }

    [Fact]
    public void Angles_are_those_of_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(6, 2, 3, 20, 24);
        using var sam = new Sam();
        Recording.Near(Recording.Open("images").GetProperty("sam").Number(), sam.Of(p, t), 1e-12);
    }

    [Fact]
    public void Small_angles_keep_their_digits_and_equal_spectra_have_none()
    {
        using var scope = NewDisposeScope();
        var spectrum = tensor(new[] { 1f, 0f }).reshape(1, 2, 1, 1);
        var turned = tensor(new[] { 1f, 1e-5f }).reshape(1, 2, 1, 1);
        Recording.Near(1, Raijin.Images.Sam(turned, spectrum).item<float>() / 1e-5, 1e-6);
        Assert.Equal(0, Raijin.Images.Sam(3 * turned, 3 * turned).item<float>());
        Recording.Near(Math.PI, Raijin.Images.Sam(-spectrum, spectrum).item<float>(), 1e-6);
    }

    [Fact]
    public void Pixels_without_a_spectrum_are_left_out_of_the_angle()
    {
        using var scope = NewDisposeScope();
        var images = tensor(new[] { 1.0, 0, 0, 0, 1, 0 }).reshape(1, 2, 1, 3);
        var targets = tensor(new[] { 1.0, 1, 1, 0, 0, 1 }).reshape(1, 2, 1, 3);
        Recording.Near(Math.PI / 4, Raijin.Images.Sam(images, targets).item<double>(), 1e-12);
        Assert.Equal(double.NaN, Raijin.Images.Sam(zeros_like(images), targets).item<double>());
        var point = images.clone().requires_grad_();
        Raijin.Images.Sam(point, targets).sum().backward();
        Assert.All(point.grad!.Numbers(), g => Assert.False(double.IsNaN(g)));
    }

    [Fact]
    public void Errors_of_synthesis_are_those_of_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (p, t) = Pattern.Pair(6, 2, 3, 20, 24);
        using var ergas = new Ergas();
        using var half = new Ergas(2);
        Recording.Near(expected.GetProperty("ergas").Number(), ergas.Of(p, t), 1e-12);
        Recording.Near(expected.GetProperty("ergas_ratio2").Number(), half.Of(p, t), 1e-12);
        Assert.Equal(double.PositiveInfinity, ergas.Of(p, zeros_like(t)));
        Assert.Equal(double.NaN, ergas.Of(zeros_like(t), zeros_like(t)));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Sliding_errors_are_those_of_torchmetrics(int window)
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images");
        var (p, t) = Pattern.Pair(6, 2, 3, 20, 24);
        using var rmse = new RmseSw(window);
        using var rase = new Rase(window);
        Recording.Near(expected.GetProperty($"rmse_sw{window}").Number(), rmse.Of(p, t), 1e-12);
        Recording.Near(expected.GetProperty($"rase{window}").Number(), rase.Of(p, t), 1e-12);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(8)]
    public void Correlations_of_details_are_those_of_torchmetrics(int window)
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(6, 2, 3, 20, 24);
        using var scc = new Scc(window);
        Recording.Near(Recording.Open("images").GetProperty($"scc{window}").Number(), scc.Of(p, t), 1e-12);
    }

    [Fact]
    public void Images_without_details_correlate_with_nothing()
    {
        using var scope = NewDisposeScope();
        var (p, _) = Pattern.Pair(6, 1, 1, 12, 12);
        Assert.Equal(0, Raijin.Images.Scc(p, full_like(p, 0.1)).item<double>());
        Recording.Near(1, Raijin.Images.Scc(p, 0.5 * p).item<double>(), 1e-9);
    }

    [Fact]
    public void Variations_are_those_of_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("images").GetProperty("total_variation").Numbers();
        var (p, _) = Pattern.Pair(6, 2, 3, 20, 24);
        Recording.Near(expected, Raijin.Images.TotalVariation(p).Numbers(), 1e-12);
        using var metric = new TotalVariation();
        metric.Update(p.narrow(0, 0, 1));
        metric.Update(p.narrow(0, 1, 1));
        Recording.Near(expected.Average(), metric.Compute(), 1e-12);
        Recording.Near(expected.Sum(), metric.Total(), 1e-12);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros(3, 20, 24)));
    }

    [Fact]
    public void Gradients_are_steps_to_the_next_pixel_and_0_at_the_end()
    {
        using var scope = NewDisposeScope();
        var (vertical, horizontal) = Raijin.Images.Gradients(tensor(new[] { 1.0, 2, 4, 7, 11, 16 }).reshape(1, 1, 2, 3));
        Assert.Equal([6, 9, 12, 0, 0, 0], vertical.Numbers());
        Assert.Equal([1, 2, 0, 4, 5, 0], horizontal.Numbers());
    }

    [Fact]
    public void Their_gradients_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Pattern.Pair(6, 1, 2, 12, 13);
        Pattern.HasGradient((x, y) => Raijin.Images.Uqi(x, y), p, t);
        Pattern.HasGradient(Raijin.Images.Sam, p, t);
        Pattern.HasGradient((x, y) => Raijin.Images.Ergas(x, y), p, t);
        Pattern.HasGradient((x, y) => Raijin.Images.Rase(x, y), p, t);
        Pattern.HasGradient((x, y) => Raijin.Images.RmseSw(x, y), p, t);
        Pattern.HasGradient((x, y) => Raijin.Images.Scc(x, y), p, t);
        Pattern.HasGradient((x, _) => Raijin.Images.TotalVariation(x), p, t);
    }

    [Fact]
    public void One_channel_has_no_spectrum_and_a_window_has_a_size()
    {
        using var scope = NewDisposeScope();
        using var sam = new Sam();
        Assert.Contains("C at least 2", Assert.Throws<ShapeMismatchException>(() => sam.Update(zeros(1, 1, 4, 4), zeros(1, 1, 4, 4))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new RmseSw(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Scc(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageWindow.Gaussian(1.5, 0));
        Assert.Throws<ArgumentException>(() => ImageWindow.Uniform());
        using var rmse = new RmseSw();
        Assert.Throws<ShapeMismatchException>(() => rmse.Update(zeros(1, 1, 8, 16), zeros(1, 1, 8, 16)));
    }
}
