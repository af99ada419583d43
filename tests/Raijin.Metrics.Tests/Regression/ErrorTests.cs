using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Regressions;

public sealed class ErrorTests
{
    [Fact]
    public void Errors_are_those_of_scikit_learn_with_weights_and_several_outputs()
    {
        using var scope = NewDisposeScope();
        Holds("mse", n => new MeanSquaredError(n));
        Holds("rmse", n => new MeanSquaredError(n, root: true));
        Holds("mae", n => new MeanAbsoluteError(n));
        Holds("mape", n => new MeanAbsolutePercentageError(n));
        Holds("msle", n => new MeanSquaredLogError(n), "positive");
        Holds("rmsle", n => new MeanSquaredLogError(n, root: true), "positive");

        static void Holds(string name, Func<int, RegressionMetric> metric, string which = "plain")
        {
            var several = which == "plain" ? "multi" : which + "_multi";
            Recorded.Holds(name, metric(1), Recorded.Batch(which));
            Recorded.Holds(name + "/weighted", metric(1), Recorded.Batch(which, weighted: true));
            Recorded.Holds(name + "/mean", metric(3), Recorded.Batch(several));
            Recorded.HoldsPerOutput(name + "/outputs", metric(3), Recorded.Batch(several));
            Recorded.HoldsPerOutput(name + "/weighted outputs", metric(3), Recorded.Batch(several, weighted: true));
        }
    }

