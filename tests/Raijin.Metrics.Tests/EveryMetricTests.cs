using Raijin.Metrics.Tests.States;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests;

/// <summary>What every metric does, whatever it measures.</summary>
public sealed class EveryMetricTests
{
    public static TheoryData<string> Names => MetricCases.Names;

    /// <summary>Where neither direction is the better one.</summary>
    static readonly string[] Neutral =
    [
        "StatScores", "Mean", "Variance", "StandardDeviation", "Quantiles", "RunningMean", "RunningSum", "Sum", "Min", "Max", "Cat", "MetricCollection", "MetricCollection`1", "MultiTask",
    ];

    [Fact]
    public void All_public_metrics_are_listed()
    {
        var concrete = typeof(Metric).Assembly.GetExportedTypes().Where(t => t.IsSubclassOf(typeof(Metric)) && !t.IsAbstract && t != typeof(CompositeMetric)).Select(t => t.Name);
        Assert.Equal(concrete.Order(StringComparer.Ordinal), MetricCases.All.Keys.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Names))]
    public void Before_an_update_there_is_nothing_to_compute(string name) => Each(name, (@case, _) =>
    {
        using var metric = @case.Make();
        Assert.Equal(0, metric.Updates);
        Assert.Contains("before any Update", Assert.Throws<InvalidOperationException>(() => MetricCase.Result(metric)).Message);
        Assert.Throws<InvalidOperationException>(() => metric.ComputeScalar());
        Assert.Throws<InvalidOperationException>(() => metric.ComputeScalars());
        if (metric is IPlot plot) Assert.Throws<InvalidOperationException>(() => plot.Plot());
    });

    [Theory, MemberData(nameof(Names))]
    public void Reset_gives_the_first_bits_again(string name) => Each(name, (@case, input) =>
    {
        using var metric = @case.Make();
        var first = MetricCase.Bits(metric);
        @case.Update(metric, input);
        var result = MetricCase.Result(metric);
        metric.Reset();
        Assert.Equal(0, metric.Updates);
        // The extremes of all epochs outlive a reset.
        if (metric is not MinMax<Comparison>) Assert.Equal(first, MetricCase.Bits(metric));
        @case.Update(metric, input);
        Assert.Equal(result, MetricCase.Result(metric));
    });

    [Theory, MemberData(nameof(Names))]
    public void Two_halves_merged_are_the_whole(string name) => Each(name, (@case, input) =>
    {
        using var left = @case.Fed(Half(input, 0));
        using var right = @case.Fed(Half(input, 1));
        var untouched = MetricCase.Bits(right);
        left.Merge(right);
        Assert.Equal(2, left.Updates);
        Assert.Equal(untouched, MetricCase.Bits(right));
        if (@case.NoMerge is not null) return;
        using var whole = @case.Fed(input);
        Recording.Near(MetricCase.Result(whole), MetricCase.Result(left), @case.Tolerance, name);
    });

    [Theory, MemberData(nameof(Names))]
    public void Of_all_metrics_only_like_ones_merge(string name) => Each(name, (@case, input) =>
    {
        using var metric = @case.Fed(input);
        var before = MetricCase.Bits(metric);
        // The next ones in the list are its family, and most like it.
        foreach (var other in MetricCases.All.Values.SkipWhile(c => c.Name != name).Skip(1).Concat(MetricCases.All.Values).Take(8))
        {
            using var stranger = other.Make();
            if (Kinds(metric).SequenceEqual(Kinds(stranger))) continue;
            Assert.Contains("can't be merged", Assert.Throws<ArgumentException>(() => metric.Merge(stranger)).Message);
        }
        Assert.Equal(before, MetricCase.Bits(metric));
    });

    [Theory, MemberData(nameof(Names))]
    public void Saved_and_loaded_it_goes_on_as_if_nothing_had_been(string name) => Each(name, (@case, input) =>
    {
        using var saved = @case.Fed(Half(input, 0));
        using var loaded = @case.Make();
        Wrappers.WrapperBatches.Save(saved, loaded);
        Assert.Equal(saved.Updates, loaded.Updates);
        Assert.Equal(MetricCase.Bits(saved), MetricCase.Bits(loaded));
        @case.Update(saved, Half(input, 1));
        @case.Update(loaded, Half(input, 1));
        Assert.Equal(MetricCase.Result(saved), MetricCase.Result(loaded));
    });

    [Theory, MemberData(nameof(Names))]
    public void Disposed_twice_is_disposed_and_nothing_else_is_done_with_it(string name) => Each(name, (@case, input) =>
    {
        var metric = @case.Fed(input);
        using var other = @case.Make();
        metric.Dispose();
        metric.Dispose();
        Assert.Throws<ObjectDisposedException>(() => @case.Update(metric, input));
        Assert.Throws<ObjectDisposedException>(() => MetricCase.Result(metric));
        Assert.Throws<ObjectDisposedException>(() => metric.ComputeScalar());
        Assert.Throws<ObjectDisposedException>(() => metric.ComputeScalars());
        Assert.Throws<ObjectDisposedException>(metric.Reset);
        Assert.Throws<ObjectDisposedException>(() => metric.Merge(other));
        Assert.Throws<ObjectDisposedException>(() => other.Merge(metric));
    });

    [Theory, MemberData(nameof(Names))]
    public void Each_number_has_a_name_of_its_own_and_the_headline_is_one(string name) => Each(name, (@case, input) =>
    {
        using var metric = @case.Fed(input);
        var numbers = metric.ComputeScalars();
        Assert.Equal(numbers.Count, numbers.Select(n => n.Key).Distinct(StringComparer.Ordinal).Count());
        // The mean over classes or outputs is no class's number.
        if (name is not ("Classwise`1" or "MultiOutput`1")) Assert.Contains(metric.ComputeScalar(), numbers.Select(n => n.Value));
        foreach (var (number, _) in numbers)
            if (metric.HigherIsBetter is not null) _ = metric.HigherIsBetterOf(number);
        Assert.True(Neutral.Contains(name) == (metric.HigherIsBetter is null), $"{name} {metric.HigherIsBetter}");
    });

    [Theory, MemberData(nameof(Names))]
    public void Of_a_batch_is_an_update_and_compute_and_leaves_no_trace(string name) => Each(name, (@case, input) =>
    {
        if (@case.Alone is null) return;
        using var metric = @case.Fed(Half(input, 0));
        var before = MetricCase.Bits(metric);
        var alone = MetricCase.Flat(@case.Alone!(metric, input));
        Assert.Equal(before, MetricCase.Bits(metric));
        Assert.Equal(1, metric.Updates);
        using var fresh = @case.Fed(input);
        Assert.NotEmpty(alone);
        Assert.Equal(MetricCase.Result(fresh), alone);
    });

    [Theory, MemberData(nameof(Names))]
    public void What_can_be_plotted_is_a_picture(string name) => Each(name, (@case, input) =>
    {
        using var metric = @case.Fed(input);
        if (metric is not IPlot plot) return;
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], plot.Plot("Title").Png(320, 240)[..4]);
    });

    [Theory, MemberData(nameof(Names))]
    public void Ranks_hold_the_merge_after_one_collective_or_two(string name) => Each(name, (@case, input) =>
    {
        using var merged = @case.Fed(Half(input, 0));
        using (var right = @case.Fed(Half(input, 1))) merged.Merge(right);
        var expected = MetricCase.Result(merged);
        var concatenates = merged.Parts().Any(p => p.States.Any(s => s.Reduction == Reduction.Concatenate));
        using var world = new RankedWorld(2);
        var results = world.Run(ranks =>
        {
            using var scope = NewDisposeScope();
            using var metric = @case.Fed(Half(input, ranks.Rank));
            using (metric.Synchronize(ranks)) return MetricCase.Result(metric);
        });
        Assert.Equal((1, concatenates ? 1 : 0), (world.Reductions, world.Gathers));
        foreach (var result in results) Recording.Near(expected, result, @case.Tolerance, name);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Twenty_metrics_are_synchronized_as_one(bool concatenates)
    {
        using var scope = NewDisposeScope();
        var (predictions, targets) = (Some.Reals(1, 8), Some.Reals(2, 8));
        using var world = new RankedWorld(2);
        var counts = world.Run(ranks =>
        {
            using var collection = new MetricCollection();
            foreach (var @case in MetricCases.All.Values.Where(c => c.IsRegression))
            {
                var metric = @case.Make();
                if (!Concatenates(metric)) collection.Add(@case.Name, metric);
                else if (concatenates) collection.Add(@case.Name, metric);
                else metric.Dispose();
            }
            for (var power = 4; collection.Count < 20; power++) collection.Add($"power {power}", new MinkowskiDistance(power));
            collection.Update(predictions, targets);
            using (collection.Synchronize(ranks)) return collection.Compute().Count;
        });
        Assert.Equal([20, 20], counts);
        Assert.Equal((1, concatenates ? 1 : 0), (world.Reductions, world.Gathers));
    }

    static bool Concatenates(Metric metric) => metric.Parts().Any(p => p.States.Any(s => s.Reduction == Reduction.Concatenate));

    static IEnumerable<(string, object?, string)> Kinds(Metric metric) =>
        metric.Parts().Select(p => (p.Path, p.States.Kind, string.Join(";", p.States.Select(s => (s.Name, s.Reduction, s.DType)))));

    static Tensor[] Half(Tensor[] input, int half) => [.. input.Select(t => t.narrow(0, half * (t.shape[0] / 2), t.shape[0] / 2))];

    internal static void Each(string name, Action<MetricCase, Tensor[]> test)
    {
        using var scope = NewDisposeScope();
        var @case = MetricCases.All[name];
        test(@case, @case.Input());
    }
}
