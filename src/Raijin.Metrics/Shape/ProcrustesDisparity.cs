// B pairs of clouds of M points in D dimensions, row k of one belonging to row k of the other. Each cloud is centred and divided by its norm; the
// best rotation (or reflection) R and scale s of the second onto the first come from the singular values of XᵀY (Schönemann 1966; Gower 1975).

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// What is left between two clouds of points when position, size and orientation no longer count: Σ‖x − s·y·R‖² of the standardized clouds, in [0, 1];
/// 0 for clouds of one shape. Over pairs the mean, or the sum.
/// </summary>
/// <remarks>
/// Predictions and targets are [B, M, D], floating; weights are refused. As scipy's <c>spatial.procrustes</c> for each pair. A cloud with all points in one place, or one
/// that is not finite, has no shape and is a fault. NaN for no pair (the sum is 0). On a GPU the decomposition itself waits for the device.
/// </remarks>
/// <param name="reduction">Over pairs.</param>
public sealed class ProcrustesDisparity(SampleReduction reduction = SampleReduction.Mean) : ScalarMetric<Comparison>(DisparitySums.Instance)
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => states[0].Value.item<double>() / (reduction == SampleReduction.Sum ? 1 : states[1].Value.item<double>());
}

/// <summary>How the second cloud of each pair is laid over the first one.</summary>
/// <param name="Disparity">[B], what is left between them.</param>
/// <param name="Scale">[B], by how much the standardized second cloud is stretched.</param>
/// <param name="Rotation">[B, D, D]: y·R lies along x. A reflection where that fits better.</param>
public sealed record ProcrustesFit(Tensor Disparity, Tensor Scale, Tensor Rotation) : IDisposable
{
    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Disparity.Dispose();
        Scale.Dispose();
        Rotation.Dispose();
    }
}

/// <summary>Metrics of shapes as plain functions.</summary>
public static partial class Shapes
{
    /// <inheritdoc cref="Raijin.ProcrustesDisparity"/>
    public static double ProcrustesDisparity(Tensor predictions, Tensor targets, SampleReduction reduction = SampleReduction.Mean)
    {
        using var metric = new ProcrustesDisparity(reduction);
        return metric.Of(predictions, targets);
    }

    /// <summary>How each second cloud is laid over the first one, in float64. The caller frees the result.</summary>
    /// <param name="first">[B, M, D], floating; borrowed.</param>
    /// <param name="second">The same; borrowed. NaN comes out for clouds without a shape.</param>
    public static ProcrustesFit Procrustes(Tensor first, Tensor second)
    {
        DisparitySums.Instance.Check(new Comparison(first, second));
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var (x, hasShape) = DisparitySums.Standardize(first);
        var (y, hasShapeToo) = DisparitySums.Standardize(second);
        var (disparity, scale, rotation) = DisparitySums.Fit(x, y);
        var undefined = hasShape.logical_and(hasShapeToo).logical_not();
        return new(
            disparity.masked_fill(undefined, double.NaN).MoveToOuterDisposeScope(),
            scale.masked_fill(undefined, double.NaN).MoveToOuterDisposeScope(),
            rotation.masked_fill(undefined.reshape(-1, 1, 1), double.NaN).MoveToOuterDisposeScope());
    }
}

sealed record DisparitySums : Accumulation<Comparison>
{
    DisparitySums()
    {
    }

    public static DisparitySums Instance { get; } = new();

    public override void Declare(MetricStates states)
    {
        states.Add("disparity", Reduction.Sum, zeros([], ScalarType.Float64));
        states.Add("pairs", Reduction.Sum, zeros([], ScalarType.Float64));
        states.AddFaults("finite clouds with at least two different points");
    }

    public override void Check(in Comparison batch)
    {
        var first = HostTensor.Sizes(batch.Predictions);
        if (first.Length != 3 || first[1] == 0 || first[2] == 0 || !first.SequenceEqual(HostTensor.Sizes(batch.Targets)) || !batch.Predictions.is_floating_point() || !batch.Targets.is_floating_point())
            ShapeMismatchException.Throw("clouds", "two [B, M, D] of a floating type, M and D not 0", $"{ShapeText.Of(batch.Predictions)} with {ShapeText.Of(batch.Targets)}");
        if (batch.Weights is not null) ShapeMismatchException.Throw("weights", "none", ShapeText.Of(batch.Weights));
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        if (batch.Count == 0) return;
        var (x, hasShape) = Standardize(batch.Predictions);
        var (y, hasShapeToo) = Standardize(batch.Targets.to(batch.Predictions.device));
        var isFit = hasShape.logical_and(hasShapeToo);
        states.Faults!.Note(0, isFit.logical_not(), arange(isFit.shape[0], device: isFit.device));
        var disparity = Fit(x, y).Disparity;
        states[0].Value.add_(disparity.masked_fill(isFit.logical_not(), 0).sum());
        states[1].Value.add_(isFit.sum());
    }

    /// <summary>[B, M, D] centred, of norm 1, in float64; and [B] whether that is possible. 0 where it is not.</summary>
    internal static (Tensor Cloud, Tensor HasShape) Standardize(Tensor cloud)
    {
        var points = cloud.to(ScalarType.Float64);
        var isFinite = points.isfinite().flatten(1).all(dim: 1);                                                       // [B]
        var hasShape = isFinite.logical_and(points.ne(points.narrow(1, 0, 1)).flatten(1).any(dim: 1));
        var centred = points - points.mean([1], keepdim: true);
        var unit = centred / linalg.vector_norm(centred, dims: [1, 2], keepdim: true);
        return (unit.masked_fill(hasShape.logical_not().reshape(-1, 1, 1), 0), hasShape);
    }

    /// <summary>The least Σ‖x − s·y·R‖² over s and orthogonal R; [B], [B], [B, D, D].</summary>
    internal static (Tensor Disparity, Tensor Scale, Tensor Rotation) Fit(Tensor x, Tensor y)
    {
        var (u, s, vh) = linalg.svd(y.transpose(1, 2).matmul(x), fullMatrices: false);                                 // [B, D, D] = U·S·Vᵀ
        var rotation = u.matmul(vh);
        var scale = s.sum(dim: 1);
        // The difference itself, not 1 − s², which would cancel for clouds of almost one shape.
        var disparity = (x - scale.reshape(-1, 1, 1) * y.matmul(rotation)).square().flatten(1).sum(dim: 1);
        return (disparity, scale, rotation);
    }
}
