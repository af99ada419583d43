// N samples, a_i of class i, b_j of cluster j, n_ij of both. Cells are sorted by (class, cluster), so that sums come out the same whatever order
// samples, updates and merges had.
// Sources: Hubert and Arabie 1985 (adjusted Rand), Fowlkes and Mallows 1983, Vinh, Epps and Bailey 2010 (adjusted information),
// Rosenberg and Hirschberg 2007 (homogeneity, completeness).

namespace Raijin.Metrics;

/// <summary>The table of true classes by predicted clusters, with only the cells that are not empty.</summary>
sealed class Contingency
{
    readonly int[] _classOf;
    readonly int[] _clusterOf;
    readonly double[] _counts;
    readonly double[] _classes;
    readonly double[] _clusters;
    readonly double _samples;

    Contingency(ReadOnlySpan<long> rows)
    {
        var (classes, clusters) = (new LabelRanks(rows, 0), new LabelRanks(rows, 1));
        (_classOf, _clusterOf, _counts) = (classes.Ranks, clusters.Ranks, new double[classes.Ranks.Length]);
        (_classes, _clusters) = (new double[classes.Labels.Length], new double[clusters.Labels.Length]);
        for (var cell = 0; cell < _counts.Length; cell++)
        {
            var count = rows[cell * LabelPairs.RowWidth + 2];
            _counts[cell] = count;
            _classes[_classOf[cell]] += count;
            _clusters[_clusterOf[cell]] += count;
            _samples += count;
        }
    }

    /// <summary>The table of what was accumulated. The state is left with one row a cell, so that the next metric over it has less to read.</summary>
    public static Contingency Of(MetricStates states)
    {
        var rows = Distinct(LabelPairs.Read(states[0]));
        if (rows.Length < states[0].Rows * LabelPairs.RowWidth) LabelPairs.Replace(states[0], rows);
        return new Contingency(rows);
    }

    /// <summary>Rows (class, cluster, count), one for each pair that was counted, in rising order. O(R) where labels or pairs are dense, else R log R.</summary>
    public static long[] Distinct(ReadOnlySpan<long> rows)
    {
        var (classes, clusters) = (new LabelRanks(rows, 0), new LabelRanks(rows, 1));
        var distinct = new List<long>();
        long cells = (long)classes.Labels.Length * clusters.Labels.Length;
        if (cells <= LabelRanks.MostSlots(rows.Length))
        {
            var counts = new long[cells];
            for (var row = 0; row < classes.Ranks.Length; row++)
                counts[classes.Ranks[row] * clusters.Labels.Length + clusters.Ranks[row]] += rows[row * LabelPairs.RowWidth + 2];
            for (var cell = 0; cell < counts.Length; cell++) Take(cell, counts[cell]);
        }
        else
        {
            var (keys, counts) = (new long[classes.Ranks.Length], new long[classes.Ranks.Length]);
            for (var row = 0; row < keys.Length; row++)
            {
                keys[row] = (long)classes.Ranks[row] * clusters.Labels.Length + clusters.Ranks[row];
                counts[row] = rows[row * LabelPairs.RowWidth + 2];
            }
            Array.Sort(keys, counts);
            for (var start = 0; start < keys.Length;)
            {
                var (cell, count) = (keys[start], 0L);
                for (; start < keys.Length && keys[start] == cell; start++) count += counts[start];
                Take(cell, count);
            }
        }
        return [.. distinct];

        void Take(long cell, long count)
        {
            if (count > 0) distinct.AddRange([classes.Labels[cell / clusters.Labels.Length], clusters.Labels[cell % clusters.Labels.Length], count]);
        }
    }

    /// <summary>Mutual information in nats: Σ n_ij/N · ln(N·n_ij / (a_i·b_j)); 0 where a side has one label or there is no sample.</summary>
    public double MutualInformation()
    {
        var information = 0.0;
        for (var cell = 0; cell < _counts.Length; cell++)
            information += _counts[cell] / _samples * Math.Log(_samples * _counts[cell] / (_classes[_classOf[cell]] * _clusters[_clusterOf[cell]]));
        return Math.Max(0, information);
    }

