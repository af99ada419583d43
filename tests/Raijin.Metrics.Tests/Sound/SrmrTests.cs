using System.Text.Json;
using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.SoundFamily;

public sealed class SrmrTests
{
    const int Rate = 8_000;

    /// <summary>A tone and noise in syllables, with some flutter, [1, T].</summary>
    static Tensor Speech(int rate, int samples, double tone, double noise)
    {
        var i = arange(samples, ScalarType.Float64);
        var level = (i * (25.0 / rate)).sin().relu().square() + (0.2 * (i * (400.0 / rate)).sin().square());
        return (((i * (2 * Math.PI * tone / rate)).sin() + (noise * (Pattern.Of(7, samples) - 0.5))) * level).unsqueeze(0);
    }

    /// <summary>Recordings of two channels each, [3, 2, T].</summary>
    static Tensor Recordings(int samples = 2_200) =>
        cat([.. Enumerable.Range(0, 6).Select(k => Speech(Rate, samples, 200 + (300 * k), 0.5))]).reshape(3, 2, samples);

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Recording.Open("srmr").GetArrayLength())];

    static double Score(JsonElement recorded) => Raijin.Sound.Srmr(
        Speech(recorded.GetProperty("rate").GetInt32(), recorded.GetProperty("samples").GetInt32(), recorded.GetProperty("tone").Number(), recorded.GetProperty("noise").Number()),
        recorded.GetProperty("rate").GetInt32(),
        recorded.GetProperty("normalized").GetBoolean(),
        recorded.GetProperty("filters").GetInt32(),
        recorded.GetProperty("low").Number(),
        recorded.GetProperty("min").Number(),
        recorded.GetProperty("max").Number() is var max && double.IsNaN(max) ? null : max).item<double>();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Ratios_are_those_of_the_papers_formulas_and_of_torchmetrics_with_their_window(int which)
    {
        using var scope = NewDisposeScope();
        var recorded = Recording.Open("srmr")[which];
        var ratio = Score(recorded);
        // The poles of the slowest filter lie 1e-4 off the unit circle: the last digits of its coefficients count a thousandfold.
        Recording.Near(recorded.GetProperty("formula").Number(), ratio, 1e-10);
        Recording.Near(recorded.GetProperty("window").Number(), ratio, 1e-10);
        Recording.Near(recorded.GetProperty("torchmetrics").Number(), ratio, 1e-3);
    }

    [Fact]
    public void Every_last_band_there_can_be_is_among_the_recorded() =>
        Assert.Equal([5, 6, 7, 8], Recording.Open("srmr").EnumerateArray().Select(r => r.GetProperty("bands").GetInt32()).Distinct().Order());

    [Fact]
    public void Echoes_lower_it()
    {
        using var scope = NewDisposeScope();
        var dry = Speech(Rate, 8_000, 900, 1);
        var wet = dry.clone();
        for (var echo = 1; echo < 12; echo++)
        {
            var delay = 190 * echo;
            wet.narrow(1, delay, 8_000 - delay).add_(dry.narrow(1, 0, 8_000 - delay), Math.Pow(0.8, echo));
        }
        Assert.True(Raijin.Sound.Srmr(wet, Rate).item<double>() < 0.9 * Raijin.Sound.Srmr(dry, Rate).item<double>());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_level_of_a_signal_does_not_matter(bool normalized)
    {
        using var scope = NewDisposeScope();
        var signal = Speech(Rate, 3_000, 500, 0.5);
        var ratio = Raijin.Sound.Srmr(signal, Rate, normalized).item<double>();
        Recording.Near(ratio, Raijin.Sound.Srmr(-1000 * signal, Rate, normalized).item<double>(), 1e-10);
        Recording.Near(ratio, Raijin.Sound.Srmr(1e-3 * signal, Rate, normalized).item<double>(), 1e-10);
    }

    [Fact]
    public void Silence_and_less_than_a_window_have_no_ratio()
    {
        using var scope = NewDisposeScope();
        Assert.Equal([double.NaN, double.NaN], Raijin.Sound.Srmr(zeros(2, 3_000), Rate).Numbers());
        Assert.Equal(double.NaN, Raijin.Sound.Srmr(zeros(1, 3_000), Rate, normalized: true).item<double>());
        Assert.Equal(double.NaN, Raijin.Sound.Srmr(Speech(Rate, 2_047, 500, 0.5), Rate).item<double>());
        Assert.True(double.IsFinite(Raijin.Sound.Srmr(Speech(Rate, 2_048, 500, 0.5), Rate).item<double>()));
        var broken = Speech(Rate, 3_000, 500, 0.5);
        broken[0, 5] = double.NaN;
        Assert.Equal(double.NaN, Raijin.Sound.Srmr(broken, Rate).item<double>());
    }

    [Fact]
    public void Each_signal_has_its_own_whatever_the_shape_layout_and_dtype()
    {
        using var scope = NewDisposeScope();
        var signals = Recordings();
        var ratios = Ratios(signals);
        Assert.Equal([3, 2], ratios.shape);
        Assert.Equal(ratios.Numbers(), Ratios(signals.reshape(6, -1)).Numbers());
        Assert.Equal(ratios.Numbers(), Ratios(signals.transpose(0, 2).contiguous().transpose(0, 2)).Numbers());
        Recording.Near(ratios[1, 1].item<double>(), Ratios(signals[1, 1].unsqueeze(0)).item<double>(), 1e-12);
        Recording.Near(ratios.Numbers(), Ratios(signals.to(ScalarType.Float32)).Numbers(), 1e-5);
        Assert.Equal(Ratios((1000 * signals).to(ScalarType.Int16)).Numbers(), Ratios((1000 * signals).to(ScalarType.Int16).to(ScalarType.Float64)).Numbers());
        Assert.Equal([0, 2], Ratios(signals.narrow(0, 0, 0)).shape);

        static Tensor Ratios(Tensor signals) => Raijin.Sound.Srmr(signals, Rate, cochlearFilters: 8);
    }

    [Fact]
    public void Any_split_any_order_and_any_merge_give_the_same()
    {
        using var scope = NewDisposeScope();
        var signals = Recordings();
        var expected = Raijin.Sound.Srmr(signals, Rate, cochlearFilters: 8).Numbers().Average();
        Gen.Select(Gen.Shuffle(new long[] { 0, 1, 2 }), Gen.Int[0, 3]).Sample(
            (order, cut) =>
            {
                using var inner = NewDisposeScope();
                var shuffled = signals.index_select(0, tensor(order));
                using var left = new Srmr(Rate, cochlearFilters: 8);
                using var right = new Srmr(Rate, cochlearFilters: 8);
                left.Update(shuffled.narrow(0, 0, cut));
                right.Update(shuffled.narrow(0, cut, 3 - cut));
                right.Merge(left);
                Recording.Near(expected, right.Compute(), 1e-12);
            },
            iter: 6, threads: 1);
    }

    [Fact]
    public void Weights_count_recordings_and_one_of_0_leaves_out_what_has_no_ratio()
    {
        using var scope = NewDisposeScope();
        var signals = Recordings();
        signals[1].zero_();
        using var metric = new Srmr(Rate);
        var each = Raijin.Sound.Srmr(signals, Rate).mean([1]).Numbers();
        Recording.Near((each[0] + (3 * each[2])) / 4, metric.Of(signals, tensor(new[] { 1.0, 0, 3 })), 1e-12);
        Assert.Equal(double.NaN, metric.Of(signals));
        Recording.Near(each[2], metric.Of(new SignalBatch(signals).Select(tensor(new long[] { 2 }))), 1e-12);
        Assert.True(metric.HigherIsBetter);
    }

    [Fact]
    public void Equal_options_share_their_states_and_the_defaults_are_spelled_out()
    {
        using var metrics = new MetricCollection<SignalBatch>
        {
            { "a", new Srmr(Rate) }, { "b", new Srmr(Rate, maxModulation: 128) }, { "c", new Srmr(Rate, normalized: true) }, { "d", new Srmr(Rate, normalized: true, maxModulation: 30) },
        };
        Assert.Equal(2, metrics.NumAccumulations);
    }

    [Fact]
    public void Gradients_end_at_the_filters()
    {
        using var scope = NewDisposeScope();
        Assert.False(Raijin.Sound.Srmr(Speech(Rate, 3_000, 500, 0.5).requires_grad_(), Rate).requires_grad);
    }

    [Fact]
    public void Signals_and_options_that_make_no_sense_are_refused()
    {
        using var scope = NewDisposeScope();
        using var metric = new Srmr(Rate);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros(3_000)));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros(1, 0)));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros([1, 3_000], ScalarType.ComplexFloat32)));
        Assert.Throws<ShapeMismatchException>(() => metric.Update(zeros(1, 3_000), zeros(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Srmr(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Srmr(Rate, cochlearFilters: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Srmr(Rate, lowestFrequency: 4_000));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Srmr(Rate, minModulation: double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Srmr(Rate, minModulation: 40, maxModulation: 40));
        Assert.Contains("maxModulation", Assert.Throws<ArgumentException>(() => new Srmr(Rate, maxModulation: 400)).Message);
    }
}
