// L[i, j] = length of the longest common subsequence of the first i tokens of a and the first j of b; n·m additions of one table row after
// another.

namespace Raijin.Metrics;

/// <summary>Longest common subsequences of two token sequences. Holds its working memory.</summary>
sealed class CommonSubsequence
{
    int[] _table = [];

    /// <summary>The length of the longest.</summary>
    public int Length(ReadOnlySpan<int> a, ReadOnlySpan<int> b)
    {
        var row = Table(b.Length + 1);
        row.Clear();
        foreach (var token in a)
        {
            var (diagonal, left) = (0, 0);
            for (var j = 1; j < row.Length; j++)
            {
                var above = row[j];
                left = token == b[j - 1] ? diagonal + 1 : Math.Max(above, left);
                (diagonal, row[j]) = (above, left);
            }
        }
        return row[^1];
    }

    /// <summary>Marks which tokens of <paramref name="a"/> are in one of the longest; marks already set stay. Of several it is the one rouge_score's walk back finds.</summary>
    public void Mark(ReadOnlySpan<int> a, ReadOnlySpan<int> b, Span<bool> marks)
    {
        var width = b.Length + 1;
        var table = Table(checked((a.Length + 1) * width));
        table[..width].Clear();
        for (var i = 1; i <= a.Length; i++)
        {
            var above = table.Slice((i - 1) * width, width);
            var row = table.Slice(i * width, width);
            row[0] = 0;
            for (var j = 1; j < row.Length; j++) row[j] = a[i - 1] == b[j - 1] ? above[j - 1] + 1 : Math.Max(above[j], row[j - 1]);
        }
        for (var (i, j) = (a.Length, b.Length); i > 0 && j > 0;)
        {
            if (a[i - 1] == b[j - 1])
            {
                marks[i - 1] = true;
                (i, j) = (i - 1, j - 1);
            }
            else if (table[i * width + j - 1] > table[(i - 1) * width + j])
            {
                j--;
            }
            else
            {
                i--;
            }
        }
    }

    Span<int> Table(int cells)
    {
        if (_table.Length < cells) _table = new int[Math.Max(cells, 2 * _table.Length)];
        return _table.AsSpan(0, cells);
    }
}
