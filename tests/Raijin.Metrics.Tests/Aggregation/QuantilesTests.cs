using Raijin.Metrics.Tests.Regressions;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Aggregation;

public sealed class QuantilesTests
{
    static readonly double[] Probabilities = [0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

    [Fact]
    public void Of_few_values_quantiles_are_exact()
    {
        using var scope = NewDisposeScope();
        var values = Recorded.Data("plain", "targets");
        using var metric = new Quantiles();
        metric.Update(values.narrow(0, 0, 10));
        metric.Update(values.narrow(0, 10, 15));
        var curve = metric.Compute();
        Recording.Near(Recorded.Numbers("quantiles"), [.. new[] { 0, 0.05, 0.25, 0.5, 0.9, 0.99, 1 }.Select(curve.Quantile)], 1e-12);
        Assert.Equal(25, curve.Weight);
    }

    [Fact]
    public void Up_to_the_stated_number_every_value_keeps_its_own_centroid()
    {
        using var metric = new Quantiles();
        using var values = randperm(325, ScalarType.Float64);
        metric.Update(values);
        Assert.Equal(325, metric.States.Single(s => s.Name == "centroids").ToArray<double>().Skip(512).Count(w => w == 1));
    }

    public static TheoryData<string> Orders => new("sorted", "reversed", "random", "inward", "heavy tails", "repeated", "far apart", "drifting");

    [Theory, MemberData(nameof(Orders))]
    public void Quantiles_are_off_by_no_more_of_rank_than_stated_whatever_the_order_the_split_and_the_merge(string order)
    {
        var values = Make(order, 20_000);
        var sorted = values.Order().ToArray();
        foreach (var (parts, onHost) in (ReadOnlySpan<(int, bool)>)[(1, true), (40, true), (40, false)])
        {
            using var scope = NewDisposeScope();
            using var whole = new Quantiles();
            using var other = new Quantiles();
            foreach (var (i, part) in values.Chunk(values.Length / parts).Index()) (i % 3 == 2 ? other : whole).Update(Laid(part, onHost));
            if (parts > 1) whole.Merge(other);
            var curve = whole.Compute();
            Assert.Equal(values.Length, curve.Weight, 1e-6);
            Assert.Equal((sorted[0], sorted[^1]), (curve.Quantile(0), curve.Quantile(1)));
            foreach (var q in Probabilities)
            {
                var allowed = 2 * Math.PI / 512 * Math.Sqrt(q * (1 - q)) + 1.0 / values.Length;
                Assert.True(Off(sorted, curve.Quantile(q), q) <= allowed, $"{order} in {parts}, {onHost}: {q} is off by {Off(sorted, curve.Quantile(q), q)}, above {allowed}");
            }
        }
    }

    [Fact]
    public void Values_one_by_one_are_as_good()
    {
        using var metric = new Quantiles();
        var values = Make("random", 3000);
        foreach (var value in values) metric.Update(value);
        var (sorted, curve) = (values.Order().ToArray(), metric.Compute());
        foreach (var q in Probabilities) Assert.True(Off(sorted, curve.Quantile(q), q) <= 2 * Math.PI / 512 * Math.Sqrt(q * (1 - q)) + 1.0 / 3000);
    }

    [Fact]
    public void A_digest_of_the_host_equals_that_of_tensor_ops()
    {
        using var scope = NewDisposeScope();
        var (host, digest) = (new double[2 * 64], new Digest(64));
        var plain = zeros([2, 64], ScalarType.Float64);
        var random = new Random(5);
        for (var update = 0; update < 6; update++)
        {
            var values = Enumerable.Range(0, 300).Select(_ => random.NextDouble()).ToArray();
            var weights = Enumerable.Range(0, 300).Select(_ => 0.1 + random.NextDouble()).ToArray();
            digest.Add(host, values, weights);
            plain = digest.Merge(plain, stack([tensor(values), tensor(weights)]));
        }
        Recording.Near(plain.data<double>().ToArray(), host, 1e-9);
    }

    [Fact]
    public void Memory_is_constant_and_weights_count()
    {
        using var scope = NewDisposeScope();
        using var metric = new Quantiles(centroids: 64);
        for (var i = 0; i < 50; i++) metric.Update(arange(0, 1000).to(ScalarType.Float32), 2.0);
        Assert.Equal([2L, 64], metric.States.Single(s => s.Name == "centroids").Value.shape);
        Assert.Equal(100_000, metric.Compute().Weight, 1e-6);
        using var weighted = new Quantiles();
        weighted.Update(tensor(new[] { 1.0, 2.0, 3.0 }), tensor(new[] { 8.0, 1.0, 0.0 }));
        Assert.Equal((1, 2), (weighted.Compute().Quantile(0.25), weighted.Compute().Largest));
    }

    [Fact]
    public void Ranks_hold_together_what_one_would_alone_within_the_bound()
    {
        var values = Make("random", 4000);
        using var world = new States.RankedWorld(3);
        var together = world.Run(ranks =>
        {
            using var scope = NewDisposeScope();
            using var metric = new Quantiles();
            metric.Update(Laid([.. values.Where((_, i) => i % 3 == ranks.Rank)], onHost: true));
            using (metric.Synchronize(ranks)) return metric.Compute();
        });
        var sorted = values.Order().ToArray();
        foreach (var curve in together)
        {
            Assert.Equal((4000, sorted[0], sorted[^1]), (curve.Weight, curve.Least, curve.Largest));
            foreach (var q in Probabilities) Assert.True(Off(sorted, curve.Quantile(q), q) <= 2 * Math.PI / 512 * Math.Sqrt(q * (1 - q)) + 1.0 / 4000);
        }
    }

    [Fact]
    public void Named_quantiles_are_logged_and_the_first_is_the_number()
    {
        using var metric = new Quantiles([0.9, 0.999]);
        for (var i = 0; i <= 10; i++) metric.Update(i);
        Assert.Equal(["p90", "p99.9"], metric.ComputeScalars().Select(s => s.Key));
        Assert.Equal(metric.Compute().Quantile(0.9), metric.ComputeScalar());
        Assert.Throws<ArgumentOutOfRangeException>(() => metric.Compute().Quantile(1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Quantiles([double.NaN]));
        Assert.Throws<ArgumentException>(() => new Quantiles([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Quantiles(centroids: 8));
    }

    [Fact]
    public void Of_no_values_there_is_no_quantile_and_the_policy_for_NaN_is_kept()
    {
        using var ignoring = new Quantiles(nan: NanPolicy.Ignore);
        ignoring.Update(double.PositiveInfinity);
        Assert.Equal(double.NaN, ignoring.ComputeScalar());
        using var strict = new Quantiles();
        strict.Update(double.PositiveInfinity);
        Assert.Throws<MetricInputException>(() => strict.Compute());
    }

    [Fact]
    public void The_curve_is_drawn_from_the_least_to_the_largest()
    {
        using var metric = new Quantiles();
        for (var i = 0; i <= 10; i++) metric.Update(i);
        var chart = Assert.IsType<Charts.LineChart>(metric.Plot("Latency"));
        Assert.Equal(("Latency", 0.0, 10.0), (chart.Title, chart.Curves[0].Y[0], chart.Curves[0].Y[^1]));
    }

    /// <summary>How far the rank of a value is from a share q of all; within its ties it is nowhere off.</summary>
    static double Off(double[] sorted, double value, double q)
    {
        var (below, upTo) = (sorted.Count(v => v < value) / (double)sorted.Length, sorted.Count(v => v <= value) / (double)sorted.Length);
        return q < below ? below - q : q > upTo ? q - upTo : 0;
    }

    static double[] Make(string order, int count)
    {
        var random = new Random(11);
        double[] Draw(Func<int, double> value) => [.. Enumerable.Range(0, count).Select(value)];
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return order switch
        {
            "sorted" => Draw(i => i),
            "reversed" => Draw(i => -i),
            "random" => Draw(_ => Normal()),
            "inward" => Draw(i => i % 2 == 0 ? i : 2.0 * count - i),
            "heavy tails" => Draw(_ => Math.Tan(Math.PI * (random.NextDouble() - 0.5))),
            "repeated" => Draw(_ => Math.Floor(6 * random.NextDouble() * random.NextDouble())),
            "far apart" => Draw(_ => 1e6 + Normal() + (random.Next(3) == 0 ? 1e9 : 0)),
            "drifting" => Draw(i => Normal() + 3 * Math.Sin(i / 500.0)),
            _ => throw new ArgumentOutOfRangeException(nameof(order)),
        };
    }

    static Tensor Laid(double[] values, bool onHost)
    {
        var dense = tensor(values);
        return onHost ? dense : stack([dense, dense], 1).select(1, 0);
    }
}
