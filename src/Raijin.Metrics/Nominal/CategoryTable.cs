// n_ij samples of row i and column j, n in all; r rows and k columns that are not empty.
// Sources: Pearson 1904, Tschuprow 1925, Cramér 1946; Bergsma 2013 (bias correction); Theil 1970 (uncertainty).

namespace Raijin.Metrics;

/// <summary>A table of counts without its empty rows and columns.</summary>
sealed class CategoryTable
{
    readonly double[,] _counts;
    readonly double[] _rows;
    readonly double[] _columns;
    readonly double _total;

    /// <summary>Of a table with empty rows and columns.</summary>
    public CategoryTable(double[,] counts)
    {
        int[] rows = [.. Enumerable.Range(0, counts.GetLength(0)).Where(i => Enumerable.Range(0, counts.GetLength(1)).Any(j => counts[i, j] > 0))];
        int[] columns = [.. Enumerable.Range(0, counts.GetLength(1)).Where(j => Enumerable.Range(0, counts.GetLength(0)).Any(i => counts[i, j] > 0))];
        (_counts, _rows, _columns) = (new double[rows.Length, columns.Length], new double[rows.Length], new double[columns.Length]);
        for (var i = 0; i < rows.Length; i++)
            for (var j = 0; j < columns.Length; j++)
            {
                var count = counts[rows[i], columns[j]];
                _counts[i, j] = count;
                _rows[i] += count;
                _columns[j] += count;
                _total += count;
            }
    }

    /// <summary>Of what <see cref="CategoryCounts"/> accumulated.</summary>
    public static CategoryTable Of(MetricStates states)
    {
        var counts = states[0].ToArray<double>();
        var classes = (int)Math.Sqrt(counts.Length);
        var table = new double[classes, classes];
        Buffer.BlockCopy(counts, 0, table, 0, counts.Length * sizeof(double));
        return new CategoryTable(table);
    }

    /// <summary>√(φ² / min(r − 1, k − 1)).</summary>
    public double Cramer(bool biasCorrection, bool continuityCorrection) => Associated(biasCorrection, continuityCorrection, Math.Min);

    /// <summary>√(φ² / √((r − 1)(k − 1))).</summary>
    public double Tschuprow(bool biasCorrection, bool continuityCorrection) => Associated(biasCorrection, continuityCorrection, (r, k) => Math.Sqrt(r * k));

    /// <summary>√(φ² / (1 + φ²)).</summary>
    public double Pearson()
    {
        var phi = MeanSquareContingency(continuityCorrection: false);
        return Math.Sqrt(phi / (1 + phi));
    }

    /// <summary>What rows tell about columns: (H(columns) − H(columns | rows)) / H(columns); 0 where there is one column, NaN where there is none.</summary>
    public double Uncertainty()
    {
        if (_columns.Length == 0) return double.NaN;
        var (entropy, conditional) = (0.0, 0.0);
        foreach (var column in _columns) entropy += column / _total * Math.Log(_total / column);
        for (var i = 0; i < _rows.Length; i++)
            for (var j = 0; j < _columns.Length; j++)
                if (_counts[i, j] > 0) conditional += _counts[i, j] / _total * Math.Log(_rows[i] / _counts[i, j]);
        return entropy == 0 ? 0 : (entropy - conditional) / entropy;
    }

    double Associated(bool biasCorrection, bool continuityCorrection, Func<double, double, double> freedom)
    {
        double phi = MeanSquareContingency(continuityCorrection), r = _rows.Length - 1, k = _columns.Length - 1;
        if (biasCorrection)
        {
            phi = Math.Max(0, phi - r * k / (_total - 1));
            r -= r * r / (_total - 1);
            k -= k * k / (_total - 1);
        }
        return r > 0 && k > 0 ? Math.Min(1, Math.Sqrt(phi / freedom(r, k))) : double.NaN;
    }

    /// <summary>φ² = χ² / n; with Yates' correction where there are two rows and two columns.</summary>
    double MeanSquareContingency(bool continuityCorrection)
    {
        var shrinks = continuityCorrection && _rows.Length == 2 && _columns.Length == 2;
        var sum = 0.0;
        for (var i = 0; i < _rows.Length; i++)
            for (var j = 0; j < _columns.Length; j++)
            {
                var expected = _rows[i] * _columns[j] / _total;
                var difference = Math.Abs(_counts[i, j] - expected);
                if (shrinks) difference = Math.Max(0, difference - 0.5);
                sum += difference * difference / expected;
            }
        return sum / _total;
    }
}
