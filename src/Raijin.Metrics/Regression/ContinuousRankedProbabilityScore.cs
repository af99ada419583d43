using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Continuous ranked probability score of ensembles, the weighted mean of ∫ (F(z) − 1[z ≥ y])² dz, F being the distribution function of the sample's m
/// members x: mean |x − y| less half the mean distance of members. At least 0; smaller is better; NaN of no samples.
/// </summary>
/// <remarks>
/// Predictions are [B, m], targets [B]. Gneiting and Raftery 2007; sorted, so m log m a sample. As in torchmetrics, which wants two members; one alone is
/// scored by its absolute error.
/// </remarks>
/// <param name="fair">
/// The distance of members is the mean over pairs of different ones (Ferro 2014): not biased by the ensemble's size, may fall below 0, and needs two members.
/// </param>
/// <param name="reduction">How samples become one number.</param>
/// <param name="keepSamples">Keep each sample's score for <see cref="SampleMetric.PerSample"/>.</param>
public sealed class ContinuousRankedProbabilityScore(bool fair = false, SampleReduction reduction = SampleReduction.Mean, bool keepSamples = false)
    : SampleMetric(new EnsembleScores(fair, keepSamples), reduction)
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;
}
