using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.SoundFamily;

public sealed class StoiTests
{
    /// <summary>Noise in syllables, with pauses, [1, T].</summary>
    static Tensor Speech(int samples)
    {
        var i = arange(samples, ScalarType.Float64);
        return (Pattern.Of(7, 1, samples) - 0.5) * (i / 700.0).sin().relu().square() * where((i / 3000.0).sin().gt(-0.6), 1.0, 1e-4);
    }

    static Tensor Noisy(Tensor clean) => clean + (0.15 * (Pattern.Of(8, clean.shape[^1]) - 0.5));

    [Theory]
    [InlineData(10_000, 12_000)]
    [InlineData(16_000, 18_000)]
    [InlineData(8_000, 9_000)]
    public void Scores_are_those_of_the_papers_formulas(int rate, int samples)
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("sound");
        var clean = Speech(samples);
        var noisy = Noisy(clean);
        Recording.Near(expected.GetProperty($"stoi{rate}").Number(), Raijin.Sound.Stoi(noisy, clean, rate).item<double>(), 1e-9);
        Recording.Near(expected.GetProperty($"estoi{rate}").Number(), Raijin.Sound.Stoi(noisy, clean, rate, extended: true).item<double>(), 1e-9);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Equal_speech_is_1_and_silence_0(bool extended)
    {
        using var scope = NewDisposeScope();
        var clean = Speech(12_000);
        Recording.Near(1, Raijin.Sound.Stoi(clean, clean, 10_000, extended).item<double>(), 1e-9);
        Assert.Equal(0, Raijin.Sound.Stoi(zeros_like(clean), clean, 10_000, extended).item<double>());
    }

    [Fact]
    public void The_metric_is_the_mean_of_the_signals_whatever_their_pauses()
    {
        using var scope = NewDisposeScope();
        var clean = cat([Speech(12_000), Speech(12_000).roll(500, 1)]).unsqueeze(0);
        var noisy = Noisy(clean);
        using var metric = new Stoi(10_000);
        var each = Raijin.Sound.Stoi(noisy, clean, 10_000);
        Assert.Equal([1, 2], each.shape);
        Recording.Near(Raijin.Sound.Stoi(noisy.narrow(1, 1, 1), clean.narrow(1, 1, 1), 10_000).item<double>(), each[0, 1].item<double>(), 1e-12);
        Recording.Near(each.Numbers().Average(), metric.Of(noisy, clean), 1e-12);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(256)]
    [InlineData(3_000)]
    public void Speech_shorter_than_a_segment_has_no_score(int samples)
    {
        using var scope = NewDisposeScope();
        var clean = Speech(samples);
        Assert.Equal(double.NaN, Raijin.Sound.Stoi(clean, clean, 10_000).item<double>());
    }

    [Fact]
    public void Its_gradient_is_that_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var clean = Speech(9_000);
        var noisy = Noisy(clean);
        using var point = noisy.clone().requires_grad_();
        Raijin.Sound.Stoi(point, clean, 8_000).sum().backward();
        var direction = Pattern.Of(9, 1, 9_000) - 0.5;
        var slope = (point.grad! * direction).sum().item<double>();
        double Moved(double by) => Raijin.Sound.Stoi(noisy + (by * direction), clean, 8_000).item<double>();
        Assert.True(Math.Abs(slope) > 1e-3);
        Recording.Near((Moved(1e-6) - Moved(-1e-6)) / 2e-6, slope, 1e-5);
    }

    [Fact]
    public void A_loss_of_silence_has_a_gradient()
    {
        using var scope = NewDisposeScope();
        var clean = Speech(9_000);
        var silence = zeros_like(clean).requires_grad_();
        Raijin.Sound.Stoi(silence, clean, 10_000).sum().backward();
        Assert.All(silence.grad!.Numbers(), g => Assert.True(double.IsFinite(g)));
    }

    [Fact]
    public void A_rate_is_positive() => Assert.Throws<ArgumentOutOfRangeException>(() => new Stoi(0));
}
