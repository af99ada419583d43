namespace Raijin.Metrics.Tests.Wrappers;

public sealed class MultiTaskTests : IDisposable
{
    readonly WrapperBatches _batches = new();

    [Fact]
    public void Each_task_is_fed_with_its_own_batches_of_its_own_kind()
    {
        using var tasks = new MultiTask("val/", "@1") { { "class", new MetricCollection { { "accuracy", new Accuracy(WrapperBatches.Task) }, { "recall", new RecallScore(WrapperBatches.Task) } } }, { "speech", new WordErrorRate() } };
        tasks.Update("class", _batches.All[0]);
        Assert.Equal(0, tasks.Updates);
        Assert.Throws<InvalidOperationException>(() => tasks.Compute());
        tasks.Update("speech", new TextComparison(["a b"], ["a c"]));
        Assert.Equal(["val/class/accuracy@1", "val/class/recall@1", "val/speech@1"], tasks.Compute().Keys);
        Assert.Equal((0.4, 0.5), (tasks.ComputeScalar(), tasks.Compute()["val/speech@1"]));
        Assert.Equal((true, false, null), (tasks.HigherIsBetterOf("val/class/recall@1"), tasks.HigherIsBetterOf("val/speech@1"), tasks.HigherIsBetterOf("speech")));
    }

    [Fact]
    public void A_batch_of_every_task_comes_in_one_call_or_not_at_all()
    {
        using var tasks = new MultiTask { { "a", new Accuracy(WrapperBatches.Task) }, { "b", new Accuracy(WrapperBatches.Task) } };
        tasks.Update(new Dictionary<string, Comparison> { ["b"] = _batches.All[1], ["a"] = _batches.All[0] });
        Assert.Equal([new("a", 0.4), new("b", 1.0 / 3)], tasks.Compute());
        var error = Assert.Throws<ArgumentException>(() => tasks.Update(new Dictionary<string, Comparison> { ["a"] = _batches.All[1], ["c"] = _batches.All[0] }));
        Assert.Contains("of a, c, but the tasks are a, b", error.Message);
        Assert.Equal(1, tasks.Updates);
    }

    [Fact]
    public void It_is_merged_and_reset_as_one_metric()
    {
        using var first = new MultiTask { { "a", new Accuracy(WrapperBatches.Task) }, { "b", new Accuracy(WrapperBatches.Task).Running(2) } };
        using var second = new MultiTask { { "a", new Accuracy(WrapperBatches.Task) }, { "b", new Accuracy(WrapperBatches.Task).Running(2) } };
        Assert.Equal(["a", "b/0", "b/1"], first.Parts().Select(p => p.Path));
        foreach (var task in (string[])["a", "b"])
        {
            first.Update(task, _batches.All[0]);
            second.Update(task, _batches.All[2]);
        }
        first.Merge(second);
        Assert.Equal([new("a", 7.0 / 13), new("b", 7.0 / 13)], first.Compute());
        first.Reset();
        Assert.Equal(0, first.Updates);
    }

    [Fact]
    public void What_no_task_takes_is_refused()
    {
        using var tasks = new MultiTask { { "a", new Accuracy(WrapperBatches.Task) } };
        Assert.Contains("there are a", Assert.Throws<KeyNotFoundException>(() => tasks.Update("b", _batches.All[0])).Message);
        Assert.Contains("can't be updated with TextComparison", Assert.Throws<ArgumentException>(() => tasks.Update("a", new TextComparison(["x"], ["y"]))).Message);
        using var other = new Accuracy(WrapperBatches.Task);
        Assert.Throws<ArgumentException>(() => tasks.Add("a", other));
    }

    public void Dispose() => _batches.Dispose();
}
