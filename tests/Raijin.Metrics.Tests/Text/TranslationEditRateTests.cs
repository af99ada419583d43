namespace Raijin.Metrics.Tests.Text;

public sealed class TranslationEditRateTests
{
    [Theory]
    [InlineData("words")]
    [InlineData("signs")]
    public void The_rates_are_those_of_sacreBLEU_for_every_option(string name)
    {
        var part = EditRecording.Part("ter").GetProperty(name);
        var (predictions, references) = (part.Predictions(), part.References());
        foreach (var run in part.GetProperty("runs").EnumerateArray())
        {
            bool[] options = [.. run.GetProperty("options").EnumerateArray().Select(o => o.GetBoolean())];
            using var metric = new TranslationEditRate(options[0], options[1], options[2], options[3], keepSamples: true);
            metric.Update(predictions, references);
            var what = $"{name} {string.Join(' ', options)}";
            Recording.Near(run.GetProperty("each").Numbers(), metric.PerSample(), 1e-12, what);
            Recording.Near(run.GetProperty("corpus").Number(), metric.Compute(), 1e-12, what);
        }
    }

    [Fact]
    public void The_example_of_torchmetrics_gives_its_number() =>
        Assert.Equal(1 / 6.5, Texts.TranslationEditRate(["the cat is on the mat"], [["there is a cat on the mat", "a cat is on the mat"]]), 12);

    [Fact]
    public void A_run_moved_costs_one_edit() =>
        Assert.Equal(1 / 6.0, Texts.TranslationEditRate(["d e f a b c"], [["a b c d e f"]]), 12);

    [Fact]
    public void Empty_texts_give_the_documented_values()
    {
        Assert.Equal(1, Texts.TranslationEditRate([""], [["a b"]]));
        Assert.Equal(1, Texts.TranslationEditRate(["a b"], [[""]]));
        Assert.Equal(0, Texts.TranslationEditRate([""], [[""]]));
    }

    [Fact]
    public void Splits_and_merges_change_nothing() => TextSplits.Check(() => new TranslationEditRate(), references: 2, tolerance: 1e-12);

    [Fact]
    public void Equal_options_share_one_accumulation()
    {
        using var metrics = new MetricCollection<TextComparison> { { "a", new TranslationEditRate() }, { "b", new TranslationEditRate() }, { "c", new TranslationEditRate(normalize: true) } };
        Assert.Equal(2, metrics.NumAccumulations);
    }
}
