using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Regressions;

public sealed class RankTests
{
    [Fact]
    public void Spearman_is_that_of_scipy_with_and_without_ties()
    {
        using var scope = NewDisposeScope();
        Recorded.Holds("spearman", new SpearmanCorrCoef(), Recorded.Batch("plain"));
        Recorded.Holds("spearman/ties", new SpearmanCorrCoef(), Recorded.Batch("ties"));
        Recorded.HoldsPerOutput("spearman/outputs", new SpearmanCorrCoef(2), Recorded.Batch("ties_multi"));
        Assert.Equal(Recorded.Numbers("ranks"), SpearmanCorrCoef.Ranks(Recorded.Data("ties", "predictions").data<double>().ToArray()));
    }

    [Theory, InlineData(KendallTau.B, "b"), InlineData(KendallTau.C, "c")]
    public void Kendall_is_that_of_scipy_with_and_without_ties(KendallTau tau, string variant)
    {
        using var scope = NewDisposeScope();
        Recorded.Holds($"kendall {variant}", new KendallRankCorrCoef(tau), Recorded.Batch("plain"));
        Recorded.Holds($"kendall {variant}/ties", new KendallRankCorrCoef(tau), Recorded.Batch("ties"));
        Recorded.HoldsPerOutput($"kendall {variant}/outputs", new KendallRankCorrCoef(tau, 2), Recorded.Batch("ties_multi"));
    }

    [Fact]
    public void Without_ties_tau_a_is_that_of_torchmetrics_and_ties_count_against_it()
    {
        using var scope = NewDisposeScope();
        Recorded.Holds("kendall a", new KendallRankCorrCoef(KendallTau.A), Recorded.Batch("plain"));
        // Of three pairs one is tied and two are in the same order.
        Assert.Equal(2.0 / 3, Regression.KendallRankCorrCoef(tensor(new[] { 1.0, 1.0, 2.0 }), tensor(new[] { 1.0, 2.0, 3.0 }), KendallTau.A), 1e-15);
    }

    [Theory, InlineData(Alternative.TwoSided, "two-sided"), InlineData(Alternative.Less, "less"), InlineData(Alternative.Greater, "greater")]
    public void P_values_are_the_asymptotic_ones_of_scipy(Alternative alternative, string name)
    {
        using var scope = NewDisposeScope();
        foreach (var batch in (string[])["plain", "ties"])
        {
            using var metric = new KendallRankCorrCoef();
            Recorded.Feed(metric, Recorded.Batch(batch));
            Recording.Near(Recorded.Numbers($"kendall p {name}/{batch}"), metric.PValues(alternative), 1e-9);
        }
    }

    [Fact]
    public void Counted_pairs_are_those_of_comparing_all() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 5]).Array[0, 40].Sample(pairs =>
        {
            var (x, y) = (pairs.Select(p => (double)p.Item1).ToArray(), pairs.Select(p => (double)p.Item2).ToArray());
            var difference = 0L;
            for (var i = 0; i < x.Length; i++)
                for (var j = 0; j < i; j++) difference += Math.Sign(x[i] - x[j]) * Math.Sign(y[i] - y[j]);
            var order = PairOrder.Of(x, y);
            return order.Difference == difference
                && order.Predictions.TiedPairs == x.Select((a, i) => x.Take(i).Count(b => a == b)).Sum()
                && order.Predictions.Distinct == x.Distinct().Count();
        });

    [Fact]
    public void Constant_or_too_few_values_have_no_rank_correlation()
    {
        using var scope = NewDisposeScope();
        var (same, rising) = (ones([4]), arange(4).to(ScalarType.Float32));
        foreach (var tau in Enum.GetValues<KendallTau>())
        {
            Assert.Equal(double.NaN, Regression.KendallRankCorrCoef(same, rising, tau));
            Assert.Equal(double.NaN, Regression.KendallRankCorrCoef(ones([1]), ones([1]), tau));
            Assert.Equal(1, Regression.KendallRankCorrCoef(rising, rising, tau), 1e-15);
        }
        Assert.Equal(double.NaN, Regression.SpearmanCorrCoef(same, rising));
        Assert.Equal(double.NaN, Regression.SpearmanCorrCoef(zeros([0]), zeros([0])));
        Assert.Equal(-1, Regression.SpearmanCorrCoef(-rising, rising), 1e-15);
        using var two = new KendallRankCorrCoef();
        two.Update(rising.narrow(0, 0, 2), rising.narrow(0, 0, 2));
        Assert.Equal(double.NaN, Assert.Single(two.PValues()));
    }

    [Fact]
    public void Weights_are_refused_and_NaN_is_reported()
    {
        using var scope = NewDisposeScope();
        using var metric = new SpearmanCorrCoef();
        Assert.Throws<ShapeMismatchException>(() => metric.Update(ones([4]), ones([4]), ones([4])));
        Assert.Equal(0, metric.Updates);
        metric.Update(tensor(new[] { 1.0, double.NaN }), tensor(new[] { double.PositiveInfinity, 2.0 }));
        var error = Assert.Throws<MetricInputException>(() => metric.Compute());
        Assert.Equal((2L, double.PositiveInfinity), (error.Count, error.First));
    }

    [Fact]
    public void The_picture_has_predictions_over_targets_thinned_where_there_are_many()
    {
        using var scope = NewDisposeScope();
        using var few = new SpearmanCorrCoef(2);
        Assert.Throws<InvalidOperationException>(() => few.Plot());
        few.Update(Recorded.Batch("ties_multi"));
        var chart = Assert.IsType<Charts.ScatterChart>(few.Plot("Forecast"));
        Assert.Equal(("Forecast", "target", "prediction", 2), (chart.Title, chart.XLabel, chart.YLabel, chart.Points.Count));
        Assert.Equal(Recorded.Data("ties_multi", "targets").select(1, 1).data<double>().ToArray(), chart.Points[1].X);
        Assert.Equal(Recorded.Data("ties_multi", "predictions").select(1, 1).data<double>().ToArray(), chart.Points[1].Y);
        using var many = new KendallRankCorrCoef();
        many.Update(arange(0, 12_000).to(ScalarType.Float64), zeros([12_000], ScalarType.Float64));
        Assert.Equal([0, 3, 6], Assert.IsType<Charts.ScatterChart>(many.Plot()).Points[0].Y.Take(3));
    }
}
