using Raijin.Charts;

namespace Raijin.Metrics;

/// <summary>Matrices of labels and predictions.</summary>
static class Confusion
{
    /// <summary>What a <see cref="ConfusionCounts"/> of binary or multiclass accumulated.</summary>
    public static double[,] Read(MetricStates states, int classes)
    {
        var matrix = new double[classes, classes];
        Buffer.BlockCopy(states[0].ToArray<double>(), 0, matrix, 0, sizeof(double) * matrix.Length);
        return matrix;
    }

    /// <summary>The same matrix, its counts made shares in place; a share of nothing is 0.</summary>
    public static double[,] Share(double[,] matrix, ConfusionShares shares)
    {
        if (shares == ConfusionShares.None) return matrix;
        var classes = matrix.GetLength(0);
        var (rows, columns, all) = (new double[classes], new double[classes], 0.0);
        for (var label = 0; label < classes; label++)
        {
            for (var predicted = 0; predicted < classes; predicted++)
            {
                rows[label] += matrix[label, predicted];
                columns[predicted] += matrix[label, predicted];
                all += matrix[label, predicted];
            }
        }
        for (var label = 0; label < classes; label++)
        {
            for (var predicted = 0; predicted < classes; predicted++)
            {
                var whole = shares switch { ConfusionShares.OfLabel => rows[label], ConfusionShares.OfPrediction => columns[predicted], _ => all };
                if (whole > 0) matrix[label, predicted] /= whole;
            }
        }
        return matrix;
    }

    /// <summary>The matrix as a picture.</summary>
    public static HeatMap Picture(double[,] matrix, ConfusionShares shares, string title, IReadOnlyList<string>? names) => new()
    {
        Title = title,
        XLabel = "predicted",
        YLabel = "label",
        Values = matrix,
        RowNames = names,
        ColumnNames = names,
        NumberFormat = shares == ConfusionShares.None ? "G5" : "F2",
        Low = 0,
        High = shares is ConfusionShares.OfLabel or ConfusionShares.OfPrediction ? 1 : null,
    };
}
