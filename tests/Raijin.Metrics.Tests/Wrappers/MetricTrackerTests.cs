using Raijin.Charts;

namespace Raijin.Metrics.Tests.Wrappers;

public sealed class MetricTrackerTests : IDisposable
{
    readonly WrapperBatches _batches = new();

    [Fact]
    public void The_history_and_its_best_step_are_those_of_torchmetrics()
    {
        using var tracker = new MetricTracker(new Accuracy(WrapperBatches.Task));
        foreach (var batch in _batches.All)
        {
            ((Accuracy)tracker.Metric).Update(batch);
            tracker.Increment();
        }
        var recorded = _batches.Recorded.GetProperty("tracker");
        Recording.Near(recorded.GetProperty("all").Numbers(), tracker.Values());
        Assert.Equal(7, tracker.NumSteps);
        Assert.Equal(recorded.GetProperty("step").GetInt32(), tracker.Best().Step);
        Recording.Near(recorded.GetProperty("best").Number(), tracker.Best().Value);
        Assert.Equal(1.0 / 3, tracker.Best(maximize: false).Value);
    }

    [Fact]
    public void Each_number_of_a_collection_has_its_own_best()
    {
        using var tracker = new MetricTracker(new MetricCollection("val/") { { "accuracy", new Accuracy(WrapperBatches.Task) }, { "error", new HammingDistance(WrapperBatches.Task) } });
        foreach (var i in (int[])[1, 2, 3])
        {
            ((MetricCollection)tracker.Metric).Update(_batches.All[i]);
            tracker.Increment();
        }
        Assert.Equal(new BestValue(0.625, 1), tracker.Best("val/accuracy"));
        Assert.Equal(new BestValue(0.375, 1), tracker.Best("val/error"));
        Assert.Contains("\"val/accuracy\", \"val/error\"", Assert.Throws<KeyNotFoundException>(() => tracker.Best("accuracy")).Message);
    }

    [Fact]
    public void Of_equal_values_the_first_is_best_and_NaN_is_none()
    {
        using var tracker = new MetricTracker(new Accuracy(WrapperBatches.Task));
        tracker.Restore(((double[])[double.NaN, 0.5, 0.7, double.NaN, 0.7]).Select(v => new Dictionary<string, double> { [""] = v }));
        Assert.Equal(new BestValue(0.7, 2), tracker.Best());
        Assert.Equal(new BestValue(0.5, 1), tracker.Best(maximize: false));
        tracker.Restore([new Dictionary<string, double> { [""] = double.NaN }]);
        Assert.Equal(new BestValue(double.NaN, 0), tracker.Best());
    }

    [Fact]
    public void A_restored_history_goes_on()
    {
        using var tracker = new MetricTracker(new Accuracy(WrapperBatches.Task));
        tracker.Restore([new Dictionary<string, double> { [""] = 0.9 }]);
        ((Accuracy)tracker.Metric).Update(_batches.All[0]);
        tracker.Increment();
        Assert.Equal([0.9, 0.4], tracker.Values());
        Assert.Equal(0, tracker.Metric.Updates);
        tracker.Reset();
        Assert.Equal(0, tracker.NumSteps);
    }

    [Fact]
    public void What_cannot_be_told_is_refused()
    {
        using var accuracy = new Accuracy(WrapperBatches.Task);
        using var tracker = new MetricTracker(accuracy.Map("square", v => v * v));
        Assert.Throws<InvalidOperationException>(() => tracker.Best());
        Assert.Throws<InvalidOperationException>(() => tracker.Plot());
        tracker.Restore([new Dictionary<string, double> { [""] = 0.9 }]);
        Assert.Contains("pass maximize", Assert.Throws<InvalidOperationException>(() => tracker.Best()).Message);
        using var empty = new MetricTracker(new Accuracy(WrapperBatches.Task));
        Assert.Throws<InvalidOperationException>(() => empty.Increment());
        Assert.Equal(0, empty.NumSteps);
    }

    [Fact]
    public void The_picture_has_a_curve_a_number_and_marks_the_best()
    {
        using var tracker = new MetricTracker(new MetricCollection { { "accuracy", new Accuracy(WrapperBatches.Task) }, { "error", new HammingDistance(WrapperBatches.Task) } });
        tracker.Restore([new Dictionary<string, double> { ["accuracy"] = 0.5, ["error"] = 0.5 }, new Dictionary<string, double> { ["accuracy"] = 0.75, ["error"] = 0.25, ["late"] = 1 }]);
        var chart = Assert.IsType<LineChart>(tracker.Plot());
        Assert.Equal(["accuracy", "error", "late"], chart.Curves.Select(c => c.Name));
        Assert.Equal([1], chart.Curves[2].X);
        Assert.Equal([new Mark(1, 0.75, "0.75"), new Mark(1, 0.25, "0.25")], chart.Marks);
    }

    public void Dispose() => _batches.Dispose();
}
