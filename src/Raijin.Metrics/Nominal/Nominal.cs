using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Measures of association of categories as plain functions: of two series [N], or of every two columns of a table [N, K].</summary>
/// <remarks>
/// Categories are any numbers, integers or floating; NaN is missing, and samples with it are left out. Which categories there are is read from the series, so the
/// tensors are read back.
/// </remarks>
public static class Nominal
{
    /// <inheritdoc cref="Raijin.CramersV"/>
    public static double CramersV(Tensor predictions, Tensor targets, bool biasCorrection = true, bool continuityCorrection = false) =>
        Table(predictions, targets).Cramer(biasCorrection, continuityCorrection);

    /// <inheritdoc cref="Raijin.TschuprowsT"/>
    public static double TschuprowsT(Tensor predictions, Tensor targets, bool biasCorrection = true, bool continuityCorrection = false) =>
        Table(predictions, targets).Tschuprow(biasCorrection, continuityCorrection);

    /// <inheritdoc cref="PearsonsContingencyCoefficient"/>
    public static double PearsonsContingency(Tensor predictions, Tensor targets) => Table(predictions, targets).Pearson();

    /// <inheritdoc cref="Raijin.TheilsU"/>
    public static double TheilsU(Tensor predictions, Tensor targets) => Table(predictions, targets).Uncertainty();

    /// <inheritdoc cref="Raijin.FleissKappa"/>
    /// <param name="ratings">[N, C] integers or [N, C, R] floating; borrowed.</param>
    public static double FleissKappa(Tensor ratings)
    {
        using var metric = new FleissKappa(checked((int)ratings.shape[1]));
        return metric.Of(new Ratings(ratings));
    }

    /// <summary><see cref="Raijin.CramersV"/> of every two columns, 1 on the diagonal; symmetric.</summary>
    /// <param name="table">[N, K]; borrowed.</param>
    /// <param name="biasCorrection">Correct for what chance gives.</param>
    /// <param name="continuityCorrection">Yates' correction in 2 × 2 tables.</param>
    public static double[,] CramersVMatrix(Tensor table, bool biasCorrection = true, bool continuityCorrection = false) =>
        Pairwise(table, pair => pair.Cramer(biasCorrection, continuityCorrection));

    /// <summary><see cref="Raijin.TschuprowsT"/> of every two columns, 1 on the diagonal; symmetric.</summary>
    /// <inheritdoc cref="CramersVMatrix"/>
    public static double[,] TschuprowsTMatrix(Tensor table, bool biasCorrection = true, bool continuityCorrection = false) =>
        Pairwise(table, pair => pair.Tschuprow(biasCorrection, continuityCorrection));

    /// <summary><see cref="PearsonsContingencyCoefficient"/> of every two columns, 1 on the diagonal (torchmetrics' convention); symmetric.</summary>
    /// <param name="table">[N, K]; borrowed.</param>
    public static double[,] PearsonsContingencyMatrix(Tensor table) => Pairwise(table, pair => pair.Pearson());

    /// <summary><see cref="Raijin.TheilsU"/> of every two columns, [i, j] of i explained by j, 1 on the diagonal.</summary>
    /// <param name="table">[N, K]; borrowed.</param>
    public static double[,] TheilsUMatrix(Tensor table) => Pairwise(table, pair => pair.Uncertainty());

    static double[,] Pairwise(Tensor table, Func<CategoryTable, double> measure)
    {
        if (table.dim() != 2) ShapeMismatchException.Throw(nameof(table), "[N, K]", ShapeText.Of(table));
        var columns = Enumerable.Range(0, checked((int)table.shape[1])).Select(k => Read(table, k)).ToArray();
        var matrix = new double[columns.Length, columns.Length];
        for (var i = 0; i < columns.Length; i++)
            for (var j = 0; j < columns.Length; j++) matrix[i, j] = i == j ? 1 : measure(Count(columns[i], columns[j]));
        return matrix;
    }

    static CategoryTable Table(Tensor predictions, Tensor targets)
    {
        if (predictions.dim() != 1 || targets.dim() != 1 || predictions.shape[0] != targets.shape[0])
            ShapeMismatchException.Throw("categories", "two series of one length, [N]", $"{ShapeText.Of(predictions)} with {ShapeText.Of(targets)}");
        return Count(Read(predictions, null), Read(targets, null));
    }

    /// <summary>Rows are the second series: what explains.</summary>
    static CategoryTable Count(Series explained, Series explaining)
    {
        var counts = new double[explaining.Categories, explained.Categories];
        for (var n = 0; n < explained.Positions.Length; n++)
            if (explained.Positions[n] >= 0 && explaining.Positions[n] >= 0) counts[explaining.Positions[n], explained.Positions[n]]++;
        return new CategoryTable(counts);
    }

    /// <summary>Numbers the categories of a series, or of a column of a table; -1 where it is missing.</summary>
    static Series Read(Tensor tensor, int? column)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var series = column is { } k ? tensor.select(1, k) : tensor;
        // Integers beyond 2^53 stay apart as their bits.
        return series.is_floating_point()
            ? Number<double>(series.to(ScalarType.Float64), double.IsNaN)
            : Number<long>(series.to(ScalarType.Int64), _ => false);
    }

    static Series Number<T>(Tensor series, Func<T, bool> isMissing)
        where T : unmanaged
    {
        var numbers = new Dictionary<T, int>();
        var positions = new int[series.NumberOfElements];
        var values = positions.Length == 0 ? [] : series.cpu().contiguous().data<T>().ToArray();
        for (var n = 0; n < values.Length; n++)
        {
            if (isMissing(values[n])) positions[n] = -1;
            else if (!numbers.TryGetValue(values[n], out positions[n])) numbers.Add(values[n], positions[n] = numbers.Count);
        }
        return new(positions, numbers.Count);
    }

    readonly record struct Series(int[] Positions, int Categories);
}
