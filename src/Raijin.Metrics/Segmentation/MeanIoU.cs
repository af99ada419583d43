using Raijin.Metrics;

namespace Raijin;

/// <summary>Mean intersection over union of segmentations: |P ∩ T| / |P ∪ T| of each class, averaged, in [0, 1]; higher is better.</summary>
/// <remarks>
/// Samplewise the mean is over every class of every sample in which it is predicted or true, as torchmetrics has it; globally it is over the classes, each of all pixels together, as segmentation
/// benchmarks have it. NaN where no class is predicted or true (torchmetrics: -1 for a class).
/// <inheritdoc cref="MaskScore"/>
/// </remarks>
/// <param name="classes">C, of which 0 is the background.</param>
/// <param name="level">Whether samples are scored or all pixels together.</param>
/// <param name="includeBackground">Whether class 0 is scored.</param>
/// <param name="format">How classes are given.</param>
/// <param name="ignoreIndex">Pixels whose target is this class are left out.</param>
public sealed class MeanIoU(
    int classes,
    AggregationLevel level = AggregationLevel.Samplewise,
    bool includeBackground = true,
    SegmentationFormat format = SegmentationFormat.Mixed,
    long? ignoreIndex = null)
    : MaskScore(classes, includeBackground, level, format, ignoreIndex)
{
    /// <summary>The score of each class (without the background where it is not scored), averaged over the samples that have it; NaN where none has.</summary>
    public IReadOnlyList<double> PerClass() => MeanOfEach(Of);

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => Mean(Rows(states).SelectMany(Classes).Select(Of));

    static double Of(ArraySegment<double> c) => c[MaskCounts.Predicted] + c[MaskCounts.True] - c[MaskCounts.Shared] is var union and > 0 ? c[MaskCounts.Shared] / union : double.NaN;
}
