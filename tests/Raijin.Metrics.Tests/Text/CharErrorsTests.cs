namespace Raijin.Metrics.Tests.Text;

public sealed class CharErrorsTests
{
    [Fact]
    public void The_character_error_rate_is_that_of_torchmetrics()
    {
        var part = EditRecording.Part("rates");
        Recording.Near(part.GetProperty("cer").Number(), Texts.CharErrorRate(part.Predictions(), part.GetProperty("references").Strings()), 1e-6);
    }

    [Fact]
    public void The_distances_are_those_of_nltk_for_every_cost_of_a_substitution()
    {
        var part = EditRecording.Part("rates");
        var (all, right) = (part.Predictions(), part.GetProperty("references").Strings());
        var chosen = part.GetProperty("short").Numbers().Select(i => (int)i).ToArray();
        string[] predictions = [.. chosen.Select(i => all[i])], references = [.. chosen.Select(i => right[i])];
        foreach (var run in part.GetProperty("distances").EnumerateArray())
        {
            var (cost, each) = (run.GetProperty("cost").GetInt32(), run.GetProperty("each").Numbers());
            using var metric = new EditDistance(cost, keepSamples: true);
            metric.Update(predictions[..5], references[..5]);
            metric.Update(predictions[5..], references[5..]);
            Assert.Equal(each, metric.PerSample());
            Assert.Equal(each.Average(), metric.Compute(), 12);
            Assert.Equal(each.Sum(), Texts.EditDistance(predictions, references, cost, SampleReduction.Sum));
        }
    }

    [Fact]
    public void A_surrogate_pair_is_one_character()
    {
        Assert.Equal(1, Texts.EditDistance(["a😀"], ["a😁"]));
        Assert.Equal(0.5, Texts.CharErrorRate(["a😀"], ["a😁"]));
    }

    [Fact]
    public void Degenerate_texts_give_the_documented_values()
    {
        Assert.True(double.IsNaN(Texts.CharErrorRate([""], [""])));
        Assert.Equal(double.PositiveInfinity, Texts.CharErrorRate(["a"], [""]));
        Assert.Equal(0, Texts.EditDistance([""], [""]));
        Assert.True(double.IsNaN(Texts.EditDistance([], [])));
        Assert.Equal(0, Texts.EditDistance([], [], reduction: SampleReduction.Sum));
    }

    [Fact]
    public void Rate_and_distance_of_a_collection_share_one_accumulation()
    {
        using var metrics = new MetricCollection<TextComparison> { { "cer", new CharErrorRate() }, { "mean", new EditDistance() }, { "sum", new EditDistance(reduction: SampleReduction.Sum) }, { "dear", new EditDistance(2) } };
        Assert.Equal(2, metrics.NumAccumulations);
    }

    [Fact]
    public void Splits_and_merges_change_nothing()
    {
        TextSplits.Check(() => new CharErrorRate(), references: 1, tolerance: 0);
        TextSplits.Check(() => new EditDistance(3), references: 1, tolerance: 0);
    }

    [Fact]
    public void What_was_not_kept_is_not_given()
    {
        using var metric = new EditDistance();
        metric.Update("a", "b");
        Assert.Contains("keepSamples", Assert.Throws<InvalidOperationException>(() => metric.PerSample()).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new EditDistance(-1));
    }
}
