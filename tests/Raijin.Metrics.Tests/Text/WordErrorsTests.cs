namespace Raijin.Metrics.Tests.Text;

public sealed class WordErrorsTests
{
    [Fact]
    public void The_rates_are_the_recorded_ones()
    {
        var part = EditRecording.Part("rates");
        var (predictions, references) = (part.Predictions(), part.GetProperty("references").Strings());
        // torchmetrics counts in single precision.
        Recording.Near(part.GetProperty("wer").Number(), Texts.WordErrorRate(predictions, references), 1e-6);
        Recording.Near(part.GetProperty("mer").Number(), Texts.MatchErrorRate(predictions, references), 1e-15);
        Recording.Near(part.GetProperty("wip").Number(), Texts.WordInfoPreserved(predictions, references), 1e-15);
        Recording.Near(1 - part.GetProperty("wip").Number(), Texts.WordInfoLost(predictions, references), 1e-15);
        using var metric = new WordErrorRate();
        metric.Update(predictions, references);
        Assert.Equal(part.GetProperty("counts").Numbers(), metric.States[0].ToArray<double>());
    }

    [Fact]
    public void The_documented_examples_of_torchmetrics_give_its_numbers()
    {
        var part = EditRecording.Part("rates").GetProperty("documented");
        var (predictions, references) = (part.Predictions(), part.GetProperty("references").Strings());
        Recording.Near(part.GetProperty("wer").Number(), Texts.WordErrorRate(predictions, references));
        Recording.Near(part.GetProperty("mer").Number(), Texts.MatchErrorRate(predictions, references));
        Recording.Near(part.GetProperty("wip").Number(), Texts.WordInfoPreserved(predictions, references));
        Recording.Near(part.GetProperty("wil").Number(), Texts.WordInfoLost(predictions, references));
    }

    [Fact]
    public void The_rates_of_a_collection_share_one_accumulation()
    {
        using var metrics = new MetricCollection<TextComparison> { { "wer", new WordErrorRate() }, { "mer", new MatchErrorRate() }, { "wip", new WordInfoPreserved() }, { "wil", new WordInfoLost() } };
        Assert.Equal(1, metrics.NumAccumulations);
        metrics.Update(["a b c", "d"], ["a x c", "d e"]);
        Assert.Equal([new("wer", 0.4), new("mer", 0.4), new("wip", 0.6 * 0.75), new("wil", 1 - 0.6 * 0.75)], metrics.Compute());
    }

    [Theory]
    [InlineData("", "", double.NaN, double.NaN, double.NaN)]
    [InlineData(" \t", "a b", 1.0, 1.0, 0.0)]
    [InlineData("a b", "", double.PositiveInfinity, 1.0, 0.0)]
    public void Texts_without_words_give_the_documented_values(string prediction, string reference, double wer, double mer, double wip)
    {
        Assert.Equal(wer, Texts.WordErrorRate([prediction], [reference]));
        Assert.Equal(mer, Texts.MatchErrorRate([prediction], [reference]));
        Assert.Equal(wip, Texts.WordInfoPreserved([prediction], [reference]));
        Assert.Equal(1 - wip, Texts.WordInfoLost([prediction], [reference]));
    }

    [Fact]
    public void Of_no_samples_the_rates_are_undefined() => Assert.True(double.IsNaN(Texts.WordErrorRate([], [])));

    [Fact]
    public void Splits_and_merges_change_nothing()
    {
        TextSplits.Check(() => new WordErrorRate(), references: 1, tolerance: 0);
        TextSplits.Check(() => new WordInfoPreserved(), references: 1, tolerance: 0);
    }

    [Fact]
    public void More_than_one_reference_is_refused()
    {
        using var metric = new WordErrorRate();
        var error = Assert.Throws<ShapeMismatchException>(() => metric.Update("a", "a", "b"));
        Assert.Contains("2 for prediction 0", error.Message);
        Assert.Equal(0, metric.Updates);
    }
}
