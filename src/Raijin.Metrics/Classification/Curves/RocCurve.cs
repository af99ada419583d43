using Raijin.Charts;

namespace Raijin;

/// <summary>A receiver operating characteristic: from (0, 0), where nothing is called positive, to (1, 1), where everything is.</summary>
/// <param name="Fpr">False positive rates, rising; NaN without negatives.</param>
/// <param name="Tpr">True positive rates, rising; NaN without positives.</param>
/// <param name="Thresholds">
/// A score of at least this is called positive; falling, from ∞ on, and -∞ where a binned curve's lowest threshold leaves scores below it. Logits'
/// thresholds are given as probabilities.
/// </param>
public sealed record RocCurve(IReadOnlyList<double> Fpr, IReadOnlyList<double> Tpr, IReadOnlyList<double> Thresholds)
{
    /// <summary>Area under the curve by trapezoids; NaN where a class is missing, or where there is no curve to take the mean of.</summary>
    public double Area => Fpr.Count == 0 ? double.NaN : Enumerable.Range(1, Fpr.Count - 1).Sum(i => (Fpr[i] - Fpr[i - 1]) * (Tpr[i] + Tpr[i - 1]) / 2);

    /// <summary>
    /// The mean of curves: at each false positive rate that any of them has, the mean of their true positive rates, interpolated, at the lower and at the upper
    /// end of steps there, so that its area is the mean of theirs. Its thresholds, being different for each, are NaN. Curves without both classes are left out.
    /// </summary>
    internal static RocCurve Mean(IEnumerable<RocCurve> curves)
    {
        RocCurve[] defined = [.. curves.Where(c => !double.IsNaN(c.Area))];
        double[] rates = [.. defined.SelectMany(c => c.Fpr).Distinct().Order()];
        var (lower, upper) = (new double[rates.Length], new double[rates.Length]);
        foreach (var curve in defined)
        {
            var first = 0;
            for (var i = 0; i < rates.Length; i++)
            {
                while (curve.Fpr[first] < rates[i]) first++;
                if (curve.Fpr[first] > rates[i])
                {
                    var (from, to) = (curve.Fpr[first - 1], curve.Fpr[first]);
                    var between = curve.Tpr[first - 1] + ((rates[i] - from) / (to - from) * (curve.Tpr[first] - curve.Tpr[first - 1]));
                    (lower[i], upper[i]) = (lower[i] + (between / defined.Length), upper[i] + (between / defined.Length));
                    continue;
                }
                var last = first;
                while (last + 1 < curve.Fpr.Count && curve.Fpr[last + 1] == rates[i]) last++;
                (lower[i], upper[i]) = (lower[i] + (curve.Tpr[first] / defined.Length), upper[i] + (curve.Tpr[last] / defined.Length));
            }
        }
        var points = Enumerable.Range(0, rates.Length).SelectMany(i => lower[i] < upper[i] ? new[] { (rates[i], lower[i]), (rates[i], upper[i]) } : [(rates[i], lower[i])]).ToList();
        return new([.. points.Select(p => p.Item1)], [.. points.Select(p => p.Item2)], [.. points.Select(_ => double.NaN)]);
    }
}

/// <summary>A precision-recall curve, from the lowest threshold on.</summary>
/// <param name="Precision">Share of true positives among what is called positive, one a threshold, then the end's 1. NaN where a binned threshold lies above all scores.</param>
/// <param name="Recall">Share of positives called so, falling, one a threshold, then the end's 0; NaN without positives.</param>
/// <param name="Thresholds">A score of at least this is called positive; rising. The end has none. Logits' thresholds are given as probabilities.</param>
public sealed record PrecisionRecall(IReadOnlyList<double> Precision, IReadOnlyList<double> Recall, IReadOnlyList<double> Thresholds)
{
    /// <summary>Average precision: Σ (Rᵢ - Rᵢ₊₁) Pᵢ, steps and no trapezoids, which would flatter; NaN without positives.</summary>
    public double Area => double.IsNaN(Recall[^1]) ? double.NaN : Enumerable.Range(0, Thresholds.Count).Sum(i => Recall[i] == Recall[i + 1] ? 0 : (Recall[i] - Recall[i + 1]) * Precision[i]);
}

/// <summary>What a curve reaches at one of its thresholds.</summary>
/// <param name="Value">The rate.</param>
/// <param name="Threshold">A score of at least this is called positive.</param>
public readonly record struct OperatingPoint(double Value, double Threshold);

/// <summary>Curves of classes as a picture.</summary>
static class CurveChart
{
    /// <summary>Points closer than this, in both directions, are drawn as one.</summary>
    const double Resolution = 1e-3;

    /// <summary>Points of a curve for the eye: where it starts and ends, and wherever it has moved by more than a pixel or so.</summary>
    public static Curve Draw(string name, IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        var (keptX, keptY) = (new List<double>(), new List<double>());
        for (var i = 0; i < x.Count; i++)
        {
            if (double.IsNaN(x[i]) || double.IsNaN(y[i])) continue;
            var moved = keptX.Count == 0 || i == x.Count - 1 || Math.Abs(x[i] - keptX[^1]) > Resolution || Math.Abs(y[i] - keptY[^1]) > Resolution;
            if (!moved) continue;
            keptX.Add(x[i]);
            keptY.Add(y[i]);
        }
        return new(name, keptX, keptY);
    }

    /// <summary>A curve's name in the legend: which class, and its area.</summary>
    public static string Name(int index, int count, double area, string of) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{(count == 1 ? of : $"{index}: {of}")} {area:f3}");
}
