namespace Raijin.App;

/// <summary>Finds what the user may have meant by a name that does not exist.</summary>
static class NearestKey
{
    /// <summary>
    /// The candidate nearest to <paramref name="given"/>, or null when none is near enough to be worth offering. Letter case, <c>-</c> and <c>_</c>
    /// do not count; else at most one edit in three characters (insert, delete, replace, swap of neighbours). A candidate whose last segment
    /// matches counts as near: <c>maxEpochs</c> finds <c>trainer.maxEpochs</c>.
    /// </summary>
    public static string? Of(string given, IEnumerable<string> candidates)
    {
        var wanted = Normalize(given);
        (string? Key, int Distance) best = (null, Math.Max(1, wanted.Length / 3) + 1);
        foreach (var candidate in candidates)
        {
            var normalized = Normalize(candidate);
            var distance = Distance(wanted, normalized);
            var dot = normalized.LastIndexOf('.');
            if (dot >= 0) distance = Math.Min(distance, 1 + Distance(wanted[(wanted.LastIndexOf('.') + 1)..], normalized[(dot + 1)..]));
            if (distance < best.Distance) best = (candidate, distance);
        }
        return best.Key;
    }

    static string Normalize(string key) => key.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();

    // Optimal string alignment: three rows of the edit matrix, a swap of neighbours counts as one.
    static int Distance(string a, string b)
    {
        int[] beforePrevious = new int[b.Length + 1], previous = new int[b.Length + 1], current = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++) previous[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(replace, 1 + Math.Min(previous[j], current[j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) current[j] = Math.Min(current[j], 1 + beforePrevious[j - 2]);
            }
            (beforePrevious, previous, current) = (previous, current, beforePrevious);
        }
        return previous[b.Length];
    }
}
