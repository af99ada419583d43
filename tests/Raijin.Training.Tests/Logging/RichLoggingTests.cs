using Raijin.Charts;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Logging;

public sealed class RichLoggingTests
{
    /// <summary>Keeps what it is given of the kinds it shows.</summary>
    sealed class ItemLogger(params LogKind[] kinds) : RunLogger
    {
        public List<(LogScope Scope, long Step, LogItem Item)> Items { get; } = [];

        public RunDescription? Run { get; private set; }

        public override bool Accepts(LogKind kind) => kinds.Contains(kind);

        public override void Open(string directory, long fromStep) => Run = Session.Run;

        public override void Write(LogRecord record) => Items.AddRange(record.Items.Where(i => Accepts(i.Kind)).Select(i => (record.Scope, record.Step, i)));

        public override void Close() { }
    }

    static FitResult Fit(ItemLogger logger, Action<TrainStep>? onStep = null, params Callback[] callbacks)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var set = Fixture.Blobs(32);
        using var model = new SmallClassifier { OnStep = onStep };
        var options = Fixture.Quiet(folder.Path) with { MaxEpochs = 2, Checkpoints = false, Log = Every.Steps(3), Loggers = [logger], Callbacks = callbacks };
        return new Trainer(options).Fit(model, new DataLoaders<LabeledBatch>(set.Batches(8), set.Batches(16)), cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Items_of_a_step_come_on_written_steps_only_with_the_step_s_number()
    {
        var logger = new ItemLogger(LogKind.Histograms, LogKind.Images, LogKind.Text, LogKind.Figures);
        Fit(logger, step =>
        {
            using var values = rand(100);
            using var images = rand(5, 3, 4, 4);
            step.LogHistogram("h", values);
            step.LogImages("i", images);
            step.LogText("t", "text");
            step.LogFigure("f", new LineChart());
        });
        Assert.Equal([3, 3, 3, 3, 6, 6, 6, 6], logger.Items.Select(i => i.Step));
        Assert.Equal(["h", "i", "t", "f"], logger.Items.Take(4).Select(i => i.Item.Key));
        Assert.Equal(100, ((HistogramItem)logger.Items[0].Item).Histogram.Count);
        var grid = ((ImagesItem)logger.Items[1].Item).Images;
        Assert.Equal((5, 3, 4, 4), (grid.Count, grid.Channels, grid.Height, grid.Width));
    }

    [Fact]
    public void What_no_logger_shows_is_not_computed()
    {
        var logger = new ItemLogger(LogKind.Text);
        var asked = new List<(bool, bool)>();
        Fit(logger, step =>
        {
            asked.Add((step.Shows(LogKind.Histograms), step.Shows(LogKind.Text)));
            // A freed tensor would throw if it were looked at.
            var gone = rand(1);
            gone.Dispose();
            step.LogHistogram("h", gone);
            step.LogImages("i", gone);
        });
        Assert.Empty(logger.Items);
        Assert.All(asked, a => Assert.False(a.Item1));
        Assert.Equal([false, false, true, false, false, true, false, false], asked.Select(a => a.Item2));
    }

    sealed class Panels : Callback
    {
        public override void OnValidationBatchEnd(EvalStep step)
        {
            if (step.Index == 0) step.LogText("batch", "first");
        }

        public override void OnValidationEnd(EvalEpoch epoch) => epoch.Run?.LogFigure("chart", new LineChart());

        public override void OnFitEnd(TrainingRun run) => run.LogText("end", "over");
    }

    [Fact]
    public void Evaluations_epochs_and_the_run_log_at_the_step_done_last()
    {
        var logger = new ItemLogger(LogKind.Text, LogKind.Figures);
        Fit(logger, null, new Panels());
        Assert.Equal([("batch", 4), ("chart", 4), ("batch", 8), ("chart", 8), ("end", 8)], logger.Items.Select(i => (i.Item.Key, i.Step)));
        Assert.All(logger.Items, i => Assert.Equal(LogScope.Epoch, i.Scope));
    }

    [Fact]
    public void Floating_images_are_clamped_and_scaled_and_the_first_64_are_kept()
    {
        using var scope = NewDisposeScope();
        var grid = ImageSnapshot.Of("i", tensor(new[] { -1f, 0f, 0.5f, 2f }).reshape(1, 1, 2, 2), null);
        Assert.Equal([0, 0, 128, 255], grid.Pixels.ToArray());
        Assert.Equal(64, ImageSnapshot.Of("i", zeros(70, 1, 2, 2), 8).Count);
        Assert.Equal((1, 3), (ImageSnapshot.Of("i", zeros(3, 2, 2, dtype: ScalarType.Byte), null).Count, ImageSnapshot.Of("i", zeros(3, 2, 2), null).Channels));
        var error = Assert.Throws<ShapeMismatchException>(() => ImageSnapshot.Of("samples", zeros(2, 2), null));
        Assert.Contains("samples", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_logger_is_told_options_and_layers()
    {
        var logger = new ItemLogger(LogKind.Parameters);
        Fit(logger);
        var parameters = logger.Run!.Parameters.ToDictionary(p => p.Key, p => RunDescription.TextOf(p.Value));
        Assert.Equal(("2", "3 steps", "cpu"), (parameters["trainer.maxEpochs"], parameters["trainer.log"], parameters["trainer.device"]));
        Assert.DoesNotContain(parameters.Keys, k => k.Contains("callbacks", StringComparison.OrdinalIgnoreCase));
        Assert.StartsWith("SmallClassifier: 195 parameters\n", logger.Run.Layers, StringComparison.Ordinal);
        Assert.Contains("Linear, weight [16, 8], bias [16]\n", logger.Run.Layers, StringComparison.Ordinal);
    }
}
