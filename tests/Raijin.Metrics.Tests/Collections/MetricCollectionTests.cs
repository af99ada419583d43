using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Collections;

public sealed class MetricCollectionTests
{
    [Fact]
    public void Members_of_equal_accumulations_share_their_states()
    {
        var (first, second) = (new Accuracy(3), new Accuracy(3));
        using var metrics = new MetricCollection("val/", "@1") { { "a", first }, { "b", second }, { "c", new Accuracy(4) } };
        Assert.Equal(2, metrics.NumAccumulations);
        Assert.Same(first.States, second.States);
        Assert.Equal(["a", "c"], metrics.Parts().Select(p => p.Path));
    }

    [Fact]
    public void Results_carry_prefix_and_postfix_and_the_typed_member_gives_the_same()
    {
        var accuracy = new Accuracy(3);
        using var metrics = new MetricCollection("val/", "@1") { { "accuracy", accuracy }, { "error", 1.0 - accuracy } };
        using var predicted = tensor(new long[] { 0, 1, 2, 2 });
        using var labels = tensor(new long[] { 0, 1, 1, 2 });
        metrics.Update(predicted, labels);
        Assert.Equal([new("val/accuracy@1", 0.75), new("val/error@1", 0.25)], metrics.Compute());
        Assert.Equal(0.75, accuracy.Compute());
        Assert.Equal(0.75, accuracy.Of(predicted, labels));
    }

    [Fact]
    public void A_member_is_updated_by_its_collection_only()
    {
        var accuracy = new Accuracy(3);
        using var metrics = new MetricCollection { { "accuracy", accuracy } };
        using var labels = tensor(new long[] { 0, 1 });
        var error = Assert.Throws<InvalidOperationException>(() => accuracy.Update(labels, labels));
        Assert.Contains("update the collection", error.Message);
    }

    [Fact]
    public void A_collection_may_be_a_member_of_another_whose_numbers_say_what_is_better()
    {
        var inner = new MetricCollection { { "accuracy", new Accuracy(3) }, { "hamming", new HammingDistance(Classification.Multiclass(3)) } };
        using var metrics = new MetricCollection("val/") { { "day", inner }, { "accuracy", new Accuracy(3) } };
        using var labels = tensor(new long[] { 0, 1 });
        metrics.Update(labels, labels);
        Assert.Equal([new("val/day/accuracy", 1), new("val/day/hamming", 0), new("val/accuracy", 1)], metrics.Compute());
        Assert.Equal((true, false, null), (metrics.HigherIsBetterOf("val/day/accuracy"), metrics.HigherIsBetterOf("val/day/hamming"), metrics.HigherIsBetterOf("day/accuracy")));
        Assert.Throws<InvalidOperationException>(() => inner.Update(labels, labels));
    }
}
