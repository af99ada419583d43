namespace Raijin.Tensors.Tests;

public sealed class LossScalerTests
{
    // A trace: one character a step, '.' for finite gradients and 'x' for an overflow, against the scale after each.
    static void Trace(LossScalerOptions options, string steps, params double[] scales)
    {
        var scaler = new LossScaler(options);
        var actual = steps.Select(step =>
        {
            scaler.Update(step == 'x');
            return scaler.Scale;
        });
        Assert.Equal(scales, actual);
    }

    [Fact]
    public void Rises_after_a_window_of_clean_steps_beyond_the_first() =>
        Trace(new() { InitialScale = 8, Window = 2, Hysteresis = 1 }, ".....", 8, 8, 16, 16, 32);

    [Fact]
    public void Falls_at_once_without_hysteresis() =>
        Trace(new() { InitialScale = 8, Window = 2, Hysteresis = 1 }, "xx.", 4, 2, 2);

    [Fact]
    public void An_overflow_starts_the_window_anew() =>
        Trace(new() { InitialScale = 8, Window = 2, Hysteresis = 1 }, "..x...", 8, 8, 4, 4, 4, 8);

    [Fact]
    public void Hysteresis_forgives_the_first_overflow_and_stays_used_up_until_the_scale_rises() =>
        Trace(new() { InitialScale = 8, Window = 2 }, "x.xx...x", 8, 8, 4, 2, 2, 2, 4, 4);

    [Fact]
    public void Consecutive_hysteresis_forgives_again_after_each_clean_step() =>
        Trace(new() { InitialScale = 8, Window = 100, ConsecutiveHysteresis = true }, "x.x.xx", 8, 8, 8, 8, 8, 4);

    [Fact]
    public void Never_falls_below_the_minimum_and_says_so_there()
    {
        Trace(new() { InitialScale = 4, MinScale = 3, Hysteresis = 1, ThrowAtMinScale = false }, "xx", 3, 3);
        var scaler = new LossScaler(new() { InitialScale = 2, Hysteresis = 1 });
        scaler.Update(true);
        Assert.Contains("minimum of 1", Assert.Throws<InvalidOperationException>(() => scaler.Update(true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_are_those_documented()
    {
        var scaler = new LossScaler();
        Assert.Equal(65536, scaler.Scale);
        for (var i = 0; i <= 1000; i++) scaler.Update(false);
        Assert.Equal(131072, scaler.Scale);
    }

    [Fact]
    public void Goes_on_from_its_saved_state()
    {
        LossScalerOptions options = new() { InitialScale = 64, Window = 3 };
        var scaler = new LossScaler(options);
        foreach (var step in "..x.x..") scaler.Update(step == 'x');
        var resumed = new LossScaler(options) { State = scaler.State };
        foreach (var step in "..x....xx.")
        {
            scaler.Update(step == 'x');
            resumed.Update(step == 'x');
            Assert.Equal(scaler.State, resumed.State);
        }
        Assert.Throws<ArgumentException>(() => resumed.State = resumed.State with { Scale = double.NaN });
        Assert.Throws<ArgumentException>(() => resumed.State = new(1, 2, 2, 1));
    }

    [Fact]
    public void Bad_options_are_refused_all_at_once()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => new LossScaler(new() { InitialScale = -1, Window = 0, Hysteresis = 0, MinScale = 5 }));
        Assert.Equal(
            ["lossScaler.initialScale", "lossScaler.window", "lossScaler.hysteresis", "lossScaler.minScale"], error.Faults.Select(f => f.Key));
    }
}
