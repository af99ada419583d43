// With n samples: C concordant and D discordant pairs of all n(n − 1)/2, ties left out of both.
// Knight 1966: sorted by prediction, the discordant pairs are the exchanges a merge sort of the targets makes. O(n log n).

using System.Diagnostics;
using Raijin.Charts;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>How Kendall's tau treats ties.</summary>
public enum KendallTau
{
    /// <summary>(C − D) / (n(n − 1)/2): ties count against it.</summary>
    A,

    /// <summary>(C − D) / √((pairs not tied in predictions)(pairs not tied in targets)).</summary>
    B,

    /// <summary>2 (C − D) / (n² (m − 1)/m), m the smaller number of distinct values: for tables that are not square.</summary>
    C,
}

/// <summary>Against what no correlation is tested.</summary>
public enum Alternative
{
    /// <summary>There is one, of either sign.</summary>
    TwoSided,

    /// <summary>It is negative.</summary>
    Less,

    /// <summary>It is positive.</summary>
    Greater,
}

/// <summary>Kendall's rank correlation: pairs of samples in the same order in predictions and targets, less those in opposite order. In [−1, 1]; larger is better.</summary>
/// <remarks>
/// Follows SciPy's <c>kendalltau</c> (b, c) and Kendall 1938 (a; torchmetrics divides by C + D there, which is the same without ties). NaN where either is
/// constant or there are fewer than two samples. Keeps all values and weighs all alike; values that are not finite make Compute fail.
/// </remarks>
/// <param name="tau">How it treats ties.</param>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class KendallRankCorrCoef(KendallTau tau = KendallTau.B, int outputs = 1) : RegressionMetric(new PairData(outputs)), IPlot
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>Predictions over targets; of more than 5,000 samples every so-many-th.</summary>
    /// <inheritdoc/>
    public Chart Plot(string? title = null)
    {
        ThrowIfEmpty();
        return PairData.Plot(States, title ?? "Kendall's rank correlation");
    }

    private protected override double[] PerOutput(MetricStates states) => [.. PairData.Read(states).Select(c => Tau(PairOrder.Of(c.Predictions, c.Targets)))];

    /// <summary>For each output, how probable so strong a correlation is where there is none: C − D is normal for many samples, its variance corrected for ties.</summary>
    /// <remarks>As SciPy's <c>method="asymptotic"</c>, whichever tau; NaN where tau is, and for fewer than three samples.</remarks>
    /// <param name="alternative">What is thought of instead.</param>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    public IReadOnlyList<double> PValues(Alternative alternative = Alternative.TwoSided)
    {
        ThrowIfEmpty();
        return [.. PairData.Read(States).Select(c => PValue(PairOrder.Of(c.Predictions, c.Targets), alternative))];
    }

    double Tau(PairOrder order)
    {
        var (all, difference) = (order.Pairs, (double)order.Difference);
        if (order.Predictions.TiedPairs == all || order.Targets.TiedPairs == all) return double.NaN;
        return tau switch
        {
            KendallTau.A => difference / all,
            KendallTau.B => Math.Clamp(difference / Math.Sqrt(all - order.Predictions.TiedPairs) / Math.Sqrt(all - order.Targets.TiedPairs), -1, 1),
            KendallTau.C => Math.Clamp(2 * difference / ((double)order.Count * order.Count * (order.Distinct - 1) / order.Distinct), -1, 1),
            _ => throw new UnreachableException(),
        };
    }

    static double PValue(PairOrder order, Alternative alternative)
    {
        var (n, x, y) = ((double)order.Count, order.Predictions, order.Targets);
        if (n < 3 || x.TiedPairs == order.Pairs || y.TiedPairs == order.Pairs) return double.NaN;
        var m = n * (n - 1);
        var variance = (m * (2 * n + 5) - x.Fives - y.Fives) / 18 + 2.0 * x.TiedPairs * y.TiedPairs / m + x.Triples * y.Triples / (9 * m * (n - 2));
        var z = order.Difference / Math.Sqrt(variance);
        return alternative switch
        {
            Alternative.TwoSided => 2 * Above(Math.Abs(z)),
            Alternative.Greater => Above(z),
            Alternative.Less => Above(-z),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>How probable a standard normal variable above <paramref name="z"/> is.</summary>
    static double Above(double z)
    {
        using var scope = NewDisposeScope();
        return special.erfc(tensor(z / Math.Sqrt(2))).item<double>() / 2;
    }
}
