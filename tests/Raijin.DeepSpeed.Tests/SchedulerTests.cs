namespace Raijin.DeepSpeed.Tests;

/// <summary>A file's scheduler has the rates of its published formula, from the numbers in the file.</summary>
public sealed class SchedulerTests
{
    const double BaseRate = 2e-4;

    static Func<long, double> RatesOf(string type, string parameters)
    {
        var run = DeepSpeedConfig.Parse($$"""{ "train_batch_size": 8, "optimizer": { "type": "Adam", "params": { "lr": {{BaseRate}} } }, "scheduler": { "type": "{{type}}", "params": {{parameters}} } }""", "ds.json").Resolve(1);
        var schedule = run.Schedule!;
        return update => (schedule.BaseRate ?? run.Optimizer!.LearningRate) * schedule.Schedule.Factor(new SchedulePoint { Step = update, TotalSteps = null, StepsPerEpoch = null });
    }

    static void AssertRates(string type, string parameters, Func<long, double> ofIteration, double first)
    {
        var rates = RatesOf(type, parameters);
        Assert.Equal(first, rates(0), 1e-15);
        foreach (var update in (long[])[1, 2, 3, 5, 9, 10, 11, 20, 29, 30, 31, 50, 99, 100, 101, 400]) Assert.Equal(ofIteration(update - 1), rates(update), 1e-15);
    }

    [Fact]
    public void WarmupLR_without_a_highest_rate_has_the_optimizers() =>
        AssertRates("WarmupLR", """{ "warmup_min_lr": 1e-5, "warmup_num_steps": 10 }""", i => i >= 10 ? BaseRate : 1e-5 + ((BaseRate - 1e-5) * Math.Log(i + 1) / Math.Log(10)), 1e-5);

    [Fact]
    public void WarmupDecayLR_without_a_highest_rate_has_0_001() =>
        AssertRates("WarmupDecayLR", """{ "warmup_num_steps": 10, "total_num_steps": 100, "warmup_type": "linear" }""", i => 1e-3 * (i < 10 ? i / 10.0 : Math.Max(0, (100.0 - i) / 90)), 0);

    [Fact]
    public void WarmupCosineLR_scales_the_optimizers_rate() => AssertRates(
        "WarmupCosineLR", """{ "warmup_num_steps": 10, "total_num_steps": 100, "warmup_min_ratio": 0.2, "cos_min_ratio": 0.1 }""",
        i => BaseRate * (i < 10 ? 0.2 + (0.8 * Math.Log(i + 1) / Math.Log(10)) : Math.Max(0, 0.1 + (0.9 * (1 + Math.Cos(Math.PI * Math.Min(1, (i - 10 + 1) / 90.0))) / 2))), 0);

    [Fact]
    public void OneCycle_rises_falls_and_decays()
    {
        var rates = RatesOf("OneCycle", """{ "cycle_min_lr": 1e-4, "cycle_max_lr": 1e-3, "cycle_first_step_size": 10, "cycle_second_step_size": 20, "decay_step_size": 5, "decay_lr_rate": 0.5 }""");
        foreach (var n in (long[])[0, 1, 5, 10, 11, 25, 30, 31, 35, 60])
            Assert.Equal(n > 30 ? 1e-4 / (1 + (0.5 * (n - 30) / 5.0)) : 1e-4 + (9e-4 * (n <= 10 ? n / 10.0 : (30 - n) / 20.0)), rates(n), 1e-15);
    }

    [Fact]
    public void LRRangeTest_grows_from_its_lowest_rate()
    {
        var rates = RatesOf("LRRangeTest", """{ "lr_range_test_min_lr": 1e-5, "lr_range_test_step_size": 7, "lr_range_test_step_rate": 3, "lr_range_test_staircase": true }""");
        foreach (var n in (long[])[0, 1, 6, 7, 13, 14, 70]) Assert.Equal(1e-5 * (1 + (3 * Math.Floor(n / 7.0))), rates(n), 1e-15);
    }
}
