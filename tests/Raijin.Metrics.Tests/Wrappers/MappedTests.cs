using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Wrappers;

public sealed class MappedTests : IDisposable
{
    readonly Tensor _scores;
    readonly Tensor _labels;
    readonly Tensor _ratings;
    readonly System.Text.Json.JsonElement _recorded = Recording.Open("wrappers");

    public MappedTests()
    {
        using var scope = NewDisposeScope();
        _scores = _recorded.GetProperty("outputs").GetProperty("scores").Tensor().select(1, 0).clone().DetachFromDisposeScope();
        _labels = _recorded.GetProperty("outputs").GetProperty("labels").Tensor(ScalarType.Int64).select(1, 0).clone().DetachFromDisposeScope();
        _ratings = _recorded.GetProperty("mapped").GetProperty("ratings").Tensor().DetachFromDisposeScope();
    }

    [Fact]
    public void The_metric_is_fed_with_what_the_function_makes_of_a_batch()
    {
        var accuracy = new Accuracy(Classification.Binary());
        using var metric = accuracy.Mapped(batch => batch with { Predictions = 1 - batch.Predictions });
        metric.Update(_scores, _labels);
        Recording.Near(_recorded.GetProperty("mapped").GetProperty("inverted").Number(), metric.ComputeScalar());
        Assert.Equal(metric.ComputeScalar(), accuracy.Compute());
        Assert.Throws<InvalidOperationException>(() => accuracy.Update(_scores, _labels));
        metric.Reset();
        Assert.Equal(0, accuracy.Updates);
    }

    [Fact]
    public void Targets_above_the_threshold_are_ones()
    {
        using var metric = new BinaryTarget(new Accuracy(Classification.Binary()), 4.5);
        metric.Update(_scores, _ratings);
        Recording.Near(_recorded.GetProperty("mapped").GetProperty("binary").Number(), metric.ComputeScalar());
    }

    [Fact]
    public void A_whole_collection_can_stand_behind_a_function_and_that_in_a_collection()
    {
        var inner = new MetricCollection { { "accuracy", new Accuracy(Classification.Binary()) }, { "f1", new F1Score(Classification.Binary()) } };
        using var outer = new MetricCollection("val/") { { "rated", new BinaryTarget(inner, 4.5) } };
        outer.Update(_scores, _ratings);
        Assert.Equal(["val/rated/accuracy", "val/rated/f1"], outer.Compute().Keys);
        Assert.Equal(true, outer.HigherIsBetterOf("val/rated/f1"));
        Assert.Equal(["rated/accuracy"], outer.Parts().Select(p => p.Path));
        Assert.Throws<InvalidOperationException>(() => inner.Update(_scores, _labels));
    }

    [Fact]
    public void One_kind_of_batch_becomes_another()
    {
        using var metric = new Mapped<TextComparison, Comparison>(
            new Accuracy(WrapperBatches.Task),
            texts => new(tensor(texts.Predictions.Select(p => (long)p.Length).ToArray()), tensor(texts.References.Select(r => (long)r[0].Length).ToArray())));
        metric.Update(["a", "bb", ""], ["b", "b", ""]);
        Assert.Equal(2.0 / 3, metric.ComputeScalar());
    }

    public void Dispose()
    {
        _scores.Dispose();
        _labels.Dispose();
        _ratings.Dispose();
    }
}
