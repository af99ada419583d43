using Raijin.Testing;

namespace Raijin.Training.Tests.Profiling;

/// <summary>A fit of a small classifier under a profiler: 2 epochs of 12 steps, each with a validation.</summary>
static class ProfiledFit
{
    public static Dictionary<string, float[]> Weights(Profiler? profiler, string? folder = null, params Callback[] callbacks)
    {
        using var temporary = new TemporaryFolder();
        Seed.Everything(3);
        using var data = Fixture.Blobs();
        var trainer = new Trainer(Fixture.Quiet(folder ?? temporary.Path) with { Profiler = profiler, Callbacks = callbacks, Checkpoints = false, Console = Display.TestConsole.Plain(new StringWriter()) });
        using var model = new SmallClassifier();
        trainer.Fit(model, new DataLoaders<LabeledBatch>(data.Batches(8), data.Batches(new LoaderOptions { BatchSize = 32, Shuffle = false })));
        return Fixture.Weights(model);
    }
}
