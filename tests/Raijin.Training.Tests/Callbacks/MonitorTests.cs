using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Callbacks;

/// <summary>Callbacks that only look: what they log, and that steps in between don't meet them.</summary>
public sealed class MonitorTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(64);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);

        public Action? Each { get; init; }

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            Each?.Invoke();
            step.CountTokens(batch.Count * 10);
            return functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    sealed class Records : RunLogger
    {
        public List<LogRecord> All { get; } = [];

        public override void Open(string directory, long fromStep) { }

        public override void Write(LogRecord record) => All.Add(record);

        public override void Close() { }
    }

    List<LogRecord> Fit(Model model, TimeProvider? time, params Callback[] callbacks)
    {
        var records = new Records();
        var options = Fixture.Quiet(_folder["run"]) with { MaxEpochs = 2, Checkpoints = false, Log = Every.Steps(2), Loggers = [records], Callbacks = callbacks, Time = time ?? TimeProvider.System };
        new Trainer(options).Fit(model, _set.Batches(16));
        return records.All;
    }

    [Fact]
    public void Throughput_is_counted_over_the_window_from_the_runs_own_counters()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        using var model = new Model { Each = () => time.Advance(TimeSpan.FromMilliseconds(100)) };
        var steps = Fit(model, time, new ThroughputMonitor { PeakFlopsPerSecond = 1e6 }).Where(r => r.Scope == LogScope.Step).Select(r => r.Values.ToDictionary()).ToList();
        Assert.Equal(4, steps.Count);
        foreach (var values in steps)
        {
            Assert.Equal(10, values["throughput/steps per second"], 9);
            Assert.Equal(10, values["throughput/batches per second"], 9);
            Assert.Equal(160, values["throughput/samples per second"], 9);
            Assert.Equal(1600, values["throughput/tokens per second"], 9);
            // A linear layer of 8 to 3: 48 operations forward, three times that for a step.
            Assert.Equal(160.0 * 144, values["throughput/FLOPs per second"], 6);
            Assert.Equal(160.0 * 144 / 1e6, values["throughput/model FLOPs utilization"], 9);
        }
    }

    [Fact]
    public void Steps_that_warm_up_are_in_no_figure()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var calls = 0;
        using var model = new Model { Each = () => time.Advance(TimeSpan.FromMilliseconds(calls++ < 3 ? 5000 : 100)) };
        var steps = Fit(model, time, new ThroughputMonitor { Warmup = 3 }).Where(r => r.Scope == LogScope.Step).Select(r => r.Values.ToDictionary()).ToList();
        // Of the four written steps the first has nothing to say.
        Assert.Equal(3, steps.Count);
        Assert.All(steps, values => Assert.Equal(10, values["throughput/steps per second"], 9));
        Assert.All(steps, values => Assert.Equal(160.0 * 144, values["throughput/FLOPs per second"], 6));
    }

    [Fact]
    public void Device_figures_come_with_written_steps_only()
    {
        using var model = new Model();
        var records = Fit(model, null, new DeviceStatsMonitor { Prefix = "host/" });
        var steps = records.Where(r => r.Scope == LogScope.Step).Select(r => r.Values.ToDictionary()).ToList();
        Assert.Equal(4, steps.Count);
        Assert.All(steps, values =>
        {
            Assert.True(values["host/resident MB"] > 10);
            Assert.True(values["host/live tensors"] > 0);
            Assert.InRange(values["host/cpu percent"], 0, 100);
        });
    }

    [Fact]
    public void Only_the_functions_that_are_set_are_called()
    {
        List<string> calls = [];
        using var model = new Model();
        var hooks = HookTable.Of([new LambdaCallback { TrainEpochEnd = e => calls.Add($"epoch {e.Index}") }], model);
        Assert.Empty(hooks.TrainStepEnd);
        Assert.Single(hooks.TrainEpochEnd);
        Fit(model, null, new LambdaCallback { TrainEpochEnd = e => calls.Add($"epoch {e.Index}"), TrainStepEnd = s => calls.Add($"step {s.Index}") });
        Assert.Equal(["step 0", "step 1", "step 2", "step 3", "epoch 0", "step 4", "step 5", "step 6", "step 7", "epoch 1"], calls);
    }

    [Fact]
    public void Ten_callbacks_without_a_hook_of_the_step_add_no_call_to_it()
    {
        using var model = new Model();
        var callbacks = Enumerable.Range(0, 10).Select(_ => new LambdaCallback { TrainEpochEnd = _ => { } });
        var hooks = HookTable.Of(callbacks, model);
        Assert.Equal(0, hooks.TrainBatchStart.Count + hooks.TrainBatchEnd.Count + hooks.BeforeBackward.Count + hooks.AfterBackward.Count + hooks.BeforeOptimizerStep.Count + hooks.BeforeZeroGradients.Count + hooks.TrainStepEnd.Count);
    }

    [Fact]
    public void Settings_that_cannot_be_are_refused_before_the_run()
    {
        using var model = new Model();
        var error = Assert.Throws<InvalidOptionsException>(() => Fit(model, null, new ThroughputMonitor { Window = 0, PeakFlopsPerSecond = -1 }, new SpikeDetection { Factor = 1 }));
        Assert.Equal(["throughputMonitor.window", "throughputMonitor.peakFlopsPerSecond", "spikeDetection.factor"], error.Faults.Select(f => f.Key));
    }
}
