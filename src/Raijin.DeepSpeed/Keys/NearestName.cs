namespace Raijin.DeepSpeed;

/// <summary>Finds the key someone may have meant.</summary>
static class NearestName
{
    // No key is longer, and a mistake in a longer one is not looked for.
    const int MaxLength = 64;

    /// <summary>The nearest name: one edit in three letters at most, case and signs aside; null when none is near.</summary>
    public static string? Of(string given, IEnumerable<string> names)
    {
        var wanted = Normalized(given);
        if (wanted.Length is 0 or > MaxLength) return null;
        (string? Name, int Edits) best = (null, Math.Max(1, wanted.Length / 3) + 1);
        foreach (var name in names)
        {
            var candidate = Normalized(name);
            if (Math.Abs(candidate.Length - wanted.Length) >= best.Edits) continue;
            var edits = Edits(wanted, candidate);
            if (edits < best.Edits) best = (name, edits);
        }
        return best.Name;
    }

    static string Normalized(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();

    // Levenshtein, one row at a time.
    static int Edits(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++) row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, 1 + Math.Min(row[j], row[j - 1]));
            }
        }
        return row[b.Length];
    }
}
