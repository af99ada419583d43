namespace Raijin.Metrics.Tests.Wrappers;

public sealed class ClasswiseTests : IDisposable
{
    static readonly string[] Names = ["cat", "dog", "bee", "ant"];
    readonly WrapperBatches _batches = new();

    [Fact]
    public void Each_class_has_its_number_under_its_name_as_in_torchmetrics()
    {
        using var metric = new RecallScore(WrapperBatches.Task).Classwise(Names);
        foreach (var batch in _batches.All) metric.Update(batch);
        var recorded = _batches.Recorded.GetProperty("classwise").EnumerateObject().ToList();
        Assert.Equal(recorded.Select(c => c.Name), metric.Compute().Keys);
        Recording.Near([.. recorded.Select(c => c.Value.Number())], [.. metric.Compute().Values]);
    }

    [Fact]
    public void In_a_collection_it_shares_the_states_of_its_kin_whichever_comes_first()
    {
        foreach (var first in (bool[])[true, false])
        {
            var (plain, named) = (new RecallScore(WrapperBatches.Task, Average.Macro), new RecallScore(WrapperBatches.Task).Classwise());
            using var metrics = new MetricCollection();
            metrics.Add(first ? "b" : "a", first ? named : plain);
            metrics.Add(first ? "a" : "b", first ? plain : named);
            Assert.Equal(1, metrics.NumAccumulations);
            metrics.Update(_batches.All[0]);
            metrics.Update(_batches.All[2]);
            Assert.Equal(plain.PerClass(), [.. named.Compute().Values]);
            Assert.Equal(plain.PerClass()[3], metrics.Compute()["b/3"]);
            Assert.Single(metrics.Parts());
            metrics.Reset();
            Assert.Equal((0, 0), (plain.Updates, named.Updates));
        }
    }

    [Fact]
    public void Names_that_do_not_fit_are_refused()
    {
        using var metric = new RecallScore(WrapperBatches.Task).Classwise(["a", "b", "c"]);
        metric.Update(_batches.All[0]);
        Assert.Contains("4 classes, but 3 names", Assert.Throws<InvalidOperationException>(() => metric.Compute()).Message);
        using var recall = new RecallScore(WrapperBatches.Task);
        Assert.Contains("one name", Assert.Throws<ArgumentException>(() => { recall.Classwise(["a", "a"]); }).Message);
        using var rate = new WordErrorRate();
        Assert.Contains("no number for each class", Assert.Throws<ArgumentException>(() => { rate.Classwise(); }).Message);
    }

    public void Dispose() => _batches.Dispose();
}
