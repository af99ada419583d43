namespace Raijin.Metrics;

/// <summary>The labels of one side of <see cref="LabelPairs"/> in rising order, and each row's place among them.</summary>
sealed class LabelRanks
{
    /// <summary>Of rows as they lie in the state.</summary>
    /// <param name="rows">Of <see cref="LabelPairs.RowWidth"/> numbers.</param>
    /// <param name="side">Which of them: 0 for classes, 1 for clusters.</param>
    public LabelRanks(ReadOnlySpan<long> rows, int side)
    {
        Ranks = new int[rows.Length / LabelPairs.RowWidth];
        var (low, high) = (long.MaxValue, long.MinValue);
        for (var at = side; at < rows.Length; at += LabelPairs.RowWidth) (low, high) = (Math.Min(low, rows[at]), Math.Max(high, rows[at]));
        // Unsigned, so that labels at both ends of the range don't overflow.
        var span = (ulong)high - (ulong)low;
        if (rows.Length == 0) Labels = [];
        else if (span < (ulong)MostSlots(rows.Length)) Labels = ByPlace(rows[side..], low, (int)span + 1);
        else Labels = BySort(rows[side..]);
    }

    /// <summary>Rising.</summary>
    public long[] Labels { get; }

    /// <summary>[R].</summary>
    public int[] Ranks { get; }

    /// <summary>Up to how many slots a table over so many numbers may have to be filled instead of sorted.</summary>
    public static int MostSlots(int numbers) => Math.Min(2 * numbers + 1024, 1 << 26);

    long[] ByPlace(ReadOnlySpan<long> rows, long low, int span)
    {
        var rankOf = new int[span];
        for (var row = 0; row < Ranks.Length; row++) rankOf[rows[row * LabelPairs.RowWidth] - low] = 1;
        var labels = new List<long>();
        for (var slot = 0; slot < span; slot++)
        {
            if (rankOf[slot] == 0) continue;
            rankOf[slot] = labels.Count;
            labels.Add(low + slot);
        }
        for (var row = 0; row < Ranks.Length; row++) Ranks[row] = rankOf[rows[row * LabelPairs.RowWidth] - low];
        return [.. labels];
    }

    long[] BySort(ReadOnlySpan<long> rows)
    {
        var places = new Dictionary<long, int>();
        for (var row = 0; row < Ranks.Length; row++) places.TryAdd(rows[row * LabelPairs.RowWidth], 0);
        var labels = places.Keys.ToArray();
        Array.Sort(labels);
        for (var rank = 0; rank < labels.Length; rank++) places[labels[rank]] = rank;
        for (var row = 0; row < Ranks.Length; row++) Ranks[row] = places[rows[row * LabelPairs.RowWidth]];
        return labels;
    }
}
