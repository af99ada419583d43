// C classes, L labels

using System.Diagnostics;

namespace Raijin.Metrics;

/// <summary>Reads each class's outcomes off what was accumulated. Waits for the device.</summary>
static class Outcomes
{
    /// <summary>One for each class; in multilabel for each label; in binary of class 1 alone.</summary>
    public static OutcomeCounts[] Read(Accumulation<Comparison> accumulation, MetricStates states) => accumulation switch
    {
        ConfusionCounts { Task.Kind: ClassificationKind.Multiclass } matrix => OfMatrix(states[0].ToArray<double>(), matrix.Task.Classes),
        ConfusionCounts => OfPairs(states[0].ToArray<double>()),
        ClassCounts counts => OfRows(states[0].ToArray<double>(), counts.Task.Classes),
        _ => throw new UnreachableException(),
    };

    /// <summary>One for each class, in binary of both; multilabel is taken as one binary task over all labels.</summary>
    public static OutcomeCounts[] ReadClasses(Accumulation<Comparison> accumulation, MetricStates states)
    {
        var outcomes = Read(accumulation, states);
        if (accumulation is not ConfusionCounts { Task.Kind: not ClassificationKind.Multiclass }) return outcomes;
        var one = OutcomeCounts.Sum(outcomes);
        return [new(one.TrueNegatives, one.FalseNegatives, one.TruePositives, one.FalsePositives), one];
    }

    /// <summary>Of [n, 2, 2] (label, predicted): labels, groups.</summary>
    public static OutcomeCounts[] OfPairs(double[] pairs)
    {
        var outcomes = new OutcomeCounts[pairs.Length / 4];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = new(pairs[(4 * i) + 3], pairs[(4 * i) + 1], pairs[4 * i], pairs[(4 * i) + 2]);
        return outcomes;
    }

    // [C, C] (label, predicted). False outcomes are summed on their own: no difference of nearly equal sums of weights.
    static OutcomeCounts[] OfMatrix(double[] matrix, int classes)
    {
        var (wrong, missed) = (new double[classes], new double[classes]);
        for (var label = 0; label < classes; label++)
        {
            for (var predicted = 0; predicted < classes; predicted++)
            {
                if (label == predicted) continue;
                missed[label] += matrix[(label * classes) + predicted];
                wrong[predicted] += matrix[(label * classes) + predicted];
            }
        }
        var outcomes = new OutcomeCounts[classes];
        for (var c = 0; c < classes; c++) outcomes[c] = new(matrix[(c * classes) + c], wrong[c], 0, missed[c]);
        return WithTrueNegatives(outcomes);
    }

    // [3, C]
    static OutcomeCounts[] OfRows(double[] rows, int classes)
    {
        var outcomes = new OutcomeCounts[classes];
        for (var c = 0; c < classes; c++) outcomes[c] = new(rows[c], rows[classes + c], 0, rows[(2 * classes) + c]);
        return WithTrueNegatives(outcomes);
    }

    static OutcomeCounts[] WithTrueNegatives(OutcomeCounts[] outcomes)
    {
        var total = 0.0;
        foreach (var outcome in outcomes) total += outcome.Support;
        // Rounded sums of weights may leave a hair below nothing.
        for (var c = 0; c < outcomes.Length; c++)
            outcomes[c] = outcomes[c] with { TrueNegatives = Math.Max(0, total - outcomes[c].TruePositives - outcomes[c].FalsePositives - outcomes[c].FalseNegatives) };
        return outcomes;
    }
}
