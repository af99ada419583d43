using System.Globalization;
using Raijin.Metrics;

namespace Raijin;

/// <summary>What became of a group's samples, as shares of them: they sum to 1; all NaN for a group without samples.</summary>
/// <param name="TruePositives">1, and predicted to be.</param>
/// <param name="FalsePositives">0, but predicted to be 1.</param>
/// <param name="TrueNegatives">0, and predicted to be.</param>
/// <param name="FalseNegatives">1, but predicted to be 0.</param>
public readonly record struct OutcomeShares(double TruePositives, double FalsePositives, double TrueNegatives, double FalseNegatives);

/// <summary>The outcomes of a binary decision in each group, as shares of the group's samples. Its one number is the accuracy of the group it is worst for.</summary>
/// <remarks>Metrics of fairness take predictions, targets and groups: <c>metric.Update(predictions, targets, groups)</c>.</remarks>
/// <param name="groups">How many groups there are, at least 2.</param>
/// <param name="task">A binary task; null for <see cref="Classification.Binary"/> as it comes.</param>
public sealed class BinaryGroupStatRates(int groups, Classification? task = null)
    : Metric<GroupedComparison, IReadOnlyList<OutcomeShares>>(GroupOutcomes.Of(task ?? Classification.Binary(), groups))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The accuracy of the group it is worst for; groups without samples are left out.</summary>
    public override double ComputeScalar() =>
        Compute().Select(g => g.TruePositives + g.TrueNegatives).Where(a => !double.IsNaN(a)).DefaultIfEmpty(double.NaN).Min();

    /// <summary>Each group's shares, as <c>0/tp</c>, <c>0/fp</c>, <c>0/tn</c>, <c>0/fn</c>, <c>1/tp</c> and so on.</summary>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var scalars = new List<KeyValuePair<string, double>>();
        foreach (var (group, shares) in Compute().Index())
        {
            var name = group.ToString(CultureInfo.InvariantCulture);
            scalars.AddRange([new(name + "/tp", shares.TruePositives), new(name + "/fp", shares.FalsePositives), new(name + "/tn", shares.TrueNegatives), new(name + "/fn", shares.FalseNegatives)]);
        }
        return scalars;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<OutcomeShares> Compute(MetricStates states) => Array.ConvertAll(
        Outcomes.OfPairs(states[0].ToArray<double>()),
        g => new OutcomeShares(g.TruePositives / g.Total, g.FalsePositives / g.Total, g.TrueNegatives / g.Total, g.FalseNegatives / g.Total));
}

/// <summary>The lowest rate among groups over the highest: 1 where all are alike, 0 where one group gets nothing.</summary>
/// <param name="Ratio">NaN where no group has the rate, or all have 0.</param>
/// <param name="Lowest">The group of the lowest rate, the first of equals; -1 where none has the rate.</param>
/// <param name="Highest">The group of the highest; the same.</param>
public readonly record struct GroupRatio(double Ratio, int Lowest, int Highest);

/// <summary>Whether a binary decision treats groups alike.</summary>
/// <param name="DemographicParity">Of the rates at which 1 is predicted: (TP + FP) / all.</param>
/// <param name="EqualOpportunity">Of the rates at which a true 1 is predicted: TP / (TP + FN).</param>
public readonly record struct GroupFairness(GroupRatio DemographicParity, GroupRatio EqualOpportunity);

/// <summary>
/// Demographic parity and equal opportunity: the lowest rate of a group over the highest. In [0, 1], 1 is fair. Its one number is the smaller of both.
/// </summary>
/// <remarks>
/// Hardt et al. 2016. Groups without samples (for equal opportunity, without a true 1) have no rate and are left out; torchmetrics gives them a rate of 0.
/// Metrics of fairness take predictions, targets and groups: <c>metric.Update(predictions, targets, groups)</c>.
/// </remarks>
/// <param name="groups">How many groups there are, at least 2.</param>
/// <param name="task">A binary task; null for <see cref="Classification.Binary"/> as it comes.</param>
public sealed class BinaryFairness(int groups, Classification? task = null)
    : Metric<GroupedComparison, GroupFairness>(GroupOutcomes.Of(task ?? Classification.Binary(), groups))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The smaller ratio; NaN where either is.</summary>
    public override double ComputeScalar()
    {
        var both = Compute();
        return Math.Min(both.DemographicParity.Ratio, both.EqualOpportunity.Ratio);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var both = Compute();
        return [new("demographic_parity", both.DemographicParity.Ratio), new("equal_opportunity", both.EqualOpportunity.Ratio)];
    }

    /// <inheritdoc/>
    protected override GroupFairness Compute(MetricStates states)
    {
        var groups = Outcomes.OfPairs(states[0].ToArray<double>());
        return new(Compare(groups, g => g.Predicted / g.Total), Compare(groups, g => g.TruePositives / g.Support));
    }

    static GroupRatio Compare(OutcomeCounts[] groups, Func<OutcomeCounts, double> rate)
    {
        var rates = Array.ConvertAll(groups, g => rate(g));
        var (lowest, highest) = (-1, -1);
        for (var group = 0; group < rates.Length; group++)
        {
            if (double.IsNaN(rates[group])) continue;
            if (lowest < 0 || rates[group] < rates[lowest]) lowest = group;
            if (highest < 0 || rates[group] > rates[highest]) highest = group;
        }
        return new(lowest < 0 ? double.NaN : rates[lowest] / rates[highest], lowest, highest);
    }
}
