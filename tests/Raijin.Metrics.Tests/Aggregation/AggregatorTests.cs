using CsCheck;
using Raijin.Metrics.Tests.Regressions;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Aggregation;

public sealed class AggregatorTests
{
    static readonly double[] Values = [1, double.NaN, -3, 5, 0.5];

    [Fact]
    public void A_weighted_mean_is_that_of_numpy_in_any_split()
    {
        using var scope = NewDisposeScope();
        var (values, weights) = (Recorded.Data("plain", "targets"), Recorded.Data("plain", "weights"));
        using var mean = new Mean();
        mean.Update(values.narrow(0, 0, 9), weights.narrow(0, 0, 9));
        mean.Update(values.narrow(0, 9, 16), weights.narrow(0, 9, 16));
        Assert.Equal(Recorded.Number("mean/weighted"), mean.Compute(), 1e-12);
    }

    [Fact]
    public void Weights_broadcast_to_the_values_and_a_number_weighs_all_of_them()
    {
        using var scope = NewDisposeScope();
        var values = tensor(new[] { 1f, 2f, 3f, 4f }).reshape(2, 2);
        using var mean = new Mean();
        mean.Update(values, tensor(new[] { 1f, 3f }));
        Assert.Equal((1 + 3 * 2 + 3 + 3 * 4) / 8.0, mean.Compute(), 1e-12);
        mean.Update(values, 2.0);
        mean.Update(100, 0);
        mean.Update(7, 0.5);
        Assert.Equal((22 + 2 * 10 + 3.5) / 16.5, mean.Compute(), 1e-12);
        Assert.Equal(4, mean.Updates);
        Assert.Throws<ShapeMismatchException>(() => mean.Update(values, ones([3])));
        Assert.Throws<ShapeMismatchException>(() => mean.Update(ones([2], ScalarType.ComplexFloat32)));
        Assert.Throws<ArgumentOutOfRangeException>(() => mean.Update(values, -1.0));
        Assert.Throws<ArgumentOutOfRangeException>(() => mean.Update(1, double.NaN));
        Assert.Equal(4, mean.Updates);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void NaN_is_an_error_by_default(bool onHost)
    {
        using var scope = NewDisposeScope();
        foreach (var make in All)
        {
            using var metric = make(NanPolicy.Error);
            metric.Update(Laid(Values, onHost));
            var error = Assert.Throws<MetricInputException>(() => metric.ComputeScalar());
            Assert.Equal((1L, double.NaN), (error.Count, error.First));
            metric.Reset();
            metric.Update(Laid([2.0], onHost));
            Assert.Equal(2, metric.ComputeScalar());
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void NaN_is_left_out_or_replaced_where_that_is_asked_for(bool onHost)
    {
        using var scope = NewDisposeScope();
        double[] ignored = [3.5, -3, 5, 0.875, 3.5, 0.875], imputed = [13.5, -3, 10, 2.7, 13.5, 2.7];
        foreach (var (i, make) in All.Index())
        {
            using var ignore = make(NanPolicy.Ignore);
            using var impute = make(NanPolicy.Impute(10));
            ignore.Update(Laid(Values, onHost));
            impute.Update(Laid(Values, onHost));
            Assert.Equal(ignored[i], ignore.ComputeScalar(), 1e-6);
            Assert.Equal(imputed[i], impute.ComputeScalar(), 1e-6);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => NanPolicy.Impute(double.NaN));
    }

    [Fact]
    public void Concatenated_values_belong_to_the_caller()
    {
        using var cat = new Cat(ScalarType.Float64, NanPolicy.Ignore);
        using (NewDisposeScope())
        {
            cat.Update(tensor(new[] { 1.0, double.NaN, 2.0, 3.0 }).reshape(2, 2));
            cat.Update(stack([tensor(new[] { 4.0, double.NaN }), zeros([2], ScalarType.Float64)], 1).select(1, 0));
            cat.Update(5);
        }
        using var values = cat.Compute();
        cat.Reset();
        Assert.Equal([1, 2, 3, 4, 5], values.data<double>().ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => new Cat(ScalarType.Int64));
    }

    [Fact]
    public void Of_no_values_each_has_its_documented_result()
    {
        using var scope = NewDisposeScope();
        double[] results = [0, double.PositiveInfinity, double.NegativeInfinity, double.NaN, 0, double.NaN];
        foreach (var (i, make) in All.Index())
        {
            using var metric = make(NanPolicy.Ignore);
            Assert.Throws<InvalidOperationException>(() => metric.ComputeScalar());
            metric.Update(zeros([0]));
            metric.Update(double.NaN);
            Assert.Equal(results[i], metric.ComputeScalar());
        }
    }

    [Fact]
    public void A_negative_weight_is_left_out_and_reported()
    {
        using var scope = NewDisposeScope();
        foreach (var onHost in (bool[])[true, false])
        {
            using var mean = new Mean();
            mean.Update(Laid([1, 2], onHost), Laid([1, -4], onHost));
            Assert.Equal(1, mean.States.Single(s => s.Name == "sum").ToArray<double>()[0]);
            Assert.Equal(-4, Assert.Throws<MetricInputException>(() => mean.Compute()).First);
        }
    }

    [Fact]
    public void Whole_numbers_give_the_same_bits_in_any_split_and_layout() =>
        Gen.Select(Gen.Int[-50, 50].Array[1, 700], Gen.Int[0, 700], Gen.Bool).Sample(batch =>
        {
            using var scope = NewDisposeScope();
            var (values, cut) = (batch.Item1.Select(v => (double)v).ToArray(), Math.Min(batch.Item2, batch.Item1.Length));
            foreach (var make in All)
            {
                using var all = make(NanPolicy.Error);
                using var first = make(NanPolicy.Error);
                using var second = make(NanPolicy.Error);
                all.Update(Laid(values, true));
                first.Update(Laid(values[..cut], batch.Item3));
                second.Update(Laid(values[cut..], !batch.Item3));
                first.Merge(second);
                Assert.Equal(all.ComputeScalar(), first.ComputeScalar());
            }
        }, iter: 30, threads: 1);

    /// <summary>Sum, least, largest, mean, and those of a window, each as one that takes tensors and numbers; the number of Cat is its mean.</summary>
    static readonly Func<NanPolicy, IAggregate>[] All =
    [
        nan => new Plain<double>(new Sum(nan)), nan => new Plain<double>(new Min(nan)), nan => new Plain<double>(new Max(nan)), nan => new Weighted(new Mean(nan)),
        nan => new Plain<double>(new RunningSum(2, nan)), nan => new Weighted(new RunningMean(2, nan)),
    ];

    static Tensor Laid(double[] values, bool onHost)
    {
        var dense = tensor(values, ScalarType.Float32);
        return onHost ? dense : stack([dense, dense], 1).select(1, 0);
    }

    interface IAggregate : IDisposable
    {
        Metric Metric { get; }

        void Update(Tensor values);

        void Update(double value);

        double ComputeScalar() => Metric.ComputeScalar();

        void Reset() => Metric.Reset();

        void Merge(IAggregate other) => Metric.Merge(other.Metric);

        void IDisposable.Dispose() => Metric.Dispose();
    }

    sealed record Plain<T>(PlainAggregator<T> Aggregator) : IAggregate
    {
        public Metric Metric => Aggregator;

        public void Update(Tensor values) => Aggregator.Update(values);

        public void Update(double value) => Aggregator.Update(value);
    }

    sealed record Weighted(WeightedAggregator<double> Aggregator) : IAggregate
    {
        public Metric Metric => Aggregator;

        public void Update(Tensor values) => Aggregator.Update(values);

        public void Update(double value) => Aggregator.Update(value);
    }
}
