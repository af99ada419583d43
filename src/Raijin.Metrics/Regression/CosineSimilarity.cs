using Raijin.Metrics;

namespace Raijin;

/// <summary>Cosine of the angle between each prediction and its target, ⟨p, y⟩ / (‖p‖ ‖y‖), both [B, d]. In [−1, 1] a row; larger is better; 0 where a vector is 0.</summary>
/// <remarks>A zero vector as in scikit-learn's <c>cosine_similarity</c>; torchmetrics gives NaN, and sums by default where this takes the mean.</remarks>
/// <param name="reduction">How rows become one number.</param>
/// <param name="keepSamples">Keep each row's cosine for <see cref="SampleMetric.PerSample"/>.</param>
public sealed class CosineSimilarity(SampleReduction reduction = SampleReduction.Mean, bool keepSamples = false) : SampleMetric(new CosineScores(keepSamples), reduction)
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;
}
