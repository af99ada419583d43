using System.Text.Json;
using Raijin.Testing;

namespace Raijin.Training.Tests.Profiling;

public sealed class SimpleProfilerTests
{
    [Fact]
    public void Every_phase_and_every_hook_of_a_fit_has_a_line()
    {
        var profiler = new SimpleProfiler();
        ProfiledFit.Weights(profiler, null, new TrainingTimer(), new LearningRateMonitor());
        var lines = profiler.Lines().ToDictionary(l => l.Name);

        Assert.Equal((24, 24, 24, 24, 24), (lines["fetch"].Count, lines["transfer"].Count, lines["forward"].Count, lines["backward"].Count, lines["optimizer"].Count));
        Assert.Equal(2, lines["validation"].Count);
        Assert.Equal(24, lines["TrainingTimer.OnTrainStepEnd"].Count);
        Assert.False(lines["TrainingTimer.OnTrainStepEnd"].IsPhase);
        Assert.DoesNotContain(lines.Keys, name => name.StartsWith("LearningRateMonitor.OnTrain", StringComparison.Ordinal));
        Assert.Equal(1, lines.Values.Sum(l => l.Share), 1e-9);
        Assert.All(lines.Values, l => Assert.Equal(l.Total.TotalSeconds, l.Mean.TotalSeconds * l.Count, 1e-6 * l.Count));
    }

    [Fact]
    public void The_table_lies_in_the_runs_folder_as_text_and_json()
    {
        using var folder = new TemporaryFolder();
        var profiler = new SimpleProfiler();
        ProfiledFit.Weights(profiler, folder.Path);
        var text = File.ReadAllText(Path.Combine(folder.Path, "profile", "simple.txt"));
        Assert.Equal(profiler.ToString(), text);
        Assert.Contains("forward", text);

        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder.Path, "profile", "simple.json")));
        var lines = json.RootElement.GetProperty("lines").EnumerateArray().ToList();
        Assert.Equal(profiler.Lines().Select(l => l.Name), lines.Select(l => l.GetProperty("name").GetString()!));
        Assert.Equal(1, lines.Sum(l => l.GetProperty("share").GetDouble()), 1e-9);
    }

    [Fact]
    public void It_allocates_nothing_a_step()
    {
        using var model = TorchSharp.torch.nn.Linear(1, 1);
        using var session = new SimpleProfiler().Start(new ProfileTarget { Model = model });
        List<Action<int>> hooks = [_ => { }];
        session.Wrap(hooks);
        Steps(10);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Steps(1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Steps(int count)
        {
            for (var i = 0; i < count; i++)
            {
                session.StepStart(i);
                session.Mark(ProfilePhase.Forward);
                foreach (var hook in hooks) hook(i);
                session.StepEnd();
            }
        }
    }

    [Fact]
    public void Updates_of_a_manual_step_have_their_phases()
    {
        var profiler = new SimpleProfiler();
        using var folder = new TemporaryFolder();
        using var data = Fixture.Blobs(32);
        using var model = new Manual();
        new Trainer(Fixture.Quiet(folder.Path) with { MaxEpochs = 1, Checkpoints = false, Profiler = profiler, Console = Display.TestConsole.Plain(new StringWriter()) }).Fit(model, data.Batches(8));
        var lines = profiler.Lines().ToDictionary(l => l.Name, l => l.Count);
        Assert.Equal((4, 4, 8), (lines["backward"], lines["optimizer"], lines["forward"]));
    }

    sealed class Manual : TrainingModule<LabeledBatch>
    {
        readonly TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor> _net = TorchSharp.torch.nn.Linear(8, 3);

        protected override void ManualStep(LabeledBatch batch, ManualStep step) =>
            step.Update(this, () => TorchSharp.torch.nn.functional.cross_entropy(_net.call(batch.Inputs), batch.Labels));

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    [Fact]
    public void A_profiled_run_has_the_weights_of_a_plain_one_bitwise()
    {
        var plain = ProfiledFit.Weights(null);
        Fixture.AssertBitwise(plain, ProfiledFit.Weights(Profiler.Of(new SimpleProfiler(), new MemoryProfiler { Skip = 0, Steps = 100 }, new TraceProfiler { Shapes = true, Schedule = new() { Wait = 0, Warmup = 0, Active = 100 } })));
        Fixture.AssertBitwise(plain, ProfiledFit.Weights(new FlopsProfiler()));
    }
}
