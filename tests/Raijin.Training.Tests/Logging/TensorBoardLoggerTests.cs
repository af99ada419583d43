using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Raijin.Charts;
using Raijin.Tensors;
using Raijin.Testing;
using SkiaSharp;
using Tensorboard;

namespace Raijin.Training.Tests.Logging;

public sealed class TensorBoardLoggerTests
{
    static readonly FakeTimeProvider Clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 250, TimeSpan.Zero));

    static LogRecord Record(LogScope scope, long step, params (string Key, double Value)[] values) =>
        new(scope, step, 0, TimeSpan.Zero, [.. values.Select(v => KeyValuePair.Create(v.Key, v.Value))]);

    static LogRecord Items(long step, params LogItem[] items) => new(LogScope.Step, step, 0, TimeSpan.Zero, []) { Items = items };

    static string Write(string folder, long fromStep, RunDescription? run, params LogRecord[] records)
    {
        var logger = new TensorBoardLogger();
        logger.Attach(new LogSession(run ?? new RunDescription("a run"), NullLogger.Instance, Clock, CancellationToken.None));
        logger.Open(folder, fromStep);
        foreach (var record in records) logger.Write(record);
        logger.Flush();
        logger.Finish(new RunOutcome(RunStatus.Finished, "done", new Dictionary<string, double>()));
        logger.Close();
        return logger.Location!;
    }

    static Tensorboard.Summary.Types.Value Single(List<Event> events, string tag) => Assert.Single(events.Where(e => e.Summary is not null).SelectMany(e => e.Summary.Value), v => v.Tag == tag);

    [Fact]
    public void A_file_begins_with_its_version_and_is_named_as_readers_look_for_it()
    {
        using var folder = new TemporaryFolder();
        var path = Write(folder.Path, 0, null);
        var events = TfRecords.Read(path);
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        Assert.Equal(1767323045.25, events[0].WallTime);
        Assert.Matches(@"^events\.out\.tfevents\.1767323045\.[^.]+(\.[^.]+)*\.\d+\.0$", Path.GetFileName(path));
        Assert.EndsWith(".1", Write(folder.Path, 0, null), StringComparison.Ordinal);
    }

    [Fact]
    public void Scalars_come_back_with_step_and_value_and_a_key_of_both_scopes_has_two_tags()
    {
        using var folder = new TemporaryFolder();
        Write(folder.Path, 0, null, Record(LogScope.Step, 50, ("train/loss", 0.5), ("lr", 1e-3)), Record(LogScope.Epoch, 60, ("train/loss", 0.7), ("val/loss", double.NaN)));
        Assert.Equal([("train/loss", 50, 0.5f), ("lr", 50, 1e-3f), ("train/loss_epoch", 60, 0.7f), ("val/loss", 60, float.NaN)], TfRecords.Scalars(folder.Path));
    }

    [Fact]
    public void Histograms_come_back_with_moments_right_ends_and_counts()
    {
        using var folder = new TemporaryFolder();
        using var tensor = TorchSharp.torch.tensor(new float[] { -1, 0, 0.5f, 3, float.NaN });
        var histo = Single(TfRecords.Read(Write(folder.Path, 0, null, Items(7, new HistogramItem("w", TensorHistogram.Of(tensor))))), "w").Histo;
        Assert.Equal((-1, 3, 4, 2.5, 10.25), (histo.Min, histo.Max, histo.Num, histo.Sum, histo.SumSquares));
        Assert.Equal(64, histo.BucketLimit.Count);
        Assert.Equal((-1 + 4 / 64.0, 3), (histo.BucketLimit[0], histo.BucketLimit[63]));
        Assert.Equal(4, histo.Bucket.Sum());
        Assert.Equal((1, 1, 1, 1), (histo.Bucket[0], histo.Bucket[16], histo.Bucket[24], histo.Bucket[63]));
    }

    [Fact]
    public void Images_and_charts_come_back_as_the_pngs_they_are()
    {
        using var folder = new TemporaryFolder();
        var images = new ImagesItem("samples", new ImageGrid(new byte[] { 1, 2, 3, 4 }, 1, 1, 2, 2));
        var figure = new FigureItem("confusion", new LineChart(), 200, 100);
        var events = TfRecords.Read(Write(folder.Path, 0, null, Items(3, images, figure)));
        var image = Single(events, "samples").Image;
        Assert.Equal((2, 2), (image.Width, image.Height));
        using var decoded = SKBitmap.Decode(image.EncodedImageString.ToByteArray());
        Assert.Equal(new SKColor(3, 3, 3), decoded.GetPixel(0, 1));
        Assert.Equal(figure.Png, Single(events, "confusion").Image.EncodedImageString.ToByteArray());
    }

    [Fact]
    public void Text_comes_back_under_the_text_plugin_also_the_layers()
    {
        using var folder = new TemporaryFolder();
        var events = TfRecords.Read(Write(folder.Path, 0, new RunDescription("r", layers: "Net: 3 parameters\n  fc: Linear\n"), Items(3, new TextItem("note", "naïve *text*"))));
        var text = Single(events, "note/text_summary");
        Assert.Equal(("text", DataType.DtString, "naïve *text*"), (text.Metadata.PluginData.PluginName, text.Tensor.Dtype, Assert.Single(text.Tensor.StringVal).ToStringUtf8()));
        Assert.Equal(1, Assert.Single(text.Tensor.TensorShape.Dim).Size);
        Assert.Equal("    Net: 3 parameters\n      fc: Linear\n", Assert.Single(Single(events, "module/text_summary").Tensor.StringVal).ToStringUtf8());
    }

    sealed record Settings(int Hidden, bool Wide, string Name, double? Nothing);

    [Fact]
    public void Hyper_parameters_come_back_with_their_types_and_the_session_s_end()
    {
        using var folder = new TemporaryFolder();
        var events = TfRecords.Read(Write(folder.Path, 0, new RunDescription("r", new { MaxEpochs = 3 }, new Settings(128, true, "mlp", null))));

        var experiment = Data("_hparams_/experiment", 2);
        var types = experiment[5].Cast<byte[]>().Select(TfRecords.Fields).ToDictionary(f => Text(f[1].Single()), f => (long)f[4].Single());
        Assert.Equal(new() { ["trainer.maxEpochs"] = 3, ["model.hidden"] = 3, ["model.wide"] = 2, ["model.name"] = 1 }, types);

        var start = Data("_hparams_/session_start_info", 3);
        var values = start[1].Cast<byte[]>().Select(TfRecords.Fields).ToDictionary(f => Text(f[1].Single()), f => TfRecords.Fields((byte[])f[2].Single()).Single());
        Assert.Equal((2, 3.0), (values["trainer.maxEpochs"].Key, values["trainer.maxEpochs"].Single()));
        Assert.Equal((4, 1L), (values["model.wide"].Key, values["model.wide"].Single()));
        Assert.Equal((3, "mlp"), (values["model.name"].Key, Text(values["model.name"].Single())));

        var end = Data("_hparams_/session_end_info", 4);
        Assert.Equal((1L, 1767323045.25), (end[1].Single(), end[2].Single()));

        ILookup<int, object> Data(string tag, int field)
        {
            var value = Single(events, tag);
            Assert.Equal(("hparams", DataType.DtFloat), (value.Metadata.PluginData.PluginName, value.Tensor.Dtype));
            return TfRecords.Fields((byte[])TfRecords.Fields(value.Metadata.PluginData.Content.ToByteArray())[field].Single());
        }

        static string Text(object bytes) => Encoding.UTF8.GetString((byte[])bytes);
    }

    [Fact]
    public void What_a_dead_process_wrote_after_its_checkpoint_disappears_when_the_run_goes_on()
    {
        using var folder = new TemporaryFolder();
        Write(folder.Path, 0, null, Record(LogScope.Step, 10, ("a", 1)), Record(LogScope.Step, 20, ("a", 2)), Record(LogScope.Step, 30, ("a", 3)));
        Write(folder.Path, 20, null, Record(LogScope.Step, 30, ("a", 33)));
        Assert.Equal([("a", 10, 1f), ("a", 20, 2f), ("a", 30, 33f)], TfRecords.Scalars(folder.Path));
    }
}