    /// <summary>Entropy of the true labels in nats; 0 for one label or none.</summary>
    public double ClassEntropy() => Entropy(_classes);

    /// <summary>Entropy of the predicted labels in nats.</summary>
    public double ClusterEntropy() => Entropy(_clusters);

    /// <summary>Whether neither side tells samples apart: one label each, or no sample.</summary>
    public bool IsTrivial => _classes.Length <= 1 && _clusters.Length <= 1;

    /// <summary>Whether both sides put the same samples together.</summary>
    public bool IsMatch => _counts.Length == _classes.Length && _counts.Length == _clusters.Length;

    /// <summary>What mutual information labels drawn at random with the same sizes would have.</summary>
    public double ExpectedMutualInformation()
    {
        if (_classes.Length <= 1 || _clusters.Length <= 1) return 0;
        // Sizes that come again give the same term.
        var clusters = Sizes(_clusters);
        var expected = 0.0;
        foreach (var (a, rows) in Sizes(_classes))
            foreach (var (b, columns) in clusters) expected += (double)rows * columns * ExpectedTerm(a, b);
        return expected;
    }

    /// <summary>Of the N(N−1)/2 pairs of samples: together on both sides, in the class only, in the cluster only, apart on both.</summary>
    public (double Both, double Class, double Cluster, double Neither) Pairs()
    {
        var (both, classes, clusters) = (Pairs(_counts), Pairs(_classes), Pairs(_clusters));
        return (both, classes - both, clusters - both, _samples * (_samples - 1) / 2 - classes - clusters + both);
    }

    /// <summary>Samples that are right when each cluster stands for at most one class, and each class for at most one cluster, in the best way; NaN without a sample.</summary>
    public double BestMatch()
    {
        var counts = new double[checked(_classes.Length * _clusters.Length)];
        for (var cell = 0; cell < _counts.Length; cell++) counts[_classOf[cell] * _clusters.Length + _clusterOf[cell]] = _counts[cell];
        return LinearAssignment.Solve(counts, _classes.Length, _clusters.Length, new int[_classes.Length], maximize: true) / _samples;
    }

    // Σ over n of p(n) · n/N · ln(N·n / (a·b)), p hypergeometric. Neighbours' ratio is rational, so p follows from the mode outwards until it
    // vanishes, and is divided by its own sum: no factorial, no cancellation, and only a few standard deviations are visited.
    double ExpectedTerm(double a, double b)
    {
        const double Vanishing = 1e-25;
        var (low, high) = (Math.Max(0, a + b - _samples), Math.Min(a, b));
        var mode = Math.Clamp(Math.Floor((a + 1) * (b + 1) / (_samples + 2)), low, high);
        var (weights, sum) = (1.0, Information(mode));
        var weight = 1.0;
        for (var n = mode; n < high && weight > Vanishing; n++)
        {
            weight *= (a - n) * (b - n) / ((n + 1) * (_samples - a - b + n + 1));
            weights += weight;
            sum += weight * Information(n + 1);
        }
        weight = 1.0;
        for (var n = mode; n > low && weight > Vanishing; n--)
        {
            weight *= n * (_samples - a - b + n) / ((a - n + 1) * (b - n + 1));
            weights += weight;
            sum += weight * Information(n - 1);
        }
        return sum / weights;

        double Information(double n) => n == 0 ? 0 : n / _samples * Math.Log(_samples * n / (a * b));
    }

    double Entropy(double[] sizes) => sizes.Sum(size => size / _samples * Math.Log(_samples / size));

    static double Pairs(double[] sizes) => sizes.Sum(size => size * (size - 1) / 2);

    static IEnumerable<(double Size, int Times)> Sizes(double[] sizes) => [.. sizes.CountBy(size => size).OrderBy(s => s.Key).Select(s => (s.Key, s.Value))];
}
