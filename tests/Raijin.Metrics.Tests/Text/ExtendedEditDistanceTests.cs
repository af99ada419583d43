namespace Raijin.Metrics.Tests.Text;

public sealed class ExtendedEditDistanceTests
{
    [Fact]
    public void The_distances_are_those_of_torchmetrics_for_both_languages_and_other_costs()
    {
        foreach (var run in EditRecording.Part("eed").EnumerateArray())
        {
            var costs = run.GetProperty("costs").Numbers();
            var language = run.GetProperty("language").GetString() == "ja" ? EditLanguage.Japanese : EditLanguage.English;
            using var metric = new ExtendedEditDistance(language, costs[0], costs[1], costs[2], costs[3], keepSamples: true);
            metric.Update(run.Predictions(), run.References());
            // Recorded in single precision.
            Recording.Near(run.GetProperty("each").Numbers(), metric.PerSample(), 1e-6, $"{language} {costs[0]}");
            Recording.Near(run.GetProperty("mean").Number(), metric.Compute(), 1e-6);
        }
    }

    [Fact]
    public void Equal_texts_are_no_distance_apart_but_for_the_places_visited_never()
    {
        // " a " against itself: four places, the first of which no character of the reference ends in.
        Assert.Equal(0.3 / 3.3, Texts.ExtendedEditDistance(["a"], [["a"]]), 12);
        Assert.Equal(0, Texts.ExtendedEditDistance(["a"], [["a"]], rho: 0), 12);
    }

    [Fact]
    public void Degenerate_texts_give_the_documented_values()
    {
        Assert.Equal(1, Texts.ExtendedEditDistance([""], [[""]], EditLanguage.Japanese));
        Assert.Equal(1, Texts.ExtendedEditDistance([""], [["猫"]], EditLanguage.Japanese));
        Assert.True(double.IsNaN(Texts.ExtendedEditDistance([], [])));
    }

    [Fact]
    public void Splits_and_merges_change_nothing() => TextSplits.Check(() => new ExtendedEditDistance(), references: 2, tolerance: 1e-12);

    [Fact]
    public void A_cost_that_is_no_cost_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>("rho", () => new ExtendedEditDistance(rho: -1));
        Assert.Throws<ArgumentOutOfRangeException>("alpha", () => new ExtendedEditDistance(alpha: double.NaN));
    }
}
