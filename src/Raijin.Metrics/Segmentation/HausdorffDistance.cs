using Raijin.Metrics;

namespace Raijin;

/// <summary>How far two pixels are from each other.</summary>
public enum PixelDistance
{
    /// <summary>√(Δx² + Δy² + …).</summary>
    Euclidean,

    /// <summary>The largest of |Δx|, |Δy|, ….</summary>
    Chessboard,

    /// <summary>|Δx| + |Δy| + ….</summary>
    Taxicab,
}

/// <summary>Hausdorff distance of segmentations: how far a pixel on the edge of one mask can be from the edge of the other. Lower is better, 0 at best.</summary>
/// <remarks>
/// h(P, T) is the largest distance (or a percentile of the distances) from an edge pixel of P to the nearest of T; the score is the larger of h(P, T) and h(T, P), of each sample and class,
/// averaged over both. Edges are pixels of a mask with a neighbour along an axis that is not, the picture's border included. Distances are exact, in float64. A class that is in one of the masks
/// only is infinitely far; one that is in neither is left out (torchmetrics raises an error there), and NaN is the mean of nothing. With a percentile of 95 it is HD95 as MONAI has it: the
/// larger of the two directions' percentiles, linear between ranks.
/// <para>Shapes are those of <see cref="SegmentationFormat"/>, with 1 to 3 spatial dimensions.</para>
/// </remarks>
public sealed class HausdorffDistance : ScalarMetric<Comparison>
{
    /// <summary>An empty mean of distances.</summary>
    /// <param name="classes">C, of which 0 is the background.</param>
    /// <param name="distance">How far two pixels are from each other.</param>
    /// <param name="spacing">How far neighbours are along each spatial dimension; null: 1 each.</param>
    /// <param name="directed">Only how far predictions are from targets counts, not the other way round.</param>
    /// <param name="percentile">In (0, 100]: the share of an edge that is to be nearer. 100 is the Hausdorff distance, 95 is known as HD95.</param>
    /// <param name="includeBackground">Whether class 0 is scored.</param>
    /// <param name="format">How classes are given.</param>
    /// <param name="ignoreIndex">Pixels whose target is this class are in no mask.</param>
    public HausdorffDistance(
        int classes,
        PixelDistance distance = PixelDistance.Euclidean,
        IReadOnlyList<double>? spacing = null,
        bool directed = false,
        double percentile = 100,
        bool includeBackground = false,
        SegmentationFormat format = SegmentationFormat.Mixed,
        long? ignoreIndex = null)
        : base(new EdgeDistances(new SegmentationInput(classes, format, ignoreIndex), distance, new(spacing), directed, percentile, includeBackground || classes == 1))
    {
    }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <summary>The mean distance of each class (without the background where it is not scored) over the samples that have it; NaN where none has.</summary>
    public IReadOnlyList<double> PerClass()
    {
        ThrowIfEmpty();
        var rows = States[0].ToArray<double>();
        return [.. Enumerable.Range(0, rows.Length / 2).Select(c => rows[2 * c] / rows[2 * c + 1])];
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var rows = states[0].ToArray<double>();
        var (sum, count) = (0.0, 0.0);
        for (var c = 0; c < rows.Length; c += 2) (sum, count) = (sum + rows[c], count + rows[c + 1]);
        return sum / count;
    }
}
