using System.Diagnostics;
using Raijin.Metrics;

namespace Raijin;

/// <summary>What a root mean squared error is divided by.</summary>
public enum ErrorScale
{
    /// <summary>The targets' mean, its sign included.</summary>
    Mean,

    /// <summary>Their largest less their least.</summary>
    Range,

    /// <summary>Their standard deviation, of the samples as given (divisor Σ w).</summary>
    StandardDeviation,

    /// <summary>Their Euclidean norm, √(Σ w y²).</summary>
    Norm,
}

/// <summary>
/// Root mean squared error relative to the targets' size, also called scatter index. Smaller is better; a scale of 0 gives infinity, or NaN
/// where there is no error either.
/// </summary>
/// <remarks>As in torchmetrics, but the same for any split into updates and any merge.</remarks>
/// <param name="scale">What it is divided by.</param>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class NormalizedRootMeanSquaredError(ErrorScale scale = ErrorScale.Mean, int outputs = 1) : RegressionMetric(new PairMoments(PairKind.ErrorsAndTargets, outputs))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    private protected override double[] PerOutput(MetricStates states) => [.. PairMoments.Read(states).Select(m => Math.Sqrt(m.SumOfSquares / m.Weight) / Scale(m))];

    double Scale(PairMoment moment) => scale switch
    {
        ErrorScale.Mean => moment.B.Mean,
        ErrorScale.Range => moment.B.Largest - moment.B.Least,
        ErrorScale.StandardDeviation => Math.Sqrt(moment.B.Squares / moment.Weight),
        ErrorScale.Norm => Math.Sqrt(moment.B.Squares + moment.Weight * moment.B.Mean * moment.B.Mean),
        _ => throw new UnreachableException(),
    };
}
