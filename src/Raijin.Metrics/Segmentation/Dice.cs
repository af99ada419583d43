using System.Diagnostics;
using Raijin.Metrics;

namespace Raijin;

/// <summary>Dice score of segmentations: 2·|P ∩ T| / (|P| + |T|), in [0, 1], higher is better (Dice 1945).</summary>
/// <remarks>
/// A class that is neither predicted nor true in a sample has no score there: it is left out of the sample's mean, as a sample without any score is out of the mean over samples. NaN where
/// nothing is left. As torchmetrics' DiceScore.
/// <inheritdoc cref="MaskScore"/>
/// </remarks>
/// <param name="classes">C, of which 0 is the background.</param>
/// <param name="average">Over classes: of their pixels together, of their scores, or of their scores weighted by their true pixels.</param>
/// <param name="level">Whether samples are scored or all pixels together.</param>
/// <param name="includeBackground">Whether class 0 is scored.</param>
/// <param name="format">How classes are given.</param>
/// <param name="ignoreIndex">Pixels whose target is this class are left out.</param>
public sealed class Dice(
    int classes,
    Average average = Average.Macro,
    AggregationLevel level = AggregationLevel.Samplewise,
    bool includeBackground = true,
    SegmentationFormat format = SegmentationFormat.Mixed,
    long? ignoreIndex = null)
    : MaskScore(classes, includeBackground, level, format, ignoreIndex)
{
    /// <summary>The score of each class (without the background where it is not scored), averaged over the samples that have it; NaN where none has.</summary>
    public IReadOnlyList<double> PerClass() => MeanOfEach(Of);

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => Mean(Rows(states).Select(Score));

    double Score(ArraySegment<double> row) => average switch
    {
        Average.Micro => Of(Together(row)),
        Average.Macro => Mean(Classes(row).Select(Of)),
        Average.Weighted => Weighted(row),
        _ => throw new UnreachableException(),
    };

    static double[] Together(ArraySegment<double> row)
    {
        var sums = new double[MaskCounts.Each];
        for (var i = 0; i < row.Count; i++) sums[i % MaskCounts.Each] += row[i];
        return sums;
    }

    static double Weighted(ArraySegment<double> row)
    {
        var (sum, weight, any) = (0.0, 0.0, false);
        foreach (var c in Classes(row))
        {
            if (double.IsNaN(Of(c))) continue;
            any = true;
            sum += Of(c) * c[MaskCounts.True];
            weight += c[MaskCounts.True];
        }
        // What is only predicted has no weight, but is wrong.
        return weight > 0 ? sum / weight : any ? 0 : double.NaN;
    }

    static double Of(ArraySegment<double> c) => c[MaskCounts.Predicted] + c[MaskCounts.True] is var both and > 0 ? 2 * c[MaskCounts.Shared] / both : double.NaN;
}
