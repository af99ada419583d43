namespace Raijin.DeepSpeed;

/// <summary>Finds the key someone may have meant.</summary>
static class NearestName
{
    // No key is longer, and a mistake in a longer one is not looked for.
    const int MaxLength = 64;

    /// <summary>The nearest name: one edit in three letters at most (a swap of neighbours is one), case and signs aside, or one that begins so; null when none is near.</summary>
    public static string? Of(string given, IEnumerable<string> names)
    {
        var wanted = Normalized(given);
        if (wanted.Length is 0 or > MaxLength) return null;
        (string? Name, int Edits) best = (null, Math.Max(1, wanted.Length / 3) + 1);
        foreach (var name in names)
        {
            var candidate = Normalized(name);
            var begins = wanted.Length > 3 && candidate.StartsWith(wanted, StringComparison.Ordinal);
            if (!begins && Math.Abs(candidate.Length - wanted.Length) >= best.Edits) continue;
            var edits = begins ? Math.Min(1, candidate.Length - wanted.Length) : Edits(wanted, candidate);
            if (edits < best.Edits) best = (name, edits);
        }
        return best.Name;
    }

    static string Normalized(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();

    // Optimal string alignment, three rows at a time.
    static int Edits(string a, string b)
    {
        int[] before = new int[b.Length + 1], above = new int[b.Length + 1], row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++) above[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), 1 + Math.Min(above[j], row[j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = Math.Min(row[j], 1 + before[j - 2]);
            }
            (before, above, row) = (above, row, before);
        }
        return above[b.Length];
    }
}
