// T frames, V vertices of a mesh

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Lip vertex error of talking heads: the mean over frames of the largest squared distance between a lip vertex and where it should be. [0, ∞), lower is better.
/// </summary>
/// <remarks>Meshes [T, V, 3] of any real dtype, as many frames in both (torchmetrics cuts off the longer). Richard et al. 2021.</remarks>
/// <param name="lips">Which vertices are the lips'; at least one, each in [0, V).</param>
public sealed class LipVertexError(params ReadOnlySpan<int> lips) : ScalarMetric<Comparison>(new LipVertexScores(lips))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => LipVertexScores.Mean(states);
}

public static partial class Shapes
{
    /// <inheritdoc cref="Raijin.LipVertexError"/>
    /// <param name="predictions">[T, V, 3]; borrowed.</param>
    /// <param name="targets">The same; borrowed.</param>
    /// <param name="lips">Which vertices are the lips'; at least one, each in [0, V).</param>
    public static double LipVertexError(Tensor predictions, Tensor targets, params ReadOnlySpan<int> lips)
    {
        using var metric = new LipVertexError(lips);
        return metric.Of(predictions, targets);
    }
}

sealed record LipVertexScores : ComparisonScores
{
    readonly long[] _lips;

    public LipVertexScores(ReadOnlySpan<int> lips)
    {
        if (lips.Length == 0) throw new ArgumentException("The lips need at least one vertex.", nameof(lips));
        _lips = new long[lips.Length];
        for (var i = 0; i < lips.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(lips[i], nameof(lips));
            _lips[i] = lips[i];
        }
    }

    public bool Equals(LipVertexScores? other) => other is not null && _lips.AsSpan().SequenceEqual(other._lips);

    public override int GetHashCode() => HashCode.Combine(_lips.Length, _lips[0], _lips[^1]);

    public override void Check(in Comparison batch)
    {
        SampleTensor.CheckReal(batch.Predictions, batch.Targets);
        var sizes = HostTensor.Sizes(batch.Predictions);
        if (sizes.Length != 3 || sizes[2] != 3 || sizes[1] <= _lips.Max())
            ShapeMismatchException.Throw("predictions", $"[T, V, 3] with V above the lips' vertex {_lips.Max()}", ShapeText.Of(batch.Predictions));
        SampleTensor.CheckWeights(batch.Weights, sizes[0]);
    }

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        var lips = tensor(_lips, device: predictions.device);
        return (targets.index_select(1, lips) - predictions.index_select(1, lips)).square().sum(dim: 2).amax([1]);
    }
}
