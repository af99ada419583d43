namespace Raijin.Collectives;

/// <summary>Which lines two texts do not share.</summary>
static class LineDifference
{
    // The table of a longest common sequence has as many cells as the product of the lines.
    const long MostCells = 4_000_000;

    /// <summary>Lines of <paramref name="left"/> alone, after <c>- </c>, and of <paramref name="right"/> alone, after <c>+ </c>, in their order: by a longest common sequence between the first and the last difference.</summary>
    public static IReadOnlyList<string> Between(string left, string right)
    {
        var (a, b) = (left.Split('\n'), right.Split('\n'));
        var start = 0;
        while (start < a.Length && start < b.Length && a[start] == b[start]) start++;
        var end = 0;
        while (end < a.Length - start && end < b.Length - start && a[^(end + 1)] == b[^(end + 1)]) end++;
        return Differing(a.AsSpan(start, a.Length - start - end), b.AsSpan(start, b.Length - start - end));
    }

    static List<string> Differing(ReadOnlySpan<string> a, ReadOnlySpan<string> b)
    {
        var lines = new List<string>();
        if ((long)a.Length * b.Length > MostCells)
        {
            foreach (var line in a) lines.Add($"- {line}");
            foreach (var line in b) lines.Add($"+ {line}");
            return lines;
        }
        // shared[i, j]: how many lines a[i..] and b[j..] share in order.
        var shared = new int[a.Length + 1, b.Length + 1];
        for (var i = a.Length - 1; i >= 0; i--)
            for (var j = b.Length - 1; j >= 0; j--) shared[i, j] = a[i] == b[j] ? shared[i + 1, j + 1] + 1 : Math.Max(shared[i + 1, j], shared[i, j + 1]);
        for (int i = 0, j = 0; i < a.Length || j < b.Length;)
        {
            if (i < a.Length && j < b.Length && a[i] == b[j]) (i, j) = (i + 1, j + 1);
            else if (j == b.Length || (i < a.Length && shared[i + 1, j] >= shared[i, j + 1])) lines.Add($"- {a[i++]}");
            else lines.Add($"+ {b[j++]}");
        }
        return lines;
    }
}
