using Raijin.Metrics.Tests.States;

namespace Raijin.Metrics.Tests.Wrappers;

public sealed class MinMaxTests : IDisposable
{
    readonly WrapperBatches _batches = new();

    [Fact]
    public void It_remembers_the_extremes_of_what_was_computed_as_torchmetrics_does()
    {
        using var metric = new Accuracy(WrapperBatches.Task).WithMinMax();
        foreach (var (batch, recorded) in _batches.All.Zip(_batches.Recorded.GetProperty("extremes").EnumerateArray()))
        {
            metric.Update(batch);
            var (value, min, max) = metric.Compute();
            Recording.Near(recorded.Numbers(), [value, min, max]);
        }
    }

    [Fact]
    public void A_reset_keeps_the_extremes_and_forgetting_drops_them()
    {
        using var metric = new Accuracy(WrapperBatches.Task).WithMinMax();
        foreach (var i in (int[])[2, 1])
        {
            metric.Update(_batches.All[i]);
            metric.Compute();
            metric.Reset();
        }
        Assert.Equal(0, metric.Updates);
        Assert.Throws<InvalidOperationException>(() => metric.Compute());
        metric.Update(_batches.All[3]);
        Assert.Equal(new MinMaxResult(0.5, 1.0 / 3, 0.625), metric.Compute());
        metric.Forget();
        Assert.Equal(new MinMaxResult(0.5, 0.5, 0.5), metric.Compute());
    }

    [Fact]
    public void The_extremes_are_saved_and_merged_with_the_metric()
    {
        using var metric = new Accuracy(WrapperBatches.Task).WithMinMax();
        using var other = new Accuracy(WrapperBatches.Task).WithMinMax();
        using var resumed = new Accuracy(WrapperBatches.Task).WithMinMax();
        metric.Update(_batches.All[1]);
        metric.Compute();
        other.Update(_batches.All[2]);
        other.Compute();
        Assert.Equal(["", "metric"], metric.Parts().Select(p => p.Path));
        metric.Merge(other);
        WrapperBatches.Save(metric, resumed);
        Assert.Equal(new MinMaxResult(6.0 / 11, 1.0 / 3, 0.625), resumed.Compute());
    }

    [Fact]
    public void What_all_ranks_computed_together_is_remembered_after_each_has_its_own_back()
    {
        using var world = new RankedWorld(2);
        var results = world.Run(ranks =>
        {
            using var metric = new Accuracy(WrapperBatches.Task).WithMinMax();
            metric.Update(_batches.All[1 + ranks.Rank]);
            using (metric.Synchronize(ranks)) metric.Compute();
            metric.Reset();
            metric.Update(_batches.All[4]);
            return metric.Compute();
        });
        Assert.Equal([new(4.0 / 6, 6.0 / 11, 4.0 / 6), new(4.0 / 6, 6.0 / 11, 4.0 / 6)], results);
    }

    [Fact]
    public void No_number_is_no_extreme()
    {
        using var metric = new WordErrorRate().WithMinMax();
        metric.Update("", "");
        Assert.Equal(new MinMaxResult(double.NaN, double.NaN, double.NaN), metric.Compute());
        metric.Update("a", "b");
        Assert.Equal(new MinMaxResult(1, 1, 1), metric.Compute());
    }

    [Fact]
    public void It_holds_a_wrapper_and_is_held_by_a_collection()
    {
        using var metrics = new MetricCollection { { "last", new Accuracy(WrapperBatches.Task).Running(1).WithMinMax() } };
        metrics.Update(_batches.All[2]);
        metrics.Compute();
        metrics.Update(_batches.All[3]);
        Assert.Equal([new("last/value", 0.5), new("last/min", 0.5), new("last/max", 0.625)], metrics.Compute());
        Assert.Equal(["last", "last/metric/0"], metrics.Parts().Select(p => p.Path));
    }

    public void Dispose() => _batches.Dispose();
}
