using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Clustering;

public sealed class IntrinsicScoresTests
{
    static MetricCollection<Clustered> All(int dimensions) => new()
    {
        { "calinski_harabasz", new CalinskiHarabaszScore(dimensions) },
        { "davies_bouldin", new DaviesBouldinScore(dimensions) },
        { "silhouette", new SilhouetteScore(dimensions) },
        { "dunn", new DunnIndex(dimensions) },
    };

    [Theory]
    [InlineData("apart")]
    [InlineData("mixed")]
    [InlineData("line")]
    [InlineData("with_lone_points")]
    public void Scores_are_those_of_scikit_learn_and_torchmetrics(string name)
    {
        var recorded = Recording.Open("clustering").GetProperty("intrinsic").GetProperty(name);
        using var points = recorded.GetProperty("points").Tensor();
        using var labels = recorded.GetProperty("labels").Tensor(ScalarType.Int64);
        Recording.Near(recorded.GetProperty("calinski_harabasz").Number(), Cluster.CalinskiHarabasz(points, labels), 1e-10, "calinski_harabasz");
        Recording.Near(recorded.GetProperty("davies_bouldin").Number(), Cluster.DaviesBouldin(points, labels), 1e-10, "davies_bouldin");
        Recording.Near(recorded.GetProperty("silhouette").Number(), Cluster.Silhouette(points, labels), 1e-10, "silhouette");
        Recording.Near(recorded.GetProperty("dunn").Numbers(), [.. new[] { 1, 2, double.PositiveInfinity }.Select(p => Cluster.Dunn(points, labels, p))], 1e-10, "dunn");
    }

    [Fact]
    public void Any_split_into_updates_any_order_and_any_merge_give_the_same() =>
        Gen.Select(Gen.Int[4, 30], Gen.Int[0, 30], Gen.Int[1, 1000]).Sample((n, cut, seed) =>
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator((ulong)seed);
            var (points, labels) = (rand([n, 2], generator: generator), arange(n).remainder(3) * 5 - 3);
            using var whole = All(2);
            whole.Update(points, labels);
            var order = Enumerable.Range(0, n).OrderBy(i => (i + 1) * 7919 % (seed + 13)).Select(i => (long)i).ToArray();
            cut = Math.Min(cut, n);
            var batch = new Clustered(points, labels);
            using var first = All(2);
            using var second = All(2);
            first.Update(batch.Select(tensor(order[..cut])));
            second.Update(batch.Select(tensor(order[cut..])));
            second.Merge(first);
            Recording.Near([.. whole.Compute().Values], [.. second.Compute().Values], 1e-9);
        }, iter: 20);

    [Fact]
    public void All_scores_of_a_collection_share_the_points()
    {
        using var metrics = All(2);
        Assert.Equal(1, metrics.NumAccumulations);
        Assert.Equal([true, false, true, true], metrics.Select(m => m.Value.HigherIsBetter));
    }

    [Theory]
    [InlineData(new[] { 0L, 0, 0, 0 }, new[] { double.NaN, double.NaN, double.NaN, double.NaN })]
    [InlineData(new[] { 0L, 1, 2, 3 }, new[] { double.NaN, double.NaN, double.NaN, double.PositiveInfinity })]
    public void Too_few_and_too_many_clusters_score_as_documented(long[] clusters, double[] expected)
    {
        using var points = tensor(new double[,] { { 0, 0 }, { 1, 0 }, { 0, 2 }, { 3, 3 } });
        using var labels = tensor(clusters);
        using var metrics = All(2);
        metrics.Update(points, labels);
        Assert.Equal(expected, metrics.Compute().Values);
    }

    [Fact]
    public void Points_that_lie_on_their_centres_and_equal_centres_score_as_documented()
    {
        using var onCentres = tensor(new double[,] { { 0, 0 }, { 0, 0 }, { 3, 3 }, { 3, 3 } });
        using var equal = zeros([4, 2], ScalarType.Float64);
        using var crossed = tensor(new double[,] { { 1, 0 }, { -1, 0 }, { 0, 1 }, { 0, -1 } });
        using var labels = tensor(new long[] { 0, 0, 1, 1 });
        Assert.Equal([1, 0, 1, double.PositiveInfinity], Scores(onCentres));
        Assert.Equal([1, 0, 0, double.NaN], Scores(equal));
        Assert.Equal([0, 0, 0], Scores(crossed).Where((_, i) => i != 2));

        double[] Scores(Tensor points)
        {
            using var metrics = All(2);
            metrics.Update(points, labels);
            return [.. metrics.Compute().Values];
        }
    }

    [Fact]
    public void No_point_scores_nothing()
    {
        using var points = zeros([0, 2]);
        using var labels = zeros([0], ScalarType.Int64);
        using var metrics = All(2);
        metrics.Update(points, labels);
        Assert.All(metrics.Compute().Values, v => Assert.Equal(double.NaN, v));
    }

    [Fact]
    public void Silhouettes_of_many_points_are_added_up_block_by_block()
    {
        // 3,000 points make more distances than one block; three piles on a line have silhouettes known in closed form.
        using var scope = NewDisposeScope();
        var labels = arange(3000).remainder(3);
        var points = labels.to(ScalarType.Float32).square().unsqueeze(1);
        Assert.Equal(1, Cluster.Silhouette(points, labels), 1e-12);
    }

    [Fact]
    public void Points_of_another_shape_and_points_that_are_not_finite_are_refused()
    {
        using var scope = NewDisposeScope();
        using var metric = new DaviesBouldinScore(2);
        Assert.Contains("[N, 2]", Assert.Throws<ShapeMismatchException>(() => metric.Update(rand(4, 3), arange(4))).Message);
        Assert.Contains("[4] integers", Assert.Throws<ShapeMismatchException>(() => metric.Update(rand(4, 2), arange(3))).Message);
        Assert.Contains("[4] integers", Assert.Throws<ShapeMismatchException>(() => metric.Update(rand(4, 2), rand(4))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new DunnIndex(2, p: 0.5));
        metric.Update(tensor(new[,] { { 0, 1f }, { float.NaN, 2 }, { 3, float.PositiveInfinity } }), arange(3));
        var error = Assert.Throws<MetricInputException>(() => metric.Compute());
        Assert.Equal((2, double.NaN), (error.Count, error.First));
    }
}
