using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Aggregation;

/// <summary>Means of samples' scores, of whatever batches: splits, orders and merges.</summary>
public sealed class SampleMeanTests
{
    static readonly Dictionary<string, Action> Metrics = new()
    {
        ["psnrb"] = () => IsAMean(() => new PsnrB(), Pair(4, 1, 12, 20)),
        ["vif"] = () => IsAMean(() => new Vif(), Pair(3, 1, 41, 42)),
        ["total variation"] = () => IsAMean(() => new TotalVariation(), new ImageBatch(Pattern.Of(1, 5, 2, 6, 7))),
        ["total variation, weighted"] = () => IsAMean(() => new TotalVariation(), new ImageBatch(Pattern.Of(1, 5, 2, 6, 7), Pattern.Of(2, 5))),
        ["spatial distortion"] = () => IsAMean(() => new SpatialDistortion(), Scenes()),
        ["qnr"] = () => IsAMean(() => new Qnr(), Scenes()),
        ["stoi"] = () => IsAMean(() => new Stoi(10_000), Pair(3, 4_300)),
        ["complex si-snr"] = () => IsAMean(() => new ComplexSiSnr(), Pair(4, 10, 6, 2)),
        ["permutation invariant"] = () => IsAMean(() => new PermutationInvariant(Ratio), Pair(4, 3, 30)),
        ["joint permutation invariant"] = () => IsAMean(() => new JointPermutationInvariant(Ratio), Pair(4, 3, 30)),
        ["lip vertex error"] = () => IsAMean(() => new LipVertexError(1, 4, 2), Pair(5, 6, 3)),
    };

    public static TheoryData<string> Names => [.. Metrics.Keys];

    static Tensor Ratio(Tensor predictions, Tensor targets) => Raijin.Sound.SiSdr(predictions, targets);

    static Comparison Pair(params long[] shape)
    {
        var (predictions, targets) = Pattern.Pair(3, shape);
        return new(predictions, targets);
    }

    static Fusion Scenes() => new(Pattern.Of(8, 3, 2, 24, 36), Pattern.Of(10, 3, 2, 12, 18), Pattern.Of(9, 3, 1, 24, 36));

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_split_any_order_and_any_merge_give_the_same(string name)
    {
        using var scope = NewDisposeScope();
        Metrics[name]();
    }

    static void IsAMean<TBatch>(Func<ScalarMetric<TBatch>> create, TBatch batch)
        where TBatch : struct, IMetricBatch<TBatch>
    {
        using var whole = create();
        var expected = whole.Of(batch);
        Assert.True(double.IsFinite(expected) && expected != 0);
        var samples = (int)batch.Count;
        // Its samples differ: one that a metric forgot or counted twice would show.
        Assert.True(Math.Abs(expected - whole.Of(batch.Select(tensor(new long[] { 0 })))) > 1e-6 * Math.Abs(expected));
        Gen.Select(Gen.Shuffle(Enumerable.Range(0, samples).Select(i => (long)i).ToArray()), Gen.Int[0, samples], Gen.Int[0, samples], Gen.Bool).Sample(
            (order, a, b, swap) =>
            {
                using var inner = NewDisposeScope();
                var (i, j) = (Math.Min(a, b), Math.Max(a, b));
                using var left = create();
                using var right = create();
                left.Update(batch.Select(tensor(order[..i])));
                left.Update(batch.Select(tensor(order[i..j])));
                right.Update(batch.Select(tensor(order[j..])));
                var (into, from) = swap ? (right, left) : (left, right);
                into.Merge(from);
                Recording.Near(expected, into.Compute(), 1e-9);
            },
            iter: 6, threads: 1);
    }
}
