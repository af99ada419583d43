using Microsoft.Extensions.Time.Testing;
using Raijin.Testing;

namespace Raijin.Training.Tests.Logging;

public sealed class RunCardTests
{
    static FitResult Fit(string folder, FakeTimeProvider clock, Action<TrainStep>? onStep = null, Resume? resume = null, long steps = 6)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var set = Fixture.Blobs(32);
        using var model = new SmallClassifier { OnStep = onStep };
        var options = Fixture.Quiet(folder) with { MaxEpochs = null, MaxSteps = steps, Time = clock, Callbacks = [new ModelCheckpoint { Monitor = Best.Max("val/accuracy") }] };
        return new Trainer(options).Fit(model, new DataLoaders<LabeledBatch>(set.Batches(8), set.Batches(16)), resume, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void It_says_running_while_the_run_runs_and_then_how_it_ended()
    {
        using var folder = new TemporaryFolder();
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        RunCard? during = null;
        Fit(folder.Path, clock, step =>
        {
            during ??= RunCard.Read(folder.Path);
            clock.Advance(TimeSpan.FromSeconds(2));
        });
        Assert.Equal((RunCard.Running, Environment.ProcessId, null), (during!.Status, during.ProcessId, during.Ended));
        var card = RunCard.Read(folder.Path)!;
        Assert.Equal(("finished", "maxSteps = 6 reached", 6, 12.0), (card.Status, card.Reason, card.Steps, card.Seconds));
        Assert.Equal(("max val/accuracy", clock.GetUtcNow()), (card.Monitor, card.Ended));
        Assert.Contains("val/accuracy", card.Metrics.Keys);

        clock.Advance(TimeSpan.FromHours(1));
        Fit(folder.Path, clock, null, Resume.Last, 8);
        Assert.Equal((card.Started, 8), (RunCard.Read(folder.Path)!.Started, RunCard.Read(folder.Path)!.Steps));
    }

    [Fact]
    public void A_run_that_fails_says_so()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<InvalidOperationException>(() => Fit(folder.Path, new FakeTimeProvider(), step => { if (step.Index == 2) throw new InvalidOperationException("a bad batch"); }));
        var card = RunCard.Read(folder.Path)!;
        Assert.Equal(("failed", "a bad batch", 2), (card.Status, card.Reason, card.Steps));
    }

    [Fact]
    public void A_damaged_card_is_none()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(RunCard.Read(folder.Path));
        File.WriteAllText(folder[RunCard.FileName], "{\"status\": ");
        Assert.Null(RunCard.Read(folder.Path));
    }
}
