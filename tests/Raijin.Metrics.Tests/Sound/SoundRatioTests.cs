using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.SoundFamily;

/// <summary>Snr, SiSdr, SiSnr, ComplexSiSnr, SaSdr and Sdr.</summary>
public sealed class SoundRatioTests
{
    static readonly Dictionary<string, Func<ScalarMetric<Comparison>>> Metrics = new()
    {
        ["snr"] = () => new Snr(),
        ["snr_zero_mean"] = () => new Snr(zeroMean: true),
        ["si_sdr"] = () => new SiSdr(),
        ["si_snr"] = () => new SiSnr(),
        ["sa_sdr"] = () => new SaSdr(),
        ["sa_sdr_plain"] = () => new SaSdr(scaleInvariant: false, zeroMean: true),
        ["sdr16"] = () => new Sdr(16),
        ["sdr16_zero_mean"] = () => new Sdr(16, zeroMean: true),
        ["sdr16_load"] = () => new Sdr(16, load: 0.1),
    };

    public static TheoryData<string> Names => [.. Metrics.Keys];

    static (Tensor Predictions, Tensor Targets) Signals()
    {
        var targets = Pattern.Of(1, 3, 2, 400);
        return ((0.7 * targets) + (0.2 * Pattern.Of(2, 3, 2, 400)), targets);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Ratios_are_those_of_torchmetrics(string name)
    {
        using var scope = NewDisposeScope();
        var (p, t) = Signals();
        using var metric = Metrics[name]();
        Recording.Near(Recording.Open("sound").GetProperty(name).Numbers().Average(), metric.Of(p, t), 1e-9);
    }

    [Fact]
    public void Functions_give_each_signal_its_own()
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("sound");
        var (p, t) = Signals();
        Recording.Near(expected.GetProperty("snr").Numbers(), Raijin.Sound.Snr(p, t).Numbers(), 1e-9);
        Recording.Near(expected.GetProperty("si_sdr").Numbers(), Raijin.Sound.SiSdr(p, t).Numbers(), 1e-9);
        Recording.Near(expected.GetProperty("si_snr").Numbers(), Raijin.Sound.SiSnr(p, t).Numbers(), 1e-9);
        Recording.Near(expected.GetProperty("sa_sdr").Numbers(), Raijin.Sound.SaSdr(p, t).Numbers(), 1e-9);
        Recording.Near(expected.GetProperty("sdr16").Numbers(), Raijin.Sound.Sdr(p, t, 16).Numbers(), 1e-9);
        Assert.Equal([3, 2], Raijin.Sound.Sdr(p, t, 16).shape);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Complex_spectra_are_those_of_torchmetrics_in_either_form(bool zeroMean)
    {
        using var scope = NewDisposeScope();
        var expected = Recording.Open("sound").GetProperty(zeroMean ? "c_si_snr_zero_mean" : "c_si_snr").Numbers();
        var (p, t) = Signals();
        (p, t) = (p.reshape(3, 2, 20, 10, 2), t.reshape(3, 2, 20, 10, 2));
        Recording.Near(expected, Raijin.Sound.ComplexSiSnr(p, t, zeroMean).Numbers(), 1e-9);
        using var metric = new ComplexSiSnr(zeroMean);
        Recording.Near(expected.Average(), metric.Of(p.view_as_complex(), t.view_as_complex()), 1e-9);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(p, t.view_as_complex()));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(p.narrow(-1, 0, 1), t.narrow(-1, 0, 1)));
    }

    [Fact]
    public void The_long_filter_of_the_standard_is_that_of_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var targets = Pattern.Of(3, 2, 4000) - 0.5;
        var delayed = cat([zeros(2, 3, dtype: ScalarType.Float64), targets.narrow(1, 0, 3997)], 1);
        var predictions = (0.6 * delayed) + (0.3 * (Pattern.Of(4, 2, 4000) - 0.5));
        using var sdr = new Sdr();
        var expected = Recording.Open("sound").GetProperty("sdr512").Numbers().Average();
        Recording.Near(expected, sdr.Of(predictions, targets), 1e-9);
        Recording.Near(expected, sdr.Of(predictions.to(ScalarType.Float32), targets.to(ScalarType.Float32)), 1e-5);
    }

    [Fact]
    public void Silence_beside_silence_is_0_decibels_and_for_the_filtered_ratio_undefined()
    {
        using var scope = NewDisposeScope();
        var silence = zeros(1, 64);
        var (_, t) = Signals();
        t = t.flatten(0, 1);
        Assert.Equal(0, Raijin.Sound.Snr(silence, silence).item<float>());
        Assert.Equal(0, Raijin.Sound.SiSdr(silence, silence).item<float>());
        Assert.All(Raijin.Sound.Sdr(t, zeros_like(t), 16).Numbers(), v => Assert.Equal(double.NaN, v));
        Assert.All(Raijin.Sound.Sdr(t, zeros_like(t), 16, load: 1e-3).Numbers(), v => Recording.Near(-156.5, v, 1e-3));
    }

    [Fact]
    public void A_filtered_target_is_no_distortion_and_a_perfect_one_stays_finite()
    {
        using var scope = NewDisposeScope();
        var t = Pattern.Of(3, 2, 500) - 0.5;
        var echoed = t.clone();
        echoed.narrow(1, 4, 496).add_(t.narrow(1, 0, 496), 0.5);
        Assert.All(Raijin.Sound.Sdr(echoed, t, 8).Numbers(), v => Assert.InRange(v, 25, 157));
        Assert.All(Raijin.Sound.Sdr(t, t, 8).Numbers(), v => Assert.InRange(v, 100, 157));
        Assert.All(Raijin.Sound.SiSdr(echoed, t).Numbers(), v => Assert.InRange(v, 0, 10));
    }

    [Fact]
    public void Scale_does_not_matter_to_the_invariant_ones()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Signals();
        Recording.Near(Raijin.Sound.SiSdr(p, t).Numbers(), Raijin.Sound.SiSdr(7 * p, t).Numbers(), 1e-9);
        Recording.Near(Raijin.Sound.Sdr(p, t, 16).Numbers(), Raijin.Sound.Sdr(7 * p, t, 16).Numbers(), 1e-9);
        Assert.True(Raijin.Sound.Snr(7 * p, t).max().item<double>() < 0);
    }

    [Fact]
    public void Their_gradients_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var t = Pattern.Of(1, 2, 2, 40);
        var p = (0.7 * t) + (0.2 * Pattern.Of(2, 2, 2, 40));
        Pattern.HasGradient((x, y) => Raijin.Sound.Snr(x, y), p, t, 1e-5);
        Pattern.HasGradient((x, y) => Raijin.Sound.SiSdr(x, y, zeroMean: true), p, t, 1e-5);
        Pattern.HasGradient(Raijin.Sound.SiSnr, p, t, 1e-5);
        Pattern.HasGradient((x, y) => Raijin.Sound.ComplexSiSnr(x, y, zeroMean: true), p.reshape(2, 8, 5, 2), t.reshape(2, 8, 5, 2), 1e-5);
        Pattern.HasGradient((x, y) => Raijin.Sound.SaSdr(x, y), p, t, 1e-5);
        Pattern.HasGradient((x, y) => Raijin.Sound.Sdr(x, y, 4), p, t, 1e-5);
        Pattern.HasGradient((x, y) => Raijin.Sound.Sdr(y, x, 4), p, t, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_split_any_order_and_any_merge_give_the_same(string name)
    {
        using var scope = NewDisposeScope();
        var (p, t) = (Pattern.Of(1, 5, 2, 60), Pattern.Of(2, 5, 2, 60));
        using var whole = Metrics[name]();
        var expected = whole.Of(p, t);
        Gen.Select(Gen.Shuffle(new long[] { 0, 1, 2, 3, 4 }), Gen.Int[0, 5]).Sample(
            (order, cut) =>
            {
                using var inner = NewDisposeScope();
                var index = tensor(order);
                var (x, y) = (p.index_select(0, index), t.index_select(0, index));
                using var left = Metrics[name]();
                using var right = Metrics[name]();
                left.Update(x.narrow(0, 0, cut), y.narrow(0, 0, cut));
                right.Update(x.narrow(0, cut, 5 - cut), y.narrow(0, cut, 5 - cut));
                right.Merge(left);
                Recording.Near(expected, right.Compute(), 1e-9);
            },
            iter: 10, threads: 1);
    }

    [Fact]
    public void Weights_count_recordings_with_all_their_speakers()
    {
        using var scope = NewDisposeScope();
        var (p, t) = Signals();
        using var snr = new Snr();
        var each = Raijin.Sound.Snr(p, t).mean([1]).Numbers();
        Recording.Near((each[0] + (3 * each[2])) / 4, snr.Of(p, t, tensor(new[] { 1.0, 0, 3 })), 1e-12);
    }

    [Fact]
    public void Shapes_that_are_no_signals_are_refused()
    {
        using var scope = NewDisposeScope();
        using var snr = new Snr();
        using var aggregated = new SaSdr();
        Assert.Throws<ShapeMismatchException>(() => snr.Update(zeros(8), zeros(8)));
        Assert.Throws<ShapeMismatchException>(() => snr.Update(zeros(2, 8), zeros(2, 9)));
        Assert.Throws<ShapeMismatchException>(() => snr.Update(zeros(2, 0), zeros(2, 0)));
        Assert.Contains("speakers", Assert.Throws<ShapeMismatchException>(() => aggregated.Update(zeros(2, 8), zeros(2, 8))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sdr(0));
    }
}
