using System.Diagnostics;
using Raijin.Metrics;

namespace Raijin;

/// <summary>How much a class weighs in <see cref="GeneralizedDice"/>, by its true pixels.</summary>
public enum DiceWeights
{
    /// <summary>1 / |T|², as the paper has it.</summary>
    Square,

    /// <summary>1 / |T|.</summary>
    Simple,

    /// <summary>1.</summary>
    Linear,
}

/// <summary>Generalized Dice score of segmentations: 2·Σ w·|P ∩ T| / Σ w·(|P| + |T|) over classes, in [0, 1], averaged over samples; higher is better (Sudre et al. 2017, arXiv:1707.03237).</summary>
/// <remarks>
/// A class without true pixels weighs as much as the heaviest class of its sample that has some (as MONAI has it; torchmetrics looks for it among the other samples of the batch, so that its
/// score depends on how samples are batched). A sample in which nothing is true but something predicted scores 0 under square and simple weights, and one in which nothing is either is left out
/// (torchmetrics: 0). For each class alone the weight cancels: that is <see cref="Dice.PerClass"/>.
/// <inheritdoc cref="MaskScore"/>
/// </remarks>
/// <param name="classes">C, of which 0 is the background.</param>
/// <param name="weights">How much a class weighs.</param>
/// <param name="includeBackground">Whether class 0 is scored.</param>
/// <param name="format">How classes are given.</param>
/// <param name="ignoreIndex">Pixels whose target is this class are left out.</param>
public sealed class GeneralizedDice(
    int classes,
    DiceWeights weights = DiceWeights.Square,
    bool includeBackground = true,
    SegmentationFormat format = SegmentationFormat.Mixed,
    long? ignoreIndex = null)
    : MaskScore(classes, includeBackground, AggregationLevel.Samplewise, format, ignoreIndex)
{
    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => Mean(Rows(states).Select(Score));

    double Score(ArraySegment<double> row)
    {
        var heaviest = 0.0;
        foreach (var c in Classes(row)) if (c[MaskCounts.True] > 0) heaviest = Math.Max(heaviest, Weight(c[MaskCounts.True]));
        if (weights == DiceWeights.Linear) heaviest = 1;
        var (shared, both, pixels) = (0.0, 0.0, 0.0);
        foreach (var c in Classes(row))
        {
            var weight = c[MaskCounts.True] > 0 ? Weight(c[MaskCounts.True]) : heaviest;
            shared += weight * c[MaskCounts.Shared];
            both += weight * (c[MaskCounts.Predicted] + c[MaskCounts.True]);
            pixels += c[MaskCounts.Predicted] + c[MaskCounts.True];
        }
        return pixels == 0 ? double.NaN : both == 0 ? 0 : 2 * shared / both;
    }

    double Weight(double pixels) => weights switch
    {
        DiceWeights.Square => 1 / (pixels * pixels),
        DiceWeights.Simple => 1 / pixels,
        DiceWeights.Linear => 1,
        _ => throw new UnreachableException(),
    };
}
