using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Regressions;

public sealed class MomentTests
{
    [Fact]
    public void R2_and_explained_variance_are_those_of_scikit_learn()
    {
        using var scope = NewDisposeScope();
        Holds("r2", (n, average) => new R2Score(n, average: average));
        Holds("explained variance", (n, average) => new ExplainedVariance(n, average));

        static void Holds(string name, Func<int, OutputAverage, RegressionMetric> metric)
        {
            Recorded.Holds(name, metric(1, OutputAverage.Uniform), Recorded.Batch("plain"));
            Recorded.Holds(name + "/weighted", metric(1, OutputAverage.Uniform), Recorded.Batch("plain", weighted: true));
            Recorded.Holds(name + "/mean", metric(3, OutputAverage.Uniform), Recorded.Batch("multi"));
            Recorded.Holds(name + "/variance weighted", metric(3, OutputAverage.VarianceWeighted), Recorded.Batch("multi"));
            Recorded.HoldsPerOutput(name + "/outputs", metric(3, OutputAverage.Uniform), Recorded.Batch("multi"));
            Recorded.HoldsPerOutput(name + "/weighted outputs", metric(3, OutputAverage.Uniform), Recorded.Batch("multi", weighted: true));
        }
    }

    [Fact]
    public void Adjusted_R2_and_relative_errors_are_those_of_torchmetrics()
    {
        using var scope = NewDisposeScope();
        Recorded.Holds("r2/adjusted", new R2Score(adjusted: 4), Recorded.Batch("plain"));
        Recorded.Holds("r2/adjusted mean", new R2Score(3, adjusted: 4), Recorded.Batch("multi"));
        Recorded.Holds("rse", new RelativeSquaredError(), Recorded.Batch("plain"));
        Recorded.Holds("rse/root", new RelativeSquaredError(root: true), Recorded.Batch("plain"));
        Recorded.Holds("rse/mean", new RelativeSquaredError(3), Recorded.Batch("multi"));
        Recorded.Holds("rse/root mean", new RelativeSquaredError(3, root: true), Recorded.Batch("multi"));
    }

    [Theory]
    [InlineData("mean", ErrorScale.Mean)]
    [InlineData("range", ErrorScale.Range)]
    [InlineData("std", ErrorScale.StandardDeviation)]
    [InlineData("l2", ErrorScale.Norm)]
    public void Normalized_errors_are_those_of_torchmetrics(string name, ErrorScale scale)
    {
        using var scope = NewDisposeScope();
        Recorded.Holds($"nrmse {name}", new NormalizedRootMeanSquaredError(scale), Recorded.Batch("plain"));
        Recorded.HoldsPerOutput($"nrmse {name}/outputs", new NormalizedRootMeanSquaredError(scale, 3), Recorded.Batch("multi"));
    }

    [Fact]
    public void Pearson_is_that_of_scipy_and_concordance_with_sample_variances_that_of_torchmetrics()
    {
        using var scope = NewDisposeScope();
        Recorded.Holds("pearson", new PearsonCorrCoef(), Recorded.Batch("plain"));
        Recorded.HoldsPerOutput("pearson/outputs", new PearsonCorrCoef(3), Recorded.Batch("multi"));
        Recorded.Holds("concordance/unbiased", new ConcordanceCorrCoef(unbiased: true), Recorded.Batch("plain"));
        Recorded.HoldsPerOutput("concordance/unbiased outputs", new ConcordanceCorrCoef(3, unbiased: true), Recorded.Batch("multi"));
    }

