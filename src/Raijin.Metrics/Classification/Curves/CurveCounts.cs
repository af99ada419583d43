// What every curve is made of: how much weight is called positive, rightly and wrongly, when scores of at least a threshold are. Thresholds fall,
// so both counts rise. Exact curves have a threshold for every different score, binned ones the thresholds they were given; from here on they
// are the same arithmetic.

namespace Raijin.Metrics;

/// <summary>Weight called positive at each of some falling thresholds.</summary>
/// <param name="Thresholds">A score of at least this is called positive; falling.</param>
/// <param name="TruePositives">Weight of positives called so, for each threshold.</param>
/// <param name="FalsePositives">Weight of negatives called positive, for each threshold.</param>
/// <param name="Positives">Weight of all positives: at least the last of <paramref name="TruePositives"/>.</param>
/// <param name="Negatives">Weight of all negatives.</param>
sealed record CurveCounts(double[] Thresholds, double[] TruePositives, double[] FalsePositives, double Positives, double Negatives)
{
    /// <summary>How many thresholds there are.</summary>
    public int Count => Thresholds.Length;

    /// <summary>Whether there are both classes, without which no rate of a ROC curve is defined.</summary>
    public bool HasBoth => Positives > 0 && Negatives > 0;

    /// <summary>Whether the lowest threshold leaves scores below it, so that the curve has yet to reach (1, 1).</summary>
    bool EndsEarly => Count == 0 || TruePositives[^1] < Positives || FalsePositives[^1] < Negatives;

    /// <summary>The curve of rates: from (0, 0) at ∞ to (1, 1), which stands at -∞ where the lowest threshold doesn't reach it. Rates of a class that is missing are NaN.</summary>
    public RocCurve ToRoc()
    {
        var length = Count + 1 + (EndsEarly ? 1 : 0);
        var (fpr, tpr, thresholds) = (new double[length], new double[length], new double[length]);
        for (var i = 0; i < length; i++) (fpr[i], tpr[i], thresholds[i]) = RocPoint(i - 1);
        return new(fpr, tpr, thresholds);
    }

    /// <summary>Precision and recall for each threshold from the lowest on, and the end (1, 0), which has none. Undefined ones are NaN.</summary>
    public PrecisionRecall ToPrecisionRecall()
    {
        var (precision, recall, thresholds) = (new double[Count + 1], new double[Count + 1], new double[Count]);
        for (var i = 0; i < Count; i++)
        {
            thresholds[i] = Thresholds[Count - 1 - i];
            (precision[i], recall[i]) = (PrecisionAt(Count - 1 - i), RecallAt(Count - 1 - i));
        }
        (precision[Count], recall[Count]) = (1, Positives > 0 ? 0 : double.NaN);
        return new(precision, recall, thresholds);
    }

    /// <summary>Area under the ROC curve by trapezoids, so that equal scores count half; NaN where a class is missing.</summary>
    public double AreaUnderRoc()
    {
        if (!HasBoth) return double.NaN;
        var (area, tp, fp) = (0.0, 0.0, 0.0);
        for (var i = 0; i < Count; i++)
        {
            area += (FalsePositives[i] - fp) * (TruePositives[i] + tp);
            (tp, fp) = (TruePositives[i], FalsePositives[i]);
        }
        area += (Negatives - fp) * (Positives + tp);
        return area / (2 * Positives * Negatives);
    }

    /// <summary>Area up to a false positive rate, standardized to 0.5 for chance and 1 for perfect (McClish 1989); NaN where a class is missing.</summary>
    public double PartialArea(double maxFpr)
    {
        if (!HasBoth) return double.NaN;
        var (area, last) = (0.0, RocPoint(-1));
        for (var i = 0; last.Fpr < maxFpr; i++)
        {
            var next = RocPoint(i);
            if (next.Fpr > maxFpr) next = (maxFpr, last.Tpr + ((next.Tpr - last.Tpr) * (maxFpr - last.Fpr) / (next.Fpr - last.Fpr)), 0);
            area += (next.Fpr - last.Fpr) * (next.Tpr + last.Tpr) / 2;
            last = next;
        }
        var chance = maxFpr * maxFpr / 2;
        return (1 + ((area - chance) / (maxFpr - chance))) / 2;
    }

    /// <summary>
    /// ∫ TPR d(log FPR) from <paramref name="low"/> to <paramref name="high"/>, over log(high / low): trapezoids in log FPR between the curve's points,
    /// whose values at the two ends are interpolated along FPR. NaN where a class is missing.
    /// </summary>
    public double LogArea(double low, double high)
    {
        if (!HasBoth) return double.NaN;
        var (area, last) = (0.0, RocPoint(-1));
        for (var i = 0; last.Fpr < high; i++)
        {
            var next = RocPoint(i);
            if (next.Fpr > low)
            {
                var from = last.Fpr < low ? (Fpr: low, Tpr: At(low)) : (last.Fpr, last.Tpr);
                var to = next.Fpr > high ? (Fpr: high, Tpr: At(high)) : (next.Fpr, next.Tpr);
                area += Math.Log(to.Fpr / from.Fpr) * (to.Tpr + from.Tpr) / 2;
            }
            last = next;

            double At(double fpr) => last.Tpr + ((next.Tpr - last.Tpr) * (fpr - last.Fpr) / (next.Fpr - last.Fpr));
        }
        return area / Math.Log(high / low);
    }