    [Fact]
    public void Errors_that_only_torchmetrics_defines_are_its()
    {
        using var scope = NewDisposeScope();
        Recorded.Holds("smape", new SymmetricMeanAbsolutePercentageError(), Recorded.Batch("plain"));
        Recorded.Holds("wmape", new WeightedMeanAbsolutePercentageError(), Recorded.Batch("plain"));
        Recorded.Holds("log cosh", new LogCoshError(), Recorded.Batch("plain"));
        Recorded.HoldsPerOutput("log cosh/outputs", new LogCoshError(3), Recorded.Batch("multi"));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3.5)]
    public void Minkowski_distances_are_those_of_scipy(double power)
    {
        using var scope = NewDisposeScope();
        Recorded.Holds(FormattableString.Invariant($"minkowski {power}"), new MinkowskiDistance(power), Recorded.Batch("plain"));
        Recorded.Holds(FormattableString.Invariant($"minkowski {power}/weighted"), new MinkowskiDistance(power), Recorded.Batch("plain", weighted: true));
    }

    [Theory, InlineData(-1.5), InlineData(0), InlineData(1), InlineData(1.4), InlineData(2), InlineData(3), InlineData(3.5)]
    public void Deviances_are_those_of_scikit_learn(double power)
    {
        using var scope = NewDisposeScope();
        Recorded.Holds(FormattableString.Invariant($"tweedie {power}"), new TweedieDevianceScore(power), Recorded.Batch("positive"));
        Recorded.Holds(FormattableString.Invariant($"tweedie {power}/weighted"), new TweedieDevianceScore(power), Recorded.Batch("positive", weighted: true));
    }

    [Fact]
    public void A_count_of_zero_has_a_deviance_where_the_power_allows_it()
    {
        using var scope = NewDisposeScope();
        var batch = new Comparison(tensor(new[] { 0.5, 2.0, 1.0 }), tensor(new[] { 0.0, 0.0, 3.0 }));
        Recorded.Holds("poisson of zeros", new TweedieDevianceScore(1), batch);
        Recorded.Holds("compound poisson of zeros", new TweedieDevianceScore(1.5), batch);
    }

    [Theory]
    [InlineData(-1.0, 0.0, 5.0, "predictions above 0")]
    [InlineData(1.0, -2.0, 5.0, "predictions above 0 and targets of at least 0")]
    [InlineData(1.0, 2.0, -1.0, "predictions above 0 and targets of at least 0")]
    [InlineData(1.5, 2.0, -1.0, "predictions above 0 and targets of at least 0")]
    [InlineData(2.0, 2.0, 0.0, "predictions above 0 and targets above 0")]
    [InlineData(3.0, 0.0, 2.0, "predictions above 0 and targets above 0")]
    public void A_deviance_outside_its_domain_is_reported_with_the_value(double power, double prediction, double target, string domain)
    {
        using var scope = NewDisposeScope();
        using var metric = new TweedieDevianceScore(power);
        metric.Update(tensor(new[] { 1.0, prediction }), tensor(new[] { 1.0, target }));
        var error = Assert.Throws<MetricInputException>(() => metric.Compute());
        Assert.Equal((domain, 1, prediction <= 0 ? prediction : target), (error.Expected, error.Count, error.First));
    }

    [Fact]
    public void There_is_no_deviance_between_powers_0_and_1_and_no_distance_below_1()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TweedieDevianceScore(0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MinkowskiDistance(0.9));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MinkowskiDistance(double.PositiveInfinity));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MeanSquaredError(0));
    }

    [Fact]
    public void Negative_values_have_no_logarithmic_error()
    {
        using var scope = NewDisposeScope();
        using var metric = new MeanSquaredLogError();
        metric.Update(tensor(new[] { 1.0, 2.0 }), tensor(new[] { 1.0, -0.5 }));
        Assert.Equal(-0.5, Assert.Throws<MetricInputException>(() => metric.Compute()).First);
    }

    [Fact]
    public void Log_cosh_of_huge_errors_is_their_distance_less_log_2()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(1e6 - Math.Log(2), Regression.LogCoshError(tensor(new[] { 1e6f }), tensor(new[] { 0f })), 1e-9);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Log_cosh_of_tiny_errors_is_half_their_square(bool onHost)
    {
        using var scope = NewDisposeScope();
        var (predictions, targets) = (tensor(new[] { 1e-6, 1e-6 }), zeros([2], ScalarType.Float64));
        if (!onHost) (predictions, targets) = (predictions.expand(2, 2), targets.expand(2, 2));
        Assert.Equal(1, Regression.LogCoshError(predictions, targets) / 5e-13, 1e-9);
    }

    [Fact]
    public void Targets_of_zero_have_the_documented_percentages()
    {
        using var scope = NewDisposeScope();
        var (zero, one) = (tensor(new[] { 0.0 }), tensor(new[] { 1.0 }));
        Assert.Equal(Math.Pow(2, 52), Regression.MeanAbsolutePercentageError(one, zero));
        Assert.Equal(0, Regression.SymmetricMeanAbsolutePercentageError(zero, zero));
        Assert.Equal(2, Regression.SymmetricMeanAbsolutePercentageError(one, zero));
        Assert.Equal(0, Regression.WeightedMeanAbsolutePercentageError(zero, zero));
        Assert.Equal(double.PositiveInfinity, Regression.WeightedMeanAbsolutePercentageError(one, zero));
    }

    [Fact]
    public void Of_no_samples_means_are_not_numbers()
    {
        using var scope = NewDisposeScope();
        var none = zeros([0, 3]);
        Assert.Equal(double.NaN, Regression.MeanSquaredError(none, none));
        Assert.Equal(double.NaN, Regression.MeanAbsoluteError(none, none, outputs: 3));
        Assert.Equal(double.NaN, Regression.LogCoshError(none, none));
        Assert.Equal(0, Regression.MinkowskiDistance(none, none, 2));
    }

    [Fact]
    public void Elements_of_one_output_are_samples_whatever_the_shape_and_dtype()
    {
        using var scope = NewDisposeScope();
        var (predictions, targets) = (tensor(new long[] { 1, 2, 3, 4, 5, 6 }).reshape(1, 2, 3), zeros([1, 2, 3], ScalarType.BFloat16));
        Assert.Equal(91.0 / 6, Regression.MeanSquaredError(predictions, targets), 1e-12);
        Assert.Equal(3.5, Regression.MeanAbsoluteError(predictions, targets), 1e-12);
        Assert.Equal(3.5, Regression.MeanAbsoluteError(predictions.to(ScalarType.Float32).transpose(1, 2), targets.to(ScalarType.Float32).transpose(1, 2)), 1e-12);
    }
}
