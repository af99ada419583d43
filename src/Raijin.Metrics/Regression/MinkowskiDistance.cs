using Raijin.Metrics;

namespace Raijin;

/// <summary>Minkowski distance of all predictions from all targets, (Σ w |p − y|^power)^(1/power). At least 0; smaller is better; 0 of no samples.</summary>
/// <remarks>Follows SciPy's <c>minkowski</c>, weights included; torchmetrics has the same without weights.</remarks>
/// <param name="power">At least 1 and finite: 1 is the Manhattan distance, 2 the Euclidean one.</param>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class MinkowskiDistance(double power, int outputs = 1) : RegressionMetric(new PowersOfErrors(Checked(power), outputs))
{
    readonly double _power = power;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states) => [.. states[0].ToArray<double>().Select(sum => Math.Pow(sum, 1 / _power))];

    internal static double Checked(double power) => power >= 1 && double.IsFinite(power)
        ? power
        : throw new ArgumentOutOfRangeException(nameof(power), power, "The power of a Minkowski distance is at least 1 and finite.");
}
