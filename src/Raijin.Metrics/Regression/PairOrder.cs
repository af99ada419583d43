namespace Raijin.Metrics;

/// <summary>Ties of one variable: Σ t(t − 1)/2, Σ t(t − 1)(t − 2) and Σ t(t − 1)(2t + 5) over its groups of t equal values, and how many groups there are.</summary>
readonly record struct Ties(long TiedPairs, double Triples, double Fives, long Distinct);

/// <summary>How the pairs of n samples are ordered in two variables.</summary>
/// <param name="Count">Samples n.</param>
/// <param name="Difference">Concordant pairs less discordant ones.</param>
/// <param name="Predictions">Ties of the first.</param>
/// <param name="Targets">Ties of the second.</param>
readonly record struct PairOrder(long Count, long Difference, Ties Predictions, Ties Targets)
{
    /// <summary>n(n − 1)/2.</summary>
    public long Pairs => Count * (Count - 1) / 2;

    /// <summary>The smaller number of distinct values.</summary>
    public long Distinct => Math.Min(Predictions.Distinct, Targets.Distinct);

    /// <summary>Counts the pairs of <paramref name="x"/> and <paramref name="y"/>.</summary>
    public static PairOrder Of(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var (first, second) = (x.ToArray(), y.ToArray());
        Array.Sort(first, second);
        var tiedInBoth = 0L;
        for (var start = 0; start < first.Length;)
        {
            var end = RunEnd(first, start);
            var run = second.AsSpan(start, end - start);
            run.Sort();
            tiedInBoth += TiesOf(run).TiedPairs;
            start = end;
        }
        var discordant = CountExchanges(second);
        var (ties, otherTies) = (TiesOf(first), TiesOf(second));
        var pairs = (long)x.Length * (x.Length - 1) / 2;
        return new(x.Length, pairs - ties.TiedPairs - otherTies.TiedPairs + tiedInBoth - 2 * discordant, ties, otherTies);
    }

    /// <summary>Sorts the values; gives the number of pairs that stood in descending order.</summary>
    static long CountExchanges(double[] values)
    {
        var (from, into, exchanges) = (values, new double[values.Length], 0L);
        for (var width = 1; width < values.Length; width *= 2)
        {
            for (var start = 0; start < values.Length; start += 2 * width)
            {
                var (middle, end) = (Math.Min(start + width, values.Length), Math.Min(start + 2 * width, values.Length));
                var (left, right) = (start, middle);
                for (var at = start; at < end; at++)
                {
                    if (left < middle && (right >= end || from[left] <= from[right])) into[at] = from[left++];
                    else
                    {
                        into[at] = from[right++];
                        exchanges += middle - left;
                    }
                }
            }
            (from, into) = (into, from);
        }
        from.AsSpan().CopyTo(values);
        return exchanges;
    }

    static Ties TiesOf(ReadOnlySpan<double> sorted)
    {
        var (pairs, triples, fives, distinct) = (0L, 0.0, 0.0, 0L);
        for (var start = 0; start < sorted.Length; distinct++)
        {
            var end = RunEnd(sorted, start);
            long tied = end - start;
            pairs += tied * (tied - 1) / 2;
            triples += (double)tied * (tied - 1) * (tied - 2);
            fives += (double)tied * (tied - 1) * (2 * tied + 5);
            start = end;
        }
        return new(pairs, triples, fives, distinct);
    }

    static int RunEnd(ReadOnlySpan<double> sorted, int start)
    {
        var end = start + 1;
        while (end < sorted.Length && sorted[end] == sorted[start]) end++;
        return end;
    }
}
