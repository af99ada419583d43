using Raijin.Charts;
using Raijin.Metrics;

namespace Raijin;

/// <summary>Spearman's rank correlation: Pearson's correlation of ranks, equal values sharing the mean of theirs. In [−1, 1]; larger is better; O(n log n).</summary>
/// <remarks>
/// Follows SciPy's <c>spearmanr</c>: NaN where either is constant (torchmetrics gives 0). Keeps all values, since ranks need them, and weighs all alike.
/// Values that are not finite make Compute fail.
/// </remarks>
/// <param name="outputs">How many numbers a sample has.</param>
public sealed class SpearmanCorrCoef(int outputs = 1) : RegressionMetric(new PairData(outputs)), IPlot
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>Predictions over targets; of more than 5,000 samples every so-many-th.</summary>
    /// <inheritdoc/>
    public Chart Plot(string? title = null)
    {
        ThrowIfEmpty();
        return PairData.Plot(States, title ?? "Spearman's rank correlation");
    }

    private protected override double[] PerOutput(MetricStates states) => [.. PairData.Read(states).Select(c => Of(Ranks(c.Predictions), Ranks(c.Targets)))];

    static double Of(double[] predictions, double[] targets)
    {
        // Twice the distance from the mean rank is a whole number, and so are the sums.
        var middle = (predictions.Length + 1) / 2.0;
        var (a, b, co) = (0.0, 0.0, 0.0);
        for (var i = 0; i < predictions.Length; i++)
        {
            var (offA, offB) = (predictions[i] - middle, targets[i] - middle);
            a += offA * offA;
            b += offB * offB;
            co += offA * offB;
        }
        return PearsonCorrCoef.Of(a, b, co);
    }

    /// <summary>Ranks from 1, ties averaged.</summary>
    internal static double[] Ranks(double[] values)
    {
        var (sorted, order, ranks) = (values.ToArray(), Enumerable.Range(0, values.Length).ToArray(), new double[values.Length]);
        Array.Sort(sorted, order);
        for (var start = 0; start < sorted.Length;)
        {
            var end = start + 1;
            while (end < sorted.Length && sorted[end] == sorted[start]) end++;
            for (var i = start; i < end; i++) ranks[order[i]] = (start + end + 1) / 2.0;
            start = end;
        }
        return ranks;
    }
}
