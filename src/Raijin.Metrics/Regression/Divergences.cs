using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Kullback-Leibler divergence of rows, D(P ‖ Q) = Σ p log(p / q) in nats, P being what is given first. At least 0; smaller is better; infinite where
/// q is 0 and p is not. For the divergence that cross entropy minimises, D(targets ‖ predictions), give the targets first.
/// </summary>
/// <remarks>
/// P and Q are [B, d]; rows of probabilities are made to sum to 1, as in SciPy's <c>entropy</c> and torchmetrics; logarithms are taken as they are.
/// Negative values, rows of zeros and logarithms above 0 are left out and reported.
/// </remarks>
/// <param name="logarithms">Rows are logarithms of probabilities.</param>
/// <param name="reduction">How rows become one number.</param>
/// <param name="keepSamples">Keep each row's divergence for <see cref="SampleMetric.PerSample"/>.</param>
public sealed class KLDivergence(bool logarithms = false, SampleReduction reduction = SampleReduction.Mean, bool keepSamples = false)
    : SampleMetric(new DivergenceScores(Symmetric: false, logarithms, keepSamples), reduction)
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;
}

/// <summary>Jensen-Shannon divergence of rows, (D(P ‖ M) + D(Q ‖ M)) / 2 with M = (P + Q) / 2, in nats. In [0, log 2]; smaller is better; symmetric.</summary>
/// <remarks>
/// As in torchmetrics; SciPy's <c>jensenshannon</c> is its root. Shapes and faults as in <see cref="KLDivergence"/>.
/// </remarks>
/// <param name="logarithms">Rows are logarithms of probabilities.</param>
/// <param name="reduction">How rows become one number.</param>
/// <param name="keepSamples">Keep each row's divergence for <see cref="SampleMetric.PerSample"/>.</param>
public sealed class JensenShannonDivergence(bool logarithms = false, SampleReduction reduction = SampleReduction.Mean, bool keepSamples = false)
    : SampleMetric(new DivergenceScores(Symmetric: true, logarithms, keepSamples), reduction)
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;
}
