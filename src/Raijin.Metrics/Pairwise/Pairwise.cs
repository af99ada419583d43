// N rows of x, M rows of y, d entries each

using Raijin.Metrics;
using System.Diagnostics;
using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>How the numbers of one row of x with all rows of y become one.</summary>
public enum PairwiseReduction
{
    /// <summary>They stay: [N, M].</summary>
    None,

    /// <summary>Their mean: [N].</summary>
    Mean,

    /// <summary>Their sum: [N].</summary>
    Sum,
}

/// <summary>
/// Similarities and distances of all rows of x [N, d] with all rows of y [M, d], [N, M]; y left out is x. Gradients flow to both. Rows must be
/// floating, of one dtype and device; the caller owns the result, which has that dtype.
/// </summary>
/// <remarks>
/// As in torchmetrics: the diagonal is set to 0 where y is left out, unless asked otherwise. Distances are sums of differences, not differences of squares,
/// so that those of close rows are exact; the gradient at distance 0 is 0.
/// </remarks>
public static class Pairwise
{
    /// <summary>⟨x, y⟩ / (‖x‖ ‖y‖), in [−1, 1]; 0 with a row of zeros.</summary>
    /// <param name="x">[N, d]; borrowed.</param>
    /// <param name="y">[M, d]; null: x with itself. Borrowed.</param>
    /// <param name="reduction">What becomes of a row.</param>
    /// <param name="zeroDiagonal">Sets the diagonal to 0; null: where y is left out.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is not the one stated.</exception>
    public static Tensor CosineSimilarity(Tensor x, Tensor? y = null, PairwiseReduction reduction = PairwiseReduction.None, bool? zeroDiagonal = null)
    {
        return Finish(x, y, (a, b) => Unit(a).mm(Unit(b).t()), reduction, zeroDiagonal);

        static Tensor Unit(Tensor rows)
        {
            var zero = rows.detach().eq(0).all(1, keepdim: true);
            return rows / where(zero, ones_like(rows), rows).norm(1, true, 2);
        }
    }

    /// <summary>⟨x, y⟩.</summary>
    /// <inheritdoc cref="CosineSimilarity"/>
    public static Tensor LinearSimilarity(Tensor x, Tensor? y = null, PairwiseReduction reduction = PairwiseReduction.None, bool? zeroDiagonal = null) =>
        Finish(x, y, (a, b) => a.mm(b.t()), reduction, zeroDiagonal);

    /// <summary>√(Σ (x − y)²).</summary>
    /// <inheritdoc cref="CosineSimilarity"/>
    public static Tensor EuclideanDistance(Tensor x, Tensor? y = null, PairwiseReduction reduction = PairwiseReduction.None, bool? zeroDiagonal = null) =>
        Finish(x, y, (a, b) => Distance(a, b, 2), reduction, zeroDiagonal);

    /// <summary>Σ |x − y|.</summary>
    /// <inheritdoc cref="CosineSimilarity"/>
    public static Tensor ManhattanDistance(Tensor x, Tensor? y = null, PairwiseReduction reduction = PairwiseReduction.None, bool? zeroDiagonal = null) =>
        Finish(x, y, (a, b) => Distance(a, b, 1), reduction, zeroDiagonal);

    /// <summary>(Σ |x − y|^power)^(1/power).</summary>
    /// <inheritdoc cref="CosineSimilarity"/>
    /// <param name="power">At least 1 and finite.</param>
    public static Tensor MinkowskiDistance(Tensor x, Tensor? y = null, double power = 2, PairwiseReduction reduction = PairwiseReduction.None, bool? zeroDiagonal = null)
    {
        Raijin.MinkowskiDistance.Checked(power);
        return Finish(x, y, (a, b) => Distance(a, b, power), reduction, zeroDiagonal);
    }

    static Tensor Distance(Tensor x, Tensor y, double power) => cdist(x, y, power, compute_mode.donot_use_mm_for_euclid_dist);

    static Tensor Finish(Tensor x, Tensor? y, Func<Tensor, Tensor, Tensor> pairs, PairwiseReduction reduction, bool? zeroDiagonal)
    {
        TensorGuard.ThrowIfFreed(x);
        if (x.dim() != 2 || !x.is_floating_point()) ShapeMismatchException.Throw(nameof(x), "[N, d] floating", ShapeText.Of(x));
        if (y is not null)
        {
            TensorGuard.ThrowIfFreed(y);
            if (y.dim() != 2 || y.shape[1] != x.shape[1] || y.dtype != x.dtype) ShapeMismatchException.Throw(nameof(y), $"[M, {x.shape[1]}] {x.dtype}", ShapeText.Of(y));
        }
        using var scope = NewDisposeScope();
        var all = pairs(x, y ?? x);                                                                                   // [N, M]
        if (zeroDiagonal ?? y is null) all = all.masked_fill(eye(all.shape[0], all.shape[1], ScalarType.Bool, all.device), 0);
        return (reduction switch
        {
            PairwiseReduction.None => all,
            PairwiseReduction.Mean => all.mean([1]),
            PairwiseReduction.Sum => all.sum(dim: 1),
            _ => throw new UnreachableException(),
        }).MoveToOuterDisposeScope();
    }
}
