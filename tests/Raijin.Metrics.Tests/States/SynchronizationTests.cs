using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.States;

public sealed class SynchronizationTests
{
    /// <summary>A state of each kind, so that what ranks hold together can be told.</summary>
    sealed class Every : Metric<double>
    {
        public Every(int width = 2)
        {
            AddState("sum", Reduction.Sum, zeros([width], ScalarType.Float64));
            AddState("count", Reduction.Sum, zeros([], ScalarType.Int64));
            AddState("mean", Reduction.Mean, zeros([], ScalarType.Float32));
            AddState("min", Reduction.Min, full([1], double.PositiveInfinity, ScalarType.Float64));
            AddState("max", Reduction.Max, full([2], long.MinValue, ScalarType.Int64));
            AddState("rows", Reduction.Concatenate, zeros([0, 3], ScalarType.Float32));
            AddState("bytes", Reduction.Concatenate, zeros([0], ScalarType.Byte));
            AddState("product", Reduction.Custom, ones([], ScalarType.Float64), (a, b) => a * b);
        }

        public void Update(double value, int rows)
        {
            BeginUpdate(CPU);
            using var scope = NewDisposeScope();
            States[0].Value.add_(value);
            States[1].Value.add_((1L << 52) + (long)value);
            States[2].Set((States[2].Value * (States.Updates - 1) + value) / States.Updates);
            States[3].Set(minimum(States[3].Value, full([1], value, ScalarType.Float64)));
            States[4].Set(maximum(States[4].Value, full([2], (long)value, ScalarType.Int64)));
            States[5].Append(full([rows, 3], value, ScalarType.Float32));
            States[6].Append((ReadOnlySpan<byte>)Enumerable.Repeat((byte)value, rows).ToArray());
            States[7].Set(States[7].Value * value);
        }

        public override double Compute() => States[0].ToArray<double>().Sum();

        public override double ComputeScalar() => Compute();
    }

    sealed class Named : Metric<double>
    {
        public Named(string state) => AddState(state, Reduction.Sum, zeros([], ScalarType.Float64));

        public override double Compute() => States[0].ToArray<double>()[0];

        public override double ComputeScalar() => Compute();
    }

    [Fact]
    public void All_reductions_of_all_ranks_cross_in_one_collective_and_what_concatenates_in_one_more()
    {
        using var world = new RankedWorld(3);
        var held = world.Run(ranks =>
        {
            using var metric = new Every();
            for (var i = 0; i <= ranks.Rank; i++) metric.Update(10 * ranks.Rank + i + 2, rows: ranks.Rank);
            using (metric.Synchronize(ranks))
            {
                using var scope = NewDisposeScope();
                return (
                    metric.Updates,
                    Sum: metric.States[0].ToArray<double>(),
                    Count: metric.States[1].ToArray<long>(),
                    Mean: metric.States[2].ToArray<float>(),
                    Min: metric.States[3].ToArray<double>(),
                    Max: metric.States[4].ToArray<long>(),
                    Rows: metric.States[5].ToArray<float>(),
                    Bytes: metric.States[6].ToArray<byte>(),
                    Product: metric.States[7].ToArray<double>());
            }
        });
        Assert.Equal((1, 1), (world.Reductions, world.Gathers));
        double[] values = [2, 12, 13, 22, 23, 24];
        foreach (var rank in held)
        {
            Assert.Equal(6, rank.Updates);
            Assert.Equal([values.Sum(), values.Sum()], rank.Sum);
            // Above 2^53, where a float64 sum would have lost the last bits.
            Assert.Equal([6 * (1L << 52) + (long)values.Sum()], rank.Count);
            Assert.Equal([(float)values.Average()], rank.Mean);
            Assert.Equal([2.0], rank.Min);
            Assert.Equal([24L, 24L], rank.Max);
            Assert.Equal([12, 12, 12, 13, 13, 13, 22, 22, 22, 22, 22, 22, 23, 23, 23, 23, 23, 23, 24, 24, 24, 24, 24, 24], rank.Rows);
            Assert.Equal([12, 13, 22, 22, 23, 23, 24, 24], rank.Bytes);
            Assert.Equal([values.Aggregate((a, b) => a * b)], rank.Product);
        }
    }

    [Fact]
    public void Disposed_the_metric_holds_its_own_again_and_goes_on()
    {
        using var world = new RankedWorld(2);
        var own = world.Run(ranks =>
        {
            using var metric = new Every();
            metric.Update(ranks.Rank + 1, rows: 2);
            using (metric.Synchronize(ranks))
                Assert.Contains("dispose what Synchronize returned", Assert.Throws<InvalidOperationException>(() => metric.Update(1, 1)).Message);
            metric.Update(5, rows: 1);
            return (metric.Updates, metric.Compute(), metric.States[5].Rows);
        });
        Assert.Equal([(2L, 12.0, 3L), (2L, 14.0, 3L)], own);
    }

    [Fact]
    public void A_rank_that_accumulated_nothing_takes_part()
    {
        using var world = new RankedWorld(2);
        var rows = world.Run(ranks =>
        {
            using var metric = new Every();
            if (ranks.Rank == 1) metric.Update(3, rows: 1);
            using (metric.Synchronize(ranks)) return metric.States[5].Rows + metric.Updates;
        });
        Assert.Equal([2, 2], rows);
    }

    [Fact]
    public void Ranks_with_other_metrics_are_told()
    {
        using var world = new RankedWorld(2);
        var error = Assert.Throws<InvalidOperationException>(() => world.Run(ranks =>
        {
            // As many numbers, of another state.
            using var metric = new Named(ranks.Rank == 0 ? "hits" : "misses");
            metric.Synchronize(ranks).Dispose();
            return 0;
        }));
        Assert.Contains("build the same metrics", error.Message);
    }

    [Fact]
    public void One_rank_alone_exchanges_nothing()
    {
        using var metric = new Every();
        metric.Update(3, 1);
        using (metric.Synchronize(new StateTransport(0, 1, (_, _) => Assert.Fail("no collective"), (_, _, _) => throw new InvalidOperationException())))
            Assert.Equal(6, metric.Compute());
    }

    [Fact]
    public void A_rank_that_gives_up_waiting_keeps_its_own()
    {
        using var metric = new Every();
        metric.Update(3, 1);
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        var ranks = new StateTransport(0, 2, (_, token) => token.ThrowIfCancellationRequested(), (_, _, _) => throw new InvalidOperationException());
        Assert.Throws<OperationCanceledException>(() => metric.Synchronize(ranks, stopped.Token));
        metric.Update(3, 1);
        Assert.Equal(12, metric.Compute());
    }
}