    /// <summary>Σ (Rᵢ - Rᵢ₋₁) Pᵢ over falling thresholds; NaN where there are no positives.</summary>
    public double AveragePrecision()
    {
        if (Positives == 0) return double.NaN;
        var (sum, tp) = (0.0, 0.0);
        for (var i = 0; i < Count; i++)
        {
            if (TruePositives[i] == tp) continue;
            sum += (TruePositives[i] - tp) * TruePositives[i] / (TruePositives[i] + FalsePositives[i]);
            tp = TruePositives[i];
        }
        return sum / Positives;
    }

    /// <summary>The mean of the false positive and the false negative rate where they differ least, at the highest such threshold; NaN where a class is missing.</summary>
    public OperatingPoint EqualErrorRate()
    {
        if (!HasBoth) return new(double.NaN, double.NaN);
        var (best, least) = (-1, double.PositiveInfinity);
        for (var i = -1; i < Count + (EndsEarly ? 1 : 0); i++)
        {
            var (tp, fp) = CountsAt(i);
            var difference = Math.Abs((fp * Positives) - ((Positives - tp) * Negatives));
            if (difference >= least) continue;
            (best, least) = (i, difference);
        }
        var point = RocPoint(best);
        return new((point.Fpr + 1 - point.Tpr) / 2, point.Threshold);
    }

    /// <summary>The highest precision with at least this recall; of equal ones that of the higher recall, then of the higher threshold. 0 at NaN where no threshold has both.</summary>
    public OperatingPoint PrecisionAtRecall(double minRecall)
    {
        if (Positives == 0) return new(double.NaN, double.NaN);
        var best = (Precision: 0.0, Recall: 0.0, Threshold: double.NaN);
        for (var i = 0; i < Count; i++)
        {
            var (precision, recall) = (PrecisionAt(i), RecallAt(i));
            if (recall >= minRecall && (precision > best.Precision || (precision == best.Precision && precision > 0 && recall > best.Recall))) best = (precision, recall, Thresholds[i]);
        }
        return new(best.Precision, best.Threshold);
    }

    /// <summary>The highest recall with at least this precision; of equal ones that of the higher precision, then of the higher threshold. 0 at NaN where no threshold has both.</summary>
    public OperatingPoint RecallAtPrecision(double minPrecision)
    {
        if (Positives == 0) return new(double.NaN, double.NaN);
        var best = (Recall: 0.0, Precision: 0.0, Threshold: double.NaN);
        for (var i = 0; i < Count; i++)
        {
            var (precision, recall) = (PrecisionAt(i), RecallAt(i));
            if (precision >= minPrecision && (recall > best.Recall || (recall == best.Recall && recall > 0 && precision > best.Precision))) best = (recall, precision, Thresholds[i]);
        }
        return new(best.Recall, best.Threshold);
    }

    /// <summary>The highest true positive rate with at least this specificity, at the highest threshold that has it; NaN where a class is missing.</summary>
    public OperatingPoint SensitivityAtSpecificity(double minSpecificity) =>
        Highest((tp, fp) => (Negatives - fp) / Negatives >= minSpecificity ? tp / Positives : double.NaN);

    /// <summary>The highest specificity with at least this true positive rate, at the highest threshold that has it; NaN where a class is missing.</summary>
    public OperatingPoint SpecificityAtSensitivity(double minSensitivity) =>
        Highest((tp, fp) => tp / Positives >= minSensitivity ? (Negatives - fp) / Negatives : double.NaN);

    OperatingPoint Highest(Func<double, double, double> rate)
    {
        var best = new OperatingPoint(double.NaN, double.NaN);
        if (!HasBoth) return best;
        for (var i = -1; i < Count + (EndsEarly ? 1 : 0); i++)
        {
            var (tp, fp) = CountsAt(i);
            var value = rate(tp, fp);
            if (value > best.Value || (double.IsNaN(best.Value) && !double.IsNaN(value))) best = new(value, RocPoint(i).Threshold);
        }
        return best;
    }

    double PrecisionAt(int i) => TruePositives[i] / (TruePositives[i] + FalsePositives[i]);

    double RecallAt(int i) => TruePositives[i] / Positives;

    /// <summary>Counts of the thresholds, of the one above all (-1), and of the one below all (as many as there are).</summary>
    (double TruePositives, double FalsePositives) CountsAt(int i) => i < 0 ? (0, 0) : i < Count ? (TruePositives[i], FalsePositives[i]) : (Positives, Negatives);

    (double Fpr, double Tpr, double Threshold) RocPoint(int i)
    {
        var (tp, fp) = CountsAt(i);
        return (fp / Negatives, tp / Positives, i < 0 ? double.PositiveInfinity : i < Count ? Thresholds[i] : double.NegativeInfinity);
    }
}
