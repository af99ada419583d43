using CsCheck;
using Raijin.Metrics.Tests.Regressions;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Aggregation;

public sealed class SpreadTests
{
    [Fact]
    public void Variances_are_those_of_numpy()
    {
        using var scope = NewDisposeScope();
        var values = Recorded.Data("plain", "targets");
        Holds("variance", new Variance());
        Holds("variance/population", new Variance(correction: 0));
        Holds("deviation", new StandardDeviation());

        void Holds(string name, SpreadAggregator metric)
        {
            using (metric)
            {
                metric.Update(values.narrow(0, 0, 9));
                metric.Update(stack([values, values], 1).select(1, 0).narrow(0, 9, 16));
                Recording.Near(Recorded.Number(name), metric.Compute(), 1e-12, name);
            }
        }
    }

    [Fact]
    public void Any_split_any_merge_and_either_path_give_the_same_even_around_a_million() =>
        Gen.Select(Gen.Double[-1, 1].Array[2, 60], Gen.Int[0, 60], Gen.Bool).Sample(batch =>
        {
            using var scope = NewDisposeScope();
            var (values, cut) = (batch.Item1, Math.Min(batch.Item2, batch.Item1.Length));
            var mean = values.Average();
            var variance = values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1);
            using var first = new Variance();
            using var second = new Variance();
            first.Update(Laid(values[..cut], batch.Item3));
            second.Update(Laid(values[cut..], !batch.Item3));
            first.Merge(second);
            Recording.Near(variance, first.Compute(), 1e-9);
        }, iter: 60, threads: 1);

    [Fact]
    public void A_weight_is_so_many_repetitions()
    {
        using var scope = NewDisposeScope();
        using var weighted = new Variance();
        using var repeated = new Variance();
        weighted.Update(tensor(new[] { 1.0, 4.0, 6.0 }), tensor(new[] { 2.0, 1.0, 0.0 }));
        repeated.Update(tensor(new[] { 1.0, 1.0, 4.0 }));
        Assert.Equal(3, repeated.Compute(), 1e-12);
        Assert.Equal(3, weighted.Compute(), 1e-12);
    }

    [Fact]
    public void One_value_has_no_spread_to_estimate_and_infinities_are_treated_as_NaN()
    {
        using var one = new Variance();
        using var population = new StandardDeviation(correction: 0, NanPolicy.Ignore);
        one.Update(3);
        population.Update(3);
        population.Update(double.PositiveInfinity);
        Assert.Equal(double.NaN, one.Compute());
        Assert.Equal(0, population.Compute());
        one.Update(double.NegativeInfinity);
        Assert.Equal(double.NegativeInfinity, Assert.Throws<MetricInputException>(() => one.Compute()).First);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Variance(-1));
    }

    static Tensor Laid(double[] values, bool onHost)
    {
        var dense = tensor(values) + 1e6;
        return onHost ? dense : stack([dense, dense], 1).select(1, 0);
    }
}
