using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Profiling;

/// <summary>The code of docs/guides/profiling.md.</summary>
public sealed class GuideTests
{
    [Fact]
    public void A_trainer_takes_a_profiler_or_several()
    {
        using var folder = new TemporaryFolder();
        using var data = Fixture.Blobs();
        using var model = new SmallClassifier();
        var options = Fixture.Quiet(folder.Path) with { Checkpoints = false, Console = Display.TestConsole.Plain(new StringWriter()) };

        // snippet: trainer
        var trainer = new Trainer(options with { Profiler = Profiler.Of(new SimpleProfiler(), new TraceProfiler(), new FlopsProfiler()) });
        // end snippet
        trainer.Fit(model, data.Batches(8));
        Assert.Equal(["flops.json", "flops.txt", "simple.json", "simple.txt", "trace-00000002.json"], Directory.EnumerateFiles(Path.Combine(folder.Path, "profile")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_loop_of_ones_own_says_what_it_does()
    {
        using var folder = new TemporaryFolder();
        using var data = Fixture.Blobs();
        using var fabric = Fabric.Launch();
        var (model, optimizer) = fabric.Setup<Module<Tensor, Tensor>>(Sequential(Linear(8, 16), ReLU(), Linear(16, 3)), m => Optimizers.Sgd(m, 0.1));
        var loader = data.Batches(8);
        var profiler = new SimpleProfiler();

        // snippet: fabric
        using (var session = profiler.Start(new ProfileTarget { Model = model, Folder = folder.Path }))
        {
            var augment = session.Region("augment");
            foreach (var batch in fabric.Batches(loader))
            {
                using var step = fabric.Step();
                session.StepStart(step.Index);
                Tensor inputs;
                using (session.Measure(augment)) inputs = batch.Inputs + 0.01 * randn_like(batch.Inputs);
                session.Mark(ProfilePhase.Forward);
                var loss = functional.cross_entropy(model.call(inputs), batch.Labels);
                session.Mark(ProfilePhase.Backward);
                fabric.Backward(loss);
                session.Mark(ProfilePhase.Optimizer);
                optimizer.Step();
                session.StepEnd();
            }
        }
        // end snippet
        var lines = profiler.Lines().ToDictionary(l => l.Name, l => l.Count);
        Assert.Equal((12, 12, 12, 12), (lines["augment"], lines["forward"], lines["backward"], lines["optimizer"]));
        foreach (var parameter in model.parameters()) parameter.Dispose();
    }
}
