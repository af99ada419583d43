using Raijin.Training.Tests.Logging;

namespace Raijin.Training.Tests.Callbacks;

public sealed class LearningRateMonitorTests
{
    [Fact]
    public void Writes_the_rate_each_written_step_was_made_with()
    {
        var logger = new MemoryLogger();
        using var run = new ScriptedRun([1]) { Optimizer = m => Optimizers.Sgd(m, 0.5).With(Schedules.Warmup(8)), Options = o => o with { MaxEpochs = 2, Log = Every.Steps(2), Loggers = [logger] } };
        run.Fit(new LearningRateMonitor());

        var written = logger.Records.Where(r => r.Scope == LogScope.Step).ToList();
        Assert.Equal([2, 4, 6, 8], written.Select(r => r.Step));
        foreach (var record in written)
            Assert.Equal(0.5 * record.Step / 8, record.Values.Single(v => v.Key == "lr").Value);
    }

    [Fact]
    public void Groups_have_a_key_each()
    {
        var logger = new MemoryLogger();
        using var run = new ScriptedRun([1]) { Optimizer = m => Optimizers.Sgd(m, 0.5).Group("bias", ["*.bias"], learningRateScale: 2), Options = o => o with { MaxEpochs = 1, Log = Every.Steps(4), Loggers = [logger] } };
        run.Fit(new LearningRateMonitor());
        Assert.Equal([("lr/default", 0.5), ("lr/bias", 1.0)], Rates(logger));
    }

    [Fact]
    public void Momentum_and_weight_decay_are_those_of_the_written_step()
    {
        var logger = new MemoryLogger();
        using var run = new ScriptedRun([1]) { Optimizer = m => Optimizers.AdamW(m, 0.1, weightDecay: 0.25).With(Schedules.OneCycle()), Options = o => o with { MaxEpochs = 2, Log = Every.Steps(4), Loggers = [logger] } };
        List<double> used = [];
        var look = new LambdaCallback { BeforeOptimizerStep = (_, optimizer) => used.Add(optimizer.Groups[0].Momentum!.Value) };
        run.Fit(new LearningRateMonitor { Momentum = true, WeightDecay = true }, look);
        var written = logger.Records.Where(r => r.Scope == LogScope.Step).Select(r => r.Values.ToDictionary()).ToList();
        Assert.Equal([used[3], used[7]], written.Select(v => v["momentum"]));
        Assert.All(written, v => Assert.Equal(0.25, v["weight decay"]));
    }

    [Fact]
    public void Does_nothing_on_steps_that_are_not_written()
    {
        var callback = new Counting();
        using var run = new ScriptedRun([1]) { Options = o => o with { MaxEpochs = 2, Log = Every.Steps(3), Loggers = [new MemoryLogger()] } };
        run.Fit(callback);
        Assert.Equal([3, 6], callback.CalledAt);
    }

    static IEnumerable<(string, double)> Rates(MemoryLogger logger) =>
        logger.Records.Single(r => r.Scope == LogScope.Step).Values.Where(v => v.Key.StartsWith("lr", StringComparison.Ordinal)).Select(v => (v.Key, v.Value));

    sealed class Counting : Callback
    {
        public List<long> CalledAt { get; } = [];

        public override void OnLog(TrainingRun run) => CalledAt.Add(run.Step);
    }
}
