using Raijin.Metrics.Tests.Regressions;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Pairs;

public sealed class PairwiseTests
{
    static readonly (string Name, Func<Tensor, Tensor?, PairwiseReduction, bool?, Tensor> Of)[] All =
    [
        ("cosine", Pairwise.CosineSimilarity), ("euclidean", Pairwise.EuclideanDistance), ("manhattan", Pairwise.ManhattanDistance), ("linear", Pairwise.LinearSimilarity),
        ("minkowski 3", (x, y, reduction, zero) => Pairwise.MinkowskiDistance(x, y, 3, reduction, zero)),
    ];

    [Fact]
    public void They_are_those_of_scikit_learn_and_scipy()
    {
        using var scope = NewDisposeScope();
        var (x, y) = (Recorded.Data("pairs", "x"), Recorded.Data("pairs", "y"));
        foreach (var (name, of) in All) Near("pairwise " + name, of(x, y, PairwiseReduction.None, null));
    }

    [Fact]
    public void Of_one_set_the_diagonal_is_0_and_rows_are_reduced_as_in_torchmetrics()
    {
        using var scope = NewDisposeScope();
        var (x, y) = (Recorded.Data("pairs", "x"), Recorded.Data("pairs", "y"));
        Near("pairwise cosine/self", Pairwise.CosineSimilarity(x));
        Near("pairwise euclidean/self mean", Pairwise.EuclideanDistance(x, reduction: PairwiseReduction.Mean));
        Near("pairwise manhattan/sum", Pairwise.ManhattanDistance(x, y, PairwiseReduction.Sum));
        Recording.Near([1, 1, 1, 1, 1], Pairwise.CosineSimilarity(x, zeroDiagonal: false).diagonal().data<double>().ToArray(), 1e-12);
        Assert.Equal(0, Pairwise.LinearSimilarity(x, y, zeroDiagonal: true).diagonal().abs().sum().item<double>());
    }

    [Fact]
    public void Distances_of_close_rows_far_from_the_origin_are_exact()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 4096f, 4096f, 4096f, 4096.25f }).reshape(2, 2);
        Assert.Equal([0f, 0.25f, 0.25f, 0f], Pairwise.EuclideanDistance(x).data<float>().ToArray());
    }

    [Fact]
    public void Gradients_are_those_of_finite_differences_and_finite_on_the_diagonal()
    {
        foreach (var (name, of) in All)
        {
            using var scope = NewDisposeScope();
            var (x, y) = (Recorded.Data("pairs", "x").requires_grad_(), Recorded.Data("pairs", "y"));
            (of(x, y, PairwiseReduction.None, null).square().sum()).backward();
            var gradient = x.grad!.data<double>().ToArray();
            for (var i = 0; i < gradient.Length; i++)
            {
                const double Step = 1e-5;
                var (up, down) = (x.detach().clone(), x.detach().clone());
                up.view(-1)[i] += Step;
                down.view(-1)[i] -= Step;
                double At(Tensor moved) => of(moved, y, PairwiseReduction.None, null).square().sum().item<double>();
                Recording.Near((At(up) - At(down)) / (2 * Step), gradient[i], 1e-6, name);
            }
            x.grad!.zero_();
            of(x, null, PairwiseReduction.Sum, null).sum().backward();
            Assert.True(x.grad!.isfinite().all().item<bool>(), name);
        }
    }

    [Fact]
    public void A_row_of_zeros_is_similar_to_nothing()
    {
        using var scope = NewDisposeScope();
        Assert.Equal([0f, 0f], Pairwise.CosineSimilarity(tensor(new[] { 0f, 0f }).reshape(1, 2), ones([2, 2])).data<float>().ToArray());
    }

    [Fact]
    public void Other_shapes_dtypes_and_powers_are_refused()
    {
        using var scope = NewDisposeScope();
        var x = ones([3, 2]);
        Assert.Throws<ShapeMismatchException>(() => Pairwise.LinearSimilarity(ones([3])));
        Assert.Throws<ShapeMismatchException>(() => Pairwise.LinearSimilarity(ones([3, 2], ScalarType.Int64)));
        Assert.Throws<ShapeMismatchException>(() => Pairwise.LinearSimilarity(x, ones([3, 3])));
        Assert.Throws<ShapeMismatchException>(() => Pairwise.LinearSimilarity(x, ones([3, 2], ScalarType.Float64)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Pairwise.MinkowskiDistance(x, power: 0.5));
    }

    static void Near(string name, Tensor actual) => Recording.Near(Recorded.Numbers(name), actual.data<double>().ToArray(), 1e-9, name);
}
