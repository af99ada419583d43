using Raijin.App;
using Raijin.Charts;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class MetricPanelsTests
{
    static DrawnRun Run(string name, params LogRecord[] records)
    {
        using var folder = new TemporaryFolder();
        var logger = new CsvLogger();
        logger.Open(folder.Path, 0);
        foreach (var record in records) logger.Write(record);
        logger.Close();
        return new DrawnRun(name, RunSeries.Read(folder.Path));
    }

    static LogRecord Step(long step, long epoch, params (string, double)[] values) => Record(LogScope.Step, step, epoch, values);

    static LogRecord Epoch(long step, long epoch, params (string, double)[] values) => Record(LogScope.Epoch, step, epoch, values);

    static LogRecord Record(LogScope scope, long step, long epoch, (string Key, double Value)[] values) =>
        new(scope, step, epoch, TimeSpan.FromSeconds(step * 2), [.. values.Select(v => KeyValuePair.Create(v.Key, v.Value))]);

    static DrawnRun Usual(string name) => Run(name,
        Step(2, 0, ("train/loss", 4)), Step(4, 0, ("train/loss", 2)), Epoch(4, 0, ("val/loss", 3), ("train/loss", 3)),
        Step(6, 1, ("train/loss", 1)), Step(8, 1, ("train/loss", 0.5)), Epoch(8, 1, ("val/loss", 2), ("train/loss", 0.75)));

    [Fact]
    public void One_run_has_a_colour_for_each_key_and_no_second_curve_of_epoch_means()
    {
        var chart = Assert.Single(new MetricPanels([], 0, PlotAxis.Step).Draw([Usual("a")]));
        Assert.Equal("loss", chart.Title);
        Assert.Equal([("train/loss", 0, CurveStyle.Solid), ("val/loss", 1, CurveStyle.Solid)], chart.Curves.Select(c => (c.Name, c.Color!.Value, c.Style)));
        Assert.Equal([2, 4, 6, 8], chart.Curves[0].X);
        Assert.Equal([4, 2, 1, 0.5], chart.Curves[0].Y);
    }

    [Fact]
    public void Several_runs_have_a_colour_each_and_dashes_for_validation()
    {
        var chart = Assert.Single(new MetricPanels([], 0, PlotAxis.Step).Draw([Usual("a"), Usual("b")]));
        Assert.Equal(
            [("a  train", 0, CurveStyle.Solid), ("a  val", 0, CurveStyle.Dashed), ("b  train", 1, CurveStyle.Solid), ("b  val", 1, CurveStyle.Dashed)],
            chart.Curves.Select(c => (c.Name, c.Color!.Value, c.Style)));
    }

    [Fact]
    public void Smoothed_steps_have_the_raw_curve_faint_behind_and_epochs_stay_as_they_are()
    {
        var chart = Assert.Single(new MetricPanels(["*/loss"], 0.5, PlotAxis.Step).Draw([Usual("a")]));
        Assert.Equal([CurveStyle.Faint, CurveStyle.Solid, CurveStyle.Solid], chart.Curves.Select(c => c.Style));
        Assert.Equal(["", "train/loss", "val/loss"], chart.Curves.Select(c => c.Name));
        // 4; (0.5·0.5·4 + 0.5·2) / 0.75; …
        foreach (var (expected, actual) in ((double[])[4, 8.0 / 3, 12.0 / 7, 16.0 / 15]).Zip(chart.Curves[1].Y)) Assert.Equal(expected, actual, 1e-12);
        Assert.Equal([3, 2], chart.Curves[2].Y);
    }

    [Fact]
    public void Epochs_and_seconds_are_axes_too()
    {
        var byEpoch = Assert.Single(new MetricPanels(["train/loss"], 0, PlotAxis.Epoch).Draw([Usual("a")]));
        Assert.Equal([0.5, 1, 1.5, 2], byEpoch.Curves[0].X);
        var bySeconds = Assert.Single(new MetricPanels(["train/loss"], 0, PlotAxis.Seconds).Draw([Usual("a")]));
        Assert.Equal([4, 8, 12, 16], bySeconds.Curves[0].X);
    }

    [Fact]
    public void Smoothing_is_the_weighted_mean_of_all_before_and_passes_over_what_is_not_finite()
    {
        double[] values = [1, double.NaN, 5, -2, double.PositiveInfinity, 3];
        var smoothed = Smoothing.Smooth(values, 0.9);
        var finite = new List<double>();
        for (var i = 0; i < values.Length; i++)
        {
            if (!double.IsFinite(values[i]))
            {
                Assert.Equal(values[i], smoothed[i]);
                continue;
            }
            finite.Add(values[i]);
            var weights = Enumerable.Range(0, finite.Count).Select(age => Math.Pow(0.9, age)).ToArray();
            Assert.Equal(finite.AsEnumerable().Reverse().Zip(weights, (v, w) => v * w).Sum() / weights.Sum(), smoothed[i], 1e-12);
        }
    }

    [Fact]
    public void A_long_run_is_thinned_evenly()
    {
        var run = Run("long", [.. Enumerable.Range(0, 70_000).Select(i => Step(i, 0, ("a", i)))]);
        var points = Assert.Single(run.Series).Points;
        Assert.InRange(points.Count, 16_000, 33_000);
        Assert.Single(points.Zip(points.Skip(1), (a, b) => b.Step - a.Step).Distinct());
    }
}
