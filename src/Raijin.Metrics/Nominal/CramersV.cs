// φ² = χ² / n over the table of counts without its empty rows and columns, r by k.

using Raijin.Metrics;

namespace Raijin;

/// <summary>
/// Cramér's V of two series of categories: √(φ² / min(r − 1, k − 1)), in [0, 1]; 0 for independent series, 1 where one tells the other. With bias
/// correction (Bergsma 2013) φ² and the sizes are corrected for what chance gives: φ² − (r − 1)(k − 1)/(n − 1) but not below 0, r − (r − 1)²/(n − 1), k likewise.
/// </summary>
/// <remarks>
/// Predictions and targets are [N] categories 0 … C − 1 (integers, or floating with NaN for missing ones) or [N, C] floating scores, of which the largest
/// names the category; weights are refused. NaN where a series has a single category. Without both corrections as scipy's <c>association</c>. torchmetrics
/// corrects for continuity whenever it corrects for bias, which Bergsma does not, and by 0.5 also where the difference is less. Measures of association
/// share one table of counts in a <see cref="MetricCollection"/>.
/// </remarks>
/// <param name="classes">C.</param>
/// <param name="biasCorrection">Correct for what chance gives.</param>
/// <param name="continuityCorrection">In a 2 × 2 table, take 0.5 off each difference to the expected count (Yates 1934), but not more than there is.</param>
/// <param name="missing">What becomes of NaN; by default the sample is left out.</param>
public sealed class CramersV(int classes, bool biasCorrection = true, bool continuityCorrection = false, MissingCategories missing = default)
    : ScalarMetric<Comparison>(new CategoryCounts(classes, missing))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => CategoryTable.Of(states).Cramer(biasCorrection, continuityCorrection);
}

/// <summary>Tschuprow's T of two series of categories: √(φ² / √((r − 1)(k − 1))), in [0, 1]; 1 only where r = k and each series tells the other.</summary>
/// <remarks>Inputs, corrections, empty cases and differences to torchmetrics as of <see cref="CramersV"/>.</remarks>
/// <param name="classes">C.</param>
/// <param name="biasCorrection">Correct for what chance gives.</param>
/// <param name="continuityCorrection">In a 2 × 2 table, take 0.5 off each difference to the expected count (Yates 1934), but not more than there is.</param>
/// <param name="missing">What becomes of NaN; by default the sample is left out.</param>
public sealed class TschuprowsT(int classes, bool biasCorrection = true, bool continuityCorrection = false, MissingCategories missing = default)
    : ScalarMetric<Comparison>(new CategoryCounts(classes, missing))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => CategoryTable.Of(states).Tschuprow(biasCorrection, continuityCorrection);
}

/// <summary>Pearson's contingency coefficient of two series of categories: √(φ² / (1 + φ²)), in [0, 1), at most √((m − 1)/m) with m = min(r, k).</summary>
/// <remarks>Inputs as of <see cref="CramersV"/>. 0 where a series has a single category, NaN for no sample. As scipy's <c>association</c>.</remarks>
/// <param name="classes">C.</param>
/// <param name="missing">What becomes of NaN; by default the sample is left out.</param>
public sealed class PearsonsContingencyCoefficient(int classes, MissingCategories missing = default) : ScalarMetric<Comparison>(new CategoryCounts(classes, missing))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => CategoryTable.Of(states).Pearson();
}

/// <summary>Theil's uncertainty coefficient: how much of the predictions' entropy the targets explain, U = (H(p) − H(p | t)) / H(p), in [0, 1]; not symmetric.</summary>
/// <remarks>Inputs as of <see cref="CramersV"/>. 0 where predictions have a single category, NaN for no sample.</remarks>
/// <param name="classes">C.</param>
/// <param name="missing">What becomes of NaN; by default the sample is left out.</param>
public sealed class TheilsU(int classes, MissingCategories missing = default) : ScalarMetric<Comparison>(new CategoryCounts(classes, missing))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => CategoryTable.Of(states).Uncertainty();
}