    [Fact]
    public void Concordance_divides_by_n_as_Lin_does()
    {
        using var scope = NewDisposeScope();
        // By hand: means 2 and 3, variances 2/3 and 8/3, covariance 4/3, so 2 (4/3) / (2/3 + 8/3 + 1) = 8/13.
        Assert.Equal(8.0 / 13, Regression.ConcordanceCorrCoef(tensor(new[] { 1.0, 2.0, 3.0 }), tensor(new[] { 1.0, 3.0, 5.0 })), 1e-15);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Means_of_a_million_with_deviations_of_one_lose_nothing(bool onHost)
    {
        using var scope = NewDisposeScope();
        // Thousandths on top of 10^6: exact to 10^-10, whose effect on a correlation is below 10^-9.
        var (predictions, targets) = (Recorded.Data("plain", "predictions"), Recorded.Data("plain", "targets"));
        var (p, y) = (predictions + 1e6, targets + 1e6);
        if (!onHost) (p, y) = (stack([p, p], 1).select(1, 0), stack([y, y], 1).select(1, 0));
        using (var states = new MetricStates())
        {
            var moments = new PairMoments(PairKind.PredictionsAndTargets, 1);
            moments.Declare(states);
            Assert.Equal(onHost, moments.TryAddOnHost(states, new(p, y)));
        }
        using var pearson = new PearsonCorrCoef();
        using var r2 = new R2Score();
        for (var i = 0; i < 25; i += 5)
        {
            pearson.Update(p.narrow(0, i, 5), y.narrow(0, i, 5));
            r2.Update(p.narrow(0, i, 5), y.narrow(0, i, 5));
        }
        Recording.Near(Recorded.Number("pearson"), pearson.Compute(), 1e-9);
        Recording.Near(Recorded.Number("pearson"), pearson.Of(p, y), 1e-9);
        Recording.Near(Recorded.Number("r2"), r2.Compute(), 1e-9);
    }

    [Fact]
    public void Constant_targets_give_the_documented_values_even_where_rounding_moves_their_mean()
    {
        using var scope = NewDisposeScope();
        var (same, other) = (full([7], 0.1, ScalarType.Float64), tensor(new[] { 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7 }));
        Assert.Equal(1, Regression.R2Score(same, same));
        Assert.Equal(0, Regression.R2Score(other, same));
        Assert.Equal(1, Regression.ExplainedVariance(same + 3, same));
        Assert.Equal(0, Regression.ExplainedVariance(other, same));
        Assert.Equal(double.NaN, Regression.PearsonCorrCoef(other, same));
        Assert.Equal(double.NaN, Regression.PearsonCorrCoef(same, other));
        Assert.Equal(0, Regression.ConcordanceCorrCoef(other, same));
        Assert.Equal(double.NaN, Regression.ConcordanceCorrCoef(same, same));
        Assert.Equal(double.NaN, Regression.RelativeSquaredError(same, same));
        Assert.Equal(double.PositiveInfinity, Regression.RelativeSquaredError(other, same));
        Assert.Equal(double.PositiveInfinity, Regression.NormalizedRootMeanSquaredError(other, same, ErrorScale.Range));
        Assert.Equal(1, Regression.R2Score(stack([same, same], 1), stack([same, same], 1), outputs: 2, average: OutputAverage.VarianceWeighted));
    }

    [Fact]
    public void Too_few_samples_have_no_score()
    {
        using var scope = NewDisposeScope();
        var (none, one, three) = (zeros([0]), ones([1]), tensor(new[] { 1.0, 2.0, 4.0 }));
        Assert.Equal(double.NaN, Regression.R2Score(none, none));
        Assert.Equal(double.NaN, Regression.R2Score(one, one));
        Assert.Equal(double.NaN, Regression.R2Score(three + 0.1, three, adjusted: 2));
        Assert.NotEqual(double.NaN, Regression.R2Score(three + 0.1, three, adjusted: 1));
        Assert.Equal(double.NaN, Regression.ExplainedVariance(none, none));
        Assert.Equal(double.NaN, Regression.PearsonCorrCoef(one, one));
        Assert.Equal(double.NaN, Regression.NormalizedRootMeanSquaredError(none, none));
    }

    [Fact]
    public void Scores_of_errors_share_one_accumulation_and_correlations_another()
    {
        using var metrics = new MetricCollection
        {
            { "r2", new R2Score() }, { "adjusted", new R2Score(adjusted: 2) }, { "ev", new ExplainedVariance() }, { "rse", new RelativeSquaredError() },
            { "nrmse", new NormalizedRootMeanSquaredError(ErrorScale.Range) }, { "pearson", new PearsonCorrCoef() }, { "ccc", new ConcordanceCorrCoef() },
            { "mse", new MeanSquaredError() }, { "rmse", new MeanSquaredError(root: true) }, { "spearman", new SpearmanCorrCoef() }, { "kendall", new KendallRankCorrCoef() },
        };
        Assert.Equal(4, metrics.NumAccumulations);
        using var scope = NewDisposeScope();
        Recorded.Feed(metrics, Recorded.Batch("plain"));
        Recording.Near(Recorded.Number("r2"), metrics.Compute()["r2"]);
        Recording.Near(Recorded.Number("kendall b"), metrics.Compute()["kendall"]);
    }
}
