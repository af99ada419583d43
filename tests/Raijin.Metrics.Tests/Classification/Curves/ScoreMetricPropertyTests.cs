using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Curves;

/// <summary>What holds for every metric of scores.</summary>
public sealed class ScoreMetricPropertyTests
{
    public static TheoryData<int> TaskNumbers => [.. Enumerable.Range(0, ScoreMetrics.Tasks.Length)];

    [Theory]
    [MemberData(nameof(TaskNumbers))]
    public void Any_split_into_updates_and_any_merge_gives_the_same(int number) =>
        Gen.Select(ScoredSamples.Of(ScoreMetrics.Tasks[number]), Gen.Double.Unit, Gen.Double.Unit).Sample((samples, a, b) =>
        {
            var (first, second) = ((int)(Math.Min(a, b) * samples.Count), (int)(Math.Max(a, b) * samples.Count));
            var parts = new[] { samples.Pick(Enumerable.Range(0, first)), samples.Pick(Enumerable.Range(first, second - first)), samples.Pick(Enumerable.Range(second, samples.Count - second)) };
            foreach (var (whole, split, other) in Three(samples.Task))
            {
                Update(whole, samples);
                Update(split, parts[2]);
                Update(other, parts[0]);
                Update(other, parts[1]);
                split.Merge(other);
                Same(whole, split, 1e-9);
            }
        }, iter: 12);

    [Theory]
    [MemberData(nameof(TaskNumbers))]
    public void The_order_of_samples_changes_nothing(int number) =>
        Gen.Select(ScoredSamples.Of(ScoreMetrics.Tasks[number]), Gen.Int[0, 1000]).Sample((samples, seed) =>
        {
            var order = Enumerable.Range(0, samples.Count).ToArray();
            new Random(seed).Shuffle(order);
            foreach (var (whole, shuffled, _) in Three(samples.Task))
            {
                Update(whole, samples);
                Update(shuffled, samples.Pick(order));
                Same(whole, shuffled, 1e-9);
            }
        }, iter: 12);

    [Theory]
    [MemberData(nameof(TaskNumbers))]
    public void Kernels_of_the_host_and_tensor_ops_agree(int number) =>
        Gen.Select(ScoredSamples.Of(ScoreMetrics.Tasks[number]), Gen.Int[0, 3]).Sample((samples, precision) =>
        {
            var dtype = new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16 }[precision];
            // Softmaxes that are equal by arithmetic differ in float64's last bit by the order of their sums, and are no tie then.
            if (dtype == ScalarType.Float64 && samples.Task is { Kind: ClassificationKind.Multiclass, Logits: true }) dtype = ScalarType.Float32;
            // Rows of rounded probabilities stay within [0, 1].
            foreach (var (host, ops, _) in Three(samples.Task))
            {
                samples.Use(batch =>
                {
                    var accumulation = ((dynamic)host).Accumulation as Accumulation<Comparison>;
                    host.States.Begin(batch.Anchor);
                    Assert.True(accumulation!.TryAddOnHost(host.States, batch));
                    ops.States.Begin(batch.Anchor);
                    using var scope = NewDisposeScope();
                    accumulation.Add(ops.States, batch);
                }, dtype);
                Same(host, ops, 1e-9);
            }
        }, iter: 12);

    [Theory]
    [MemberData(nameof(TaskNumbers))]
    public void Nothing_that_counts_gives_nan(int number)
    {
        var task = ScoreMetrics.Tasks[number];
        var none = new ScoredSamples(task, 0, [], [], null);
        var ignored = new ScoredSamples(task, 2, [.. Enumerable.Repeat(task.Logits ? 3 : 0.5, 2 * task.Width)], [.. Enumerable.Repeat(-1L, task.Kind == ClassificationKind.Multilabel ? 2 * task.Classes : 2)], null);
        foreach (var samples in new[] { none, ignored })
        {
            foreach (var metric in ScoreMetrics.All(task))
            {
                using (metric)
                {
                    Update(metric, samples);
                    Assert.True(double.IsNaN(metric.ComputeScalar()), metric.GetType().Name);
                }
            }
        }
    }

    [Fact]
    public void Without_weights_the_same_bits_come_out_of_any_order() =>
        Gen.Select(ScoredSamples.Of(Classification.Binary(), weighted: false), Gen.Int[0, 1000]).Sample((samples, seed) =>
        {
            var order = Enumerable.Range(0, samples.Count).ToArray();
            new Random(seed).Shuffle(order);
            foreach (var thresholds in (Thresholds?[])[null, 9])
            {
                using var whole = new Auroc(samples.Task, thresholds: thresholds);
                using var shuffled = new Auroc(samples.Task, thresholds: thresholds);
                Update(whole, samples);
                foreach (var i in order) Update(shuffled, samples.Pick([i]));
                if (samples.Count > 0) Assert.Equal(BitConverter.DoubleToInt64Bits(whole.Compute()), BitConverter.DoubleToInt64Bits(shuffled.Compute()));
            }
        }, iter: 50);

    static IEnumerable<(Metric, Metric, Metric)> Three(Classification task)
    {
        foreach (var (a, (b, c)) in ScoreMetrics.All(task).Zip(ScoreMetrics.All(task).Zip(ScoreMetrics.All(task))))
        {
            using (a)
            using (b)
            using (c) yield return (a, b, c);
        }
    }

    static void Update(Metric metric, ScoredSamples samples) => samples.Use(batch => ((IUpdate<Comparison>)metric).Update(batch));

    static void Same(Metric expected, Metric actual, double tolerance)
    {
        var (a, b) = (expected.ComputeScalars(), actual.ComputeScalars());
        Assert.Equal(a.Select(x => x.Key), b.Select(x => x.Key));
        foreach (var (x, y) in a.Zip(b)) Recording.Near(x.Value, y.Value, tolerance, $"{expected.GetType().Name} {x.Key}");
        if (expected is not IPerClass each) return;
        Recording.Near(each.PerClass(), ((IPerClass)actual).PerClass(), tolerance, expected.GetType().Name + " per class");
    }
}
