using Raijin.Metrics;

namespace Raijin;

/// <summary>Panoptic quality: Σ IoU / (TP + FP/2 + FN/2) of each category, averaged, in [0, 1]; higher is better (Kirillov et al. 2019, arXiv:1801.00868).</summary>
/// <remarks>
/// Predictions and targets are [B, …, 2], integer: the category and the instance of each pixel, instances in [0, 2³²). Segments of the same category match where their IoU is above 0.5; pixels that are
/// void in the other are left out of the union, and an unmatched segment of which more than half is void counts not at all. Pixels of a category that is neither a thing nor stuff are void in targets;
/// in predictions they are so too if unknown ones are allowed, and else reported by Compute. The instance of stuff is ignored. The mean is over the categories that were met; NaN if none was.
/// </remarks>
public sealed class PanopticQuality : Metric<Comparison, PanopticQualityResult>
{
    readonly long[] _categories;
    readonly int _things;

    /// <summary>An empty quality.</summary>
    /// <param name="things">Categories of countable things.</param>
    /// <param name="stuffs">Categories of uncountable stuff.</param>
    /// <param name="allowUnknownPredictions">Whether predictions of other categories are void; else they are a fault.</param>
    public PanopticQuality(IReadOnlyList<long> things, IReadOnlyList<long> stuffs, bool allowUnknownPredictions = false)
        : base(PanopticCounts.Of(things, stuffs, allowUnknownPredictions, modified: false)) =>
        (_categories, _things) = ([.. ((PanopticCounts)Accumulation).Categories], ((PanopticCounts)Accumulation).Things);

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary><see cref="PanopticQualityResult.Pq"/>.</summary>
    public override double ComputeScalar() => Compute().Pq;

    /// <summary><c>pq</c>, <c>sq</c> and <c>rq</c>.</summary>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var result = Compute();
        return [new("pq", result.Pq), new("sq", result.Sq), new("rq", result.Rq)];
    }

    /// <inheritdoc/>
    protected override PanopticQualityResult Compute(MetricStates states)
    {
        var qualities = PanopticCounts.Qualities(states);
        var met = qualities.Where(q => !double.IsNaN(q.Pq)).ToList();
        return new(
            PanopticCounts.Mean(met.Select(q => q.Pq)),
            PanopticCounts.Mean(met.Select(q => q.Sq)),
            PanopticCounts.Mean(met.Select(q => q.Rq)),
            [.. qualities.Select((q, c) => new CategoryQuality(_categories[c], c < _things, q.Pq, q.Sq, q.Rq))]);
    }
}

/// <summary>Modified panoptic quality: a category of stuff scores Σ IoU / |its true segments|, all overlaps counted; things as in <see cref="PanopticQuality"/> (Porzi et al. 2019, arXiv:1905.01220).</summary>
/// <inheritdoc cref="PanopticQuality"/>
public sealed class ModifiedPanopticQuality : ScalarMetric<Comparison>
{
    /// <summary>An empty quality.</summary>
    /// <param name="things">Categories of countable things.</param>
    /// <param name="stuffs">Categories of uncountable stuff.</param>
    /// <param name="allowUnknownPredictions">Whether predictions of other categories are void; else they are a fault.</param>
    public ModifiedPanopticQuality(IReadOnlyList<long> things, IReadOnlyList<long> stuffs, bool allowUnknownPredictions = false)
        : base(PanopticCounts.Of(things, stuffs, allowUnknownPredictions, modified: true))
    {
    }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The quality of each category, things first, each group rising; NaN for one that was not met.</summary>
    public IReadOnlyList<double> PerClass()
    {
        ThrowIfEmpty();
        return [.. PanopticCounts.Qualities(States).Select(q => q.Pq)];
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => PanopticCounts.Mean(PanopticCounts.Qualities(states).Select(q => q.Pq).Where(q => !double.IsNaN(q)));
}

/// <summary>What <see cref="PanopticQuality"/> gives: means over the categories that were met, NaN if none was.</summary>
/// <param name="Pq">Panoptic quality, the product of the other two for each category.</param>
/// <param name="Sq">Segmentation quality: the mean IoU of matched segments.</param>
/// <param name="Rq">Recognition quality: TP / (TP + FP/2 + FN/2), the F1 score of segments.</param>
/// <param name="PerCategory">Each category, things first, each group rising.</param>
public sealed record PanopticQualityResult(double Pq, double Sq, double Rq, IReadOnlyList<CategoryQuality> PerCategory);

/// <summary>The quality of one category; NaN where it was not met (torchmetrics: 0).</summary>
/// <param name="Category">Its number.</param>
/// <param name="IsThing">Whether it is a countable thing, else stuff.</param>
/// <param name="Pq">Panoptic quality.</param>
/// <param name="Sq">Segmentation quality.</param>
/// <param name="Rq">Recognition quality.</param>
public readonly record struct CategoryQuality(long Category, bool IsThing, double Pq, double Sq, double Rq);
