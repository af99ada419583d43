using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Association;

public sealed class FleissKappaTests
{
    static readonly JsonElement Recorded = Recording.Open("nominal").GetProperty("fleiss");

    [Theory]
    [InlineData("paper")]
    [InlineData("uneven")]
    public void Counts_of_raters_agree_as_the_formula_says(string name)
    {
        using var counts = Recorded.GetProperty(name).GetProperty("counts").Tensor(ScalarType.Int32);
        Recording.Near(Recorded.GetProperty(name).GetProperty("kappa").Number(), Nominal.FleissKappa(counts), 1e-12);
    }

    [Fact]
    public void Each_rater_chooses_the_category_of_its_largest_score()
    {
        using var scores = Recorded.GetProperty("scores").GetProperty("scores").Tensor();
        Recording.Near(Recorded.GetProperty("scores").GetProperty("kappa").Number(), Nominal.FleissKappa(scores), 1e-12);
    }

    [Fact]
    public void Any_split_into_updates_and_merges_gives_the_same()
    {
        using var scope = NewDisposeScope();
        var ratings = new Ratings(Recorded.GetProperty("paper").GetProperty("counts").Tensor(ScalarType.Int64));
        using var first = new FleissKappa(5);
        using var second = new FleissKappa(5);
        first.Update(ratings.Select(tensor(new long[] { 9, 3, 4 })));
        second.Update(ratings.Select(tensor(new long[] { 0, 1, 2, 5 })));
        second.Update(ratings.Select(tensor(new long[] { 8, 7, 6 })));
        first.Merge(second);
        using var whole = new FleissKappa(5);
        Assert.Equal(whole.Of(ratings), first.Compute(), 1e-12);
        Assert.Equal(10, ratings.Count);
    }

    [Fact]
    public void Full_agreement_is_one_and_agreement_on_one_category_alone_or_on_nothing_undefined()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(1, Nominal.FleissKappa(tensor(new[,] { { 4, 0 }, { 0, 4 }, { 4, 0 } })), 1e-15);
        Assert.Equal(double.NaN, Nominal.FleissKappa(tensor(new[,] { { 4, 0 }, { 4, 0 } })));
        Assert.Equal(double.NaN, Nominal.FleissKappa(zeros([0, 3], ScalarType.Int64)));
    }

    [Fact]
    public void Negative_counts_single_raters_and_other_shapes_are_refused()
    {
        using var scope = NewDisposeScope();
        using var kappa = new FleissKappa(2);
        Assert.Contains("[3, 2] Float32", Assert.Throws<ShapeMismatchException>(() => kappa.Update(rand(3, 2))).Message);
        Assert.Contains("[3, 3] Int64", Assert.Throws<ShapeMismatchException>(() => kappa.Update(ones([3, 3], ScalarType.Int64))).Message);
        kappa.Update(tensor(new[,] { { 2, 2 }, { 1, 0 } }));
        Assert.Contains("2 raters or more, but 1 value was not; the first was 1", Assert.Throws<MetricInputException>(() => kappa.Compute()).Message);
        kappa.Reset();
        kappa.Update(tensor(new[,] { { 5, -1 } }));
        Assert.Equal(-1, Assert.Throws<MetricInputException>(() => kappa.Compute()).First);
    }
}
