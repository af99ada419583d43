using Raijin.Testing;

namespace Raijin.Training.Tests.Logging;

/// <summary>A process may die right after a checkpoint: what was logged up to its step must be in the files by then.</summary>
public sealed class FlushBeforeCheckpointTests
{
    sealed class LogsAtEachCheckpoint(string folder) : Callback
    {
        public List<(long Step, long Csv, long Json)> Seen { get; } = [];

        // Called when a checkpoint was published: the files as a process killed now would leave them.
        public override void OnCheckpointSaved(TrainingRun run, CheckpointInfo checkpoint) =>
            Seen.Add((checkpoint.Step, LastStep("metrics.csv", line => line.Split(',')[1]), LastStep("metrics.jsonl", line => line.Split("\"step\":")[1].Split(',')[0])));

        long LastStep(string name, Func<string, string> step)
        {
            using var stream = new FileStream(Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream);
            var text = reader.ReadToEnd();
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
            return long.Parse(step(text.TrimEnd('\n').Split('\n')[^1]), System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_record_up_to_a_checkpoint_s_step_is_in_the_files_when_it_is_published(bool inBackground)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(64);
        using var model = new SmallClassifier();
        var seen = new LogsAtEachCheckpoint(folder.Path);
        var options = Fixture.Quiet(folder.Path) with
        {
            MaxEpochs = 4,
            Log = Every.Steps(1),
            Loggers = [new CsvLogger(), new JsonLinesLogger()],
            Callbacks = [new ModelCheckpoint { Save = Every.Steps(1), InBackground = inBackground }, seen],
        };
        new Trainer(options).Fit(model, new DataLoaders<LabeledBatch>(set.Batches(8)), cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(seen.Seen.Count >= 32);
        // Never older than the checkpoint; in the background the run may be a step ahead by then.
        Assert.All(seen.Seen, s => Assert.True(s.Csv >= s.Step && s.Json >= s.Step, $"{s}"));
    }
}
