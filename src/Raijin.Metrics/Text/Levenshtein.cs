// Edit distances of sequences of symbols, which are small dense numbers (see SymbolTable). Equal ends are cut off first: some cheapest
// alignment matches them.
//   Unit costs: Myers 1999 in the form of Hyyrö 2003. A column of the table of distances is two bit vectors, where it rises and where it
//     falls; a text symbol costs about 15 operations for each 64 pattern symbols, against 64 cells.
//   Errors and substitutions: the plain table, but only where no more than the known number of errors leads: diagonals -E..E.
// m pattern symbols, n text symbols, W = ceil(m / 64) words.

using System.Buffers;

namespace Raijin.Metrics;

/// <summary>How one sequence of symbols becomes another. Holds its working memory, so one instance serves many pairs, one thread at a time.</summary>
sealed class Levenshtein
{
    ulong[] _matches = [];
    ulong[] _columns = [];

    /// <summary>The fewest insertions, deletions and substitutions.</summary>
    public int Distance(ReadOnlySpan<int> a, ReadOnlySpan<int> b)
    {
        CutEqualEnds(ref a, ref b);
        // The longer one is the pattern: its symbols are worked on 64 at a time.
        return a.Length < b.Length ? BitParallel(pattern: b, text: a) : BitParallel(pattern: a, text: b);
    }

    /// <summary>The lowest cost, where an insertion or a deletion costs 1 and a substitution <paramref name="substitutionCost"/>.</summary>
    public long Distance(ReadOnlySpan<int> a, ReadOnlySpan<int> b, int substitutionCost)
    {
        if (substitutionCost == 1) return Distance(a, b);
        CutEqualEnds(ref a, ref b);
        // Beyond 2 a deletion and an insertion are cheaper.
        return LowestCost(a, b, indel: 1, Math.Min(substitutionCost, 2), band: Math.Max(a.Length, b.Length));
    }

    /// <summary>The errors of the alignment with the fewest; and of those, its substitutions where these are fewest, which is where most symbols are hit.</summary>
    public (int Errors, int Substitutions) Align(ReadOnlySpan<int> a, ReadOnlySpan<int> b)
    {
        CutEqualEnds(ref a, ref b);
        var errors = Distance(a, b);
        if (errors == 0 || a.Length == 0 || b.Length == 0) return (errors, 0);
        const int Shift = 32;
        var cost = LowestCost(a, b, indel: 1L << Shift, (1L << Shift) + 1, band: errors);
        return (errors, (int)(cost & uint.MaxValue));
    }

    int BitParallel(ReadOnlySpan<int> pattern, ReadOnlySpan<int> text)
    {
        if (text.Length == 0) return pattern.Length;
        var words = (pattern.Length + 63) / 64;
        MarkPattern(pattern, words);
        var distance = words == 1 ? OneWord(pattern.Length, text) : Blocked(pattern.Length, words, text);
        foreach (var symbol in pattern) _matches.AsSpan(symbol * words, words).Clear();
        return distance;
    }

    static void CutEqualEnds(ref ReadOnlySpan<int> a, ref ReadOnlySpan<int> b)
    {
        var head = a.CommonPrefixLength(b);
        a = a[head..];
        b = b[head..];
        var tail = 0;
        while (tail < a.Length && tail < b.Length && a[^(tail + 1)] == b[^(tail + 1)]) tail++;
        a = a[..^tail];
        b = b[..^tail];
    }

    void MarkPattern(ReadOnlySpan<int> pattern, int words)
    {
        var needed = checked((Largest(pattern) + 1) * words);
        if (_matches.Length < needed) Array.Resize(ref _matches, Math.Max(needed, 2 * _matches.Length));
        for (var i = 0; i < pattern.Length; i++) _matches[pattern[i] * words + (i >> 6)] |= 1UL << (i & 63);
    }

    static int Largest(ReadOnlySpan<int> symbols)
    {
        var largest = 0;
        foreach (var symbol in symbols) largest = Math.Max(largest, symbol);
        return largest;
    }

    int OneWord(int length, ReadOnlySpan<int> text)
    {
        var (rises, falls, distance) = (ulong.MaxValue, 0UL, length);
        var last = 1UL << (length - 1);
        foreach (var symbol in text)
        {
            var match = (uint)symbol < (uint)_matches.Length ? _matches[symbol] : 0;
            var vertical = match | falls;
            var horizontal = (((match & rises) + rises) ^ rises) | match;
            var up = falls | ~(horizontal | rises);
            var down = rises & horizontal;
            if ((up & last) != 0) distance++;
            else if ((down & last) != 0) distance--;
            (up, down) = ((up << 1) | 1, down << 1);
            rises = down | ~(vertical | up);
            falls = up & vertical;
        }
        return distance;
    }

    int Blocked(int length, int words, ReadOnlySpan<int> text)
    {
        if (_columns.Length < 2 * words) _columns = new ulong[Math.Max(2 * words, 2 * _columns.Length)];
        var rises = _columns.AsSpan(0, words);
        var falls = _columns.AsSpan(words, words);
        var distance = length;
        rises.Fill(ulong.MaxValue);
        falls.Clear();
        foreach (var symbol in text)
        {
            var at = (long)symbol * words;
            var known = at + words <= _matches.Length;
            var (upIn, downIn) = (1UL, 0UL);
            for (var w = 0; w < words; w++)
            {
                var match = known ? _matches[(int)at + w] : 0;
                var vertical = match | falls[w];
                match |= downIn;
                var horizontal = (((match & rises[w]) + rises[w]) ^ rises[w]) | match;
                var up = falls[w] | ~(horizontal | rises[w]);
                var down = rises[w] & horizontal;
                var last = w == words - 1 ? (length - 1) & 63 : 63;
                var (upOut, downOut) = ((up >> last) & 1, (down >> last) & 1);
                (up, down) = ((up << 1) | upIn, (down << 1) | downIn);
                rises[w] = down | ~(vertical | up);
                falls[w] = up & vertical;
                (upIn, downIn) = (upOut, downOut);
            }
            distance += (int)upIn - (int)downIn;
        }
        return distance;
    }

    /// <summary>The plain table, row by row, where |row - column| is at most <paramref name="band"/>; the result is right where the cheapest way stays there.</summary>
    static long LowestCost(ReadOnlySpan<int> a, ReadOnlySpan<int> b, long indel, long substitution, int band)
    {
        const long Unreached = long.MaxValue / 2;
        var rented = ArrayPool<long>.Shared.Rent(b.Length + 1);
        var row = rented.AsSpan(0, b.Length + 1);
        for (var j = 0; j <= b.Length; j++) row[j] = j <= band ? j * indel : Unreached;
        for (var i = 1; i <= a.Length; i++)
        {
            var (first, last) = (Math.Max(i - band, 1), Math.Min((long)i + band, b.Length));
            var diagonal = row[first - 1];
            var left = first == 1 && i <= band ? i * indel : Unreached;
            row[first - 1] = left;
            for (var j = first; j <= last; j++)
            {
                var above = row[j];
                var cost = a[i - 1] == b[j - 1] ? diagonal : Math.Min(diagonal + substitution, Math.Min(above, left) + indel);
                (diagonal, left, row[j]) = (above, cost, cost);
            }
        }
        var lowest = row[b.Length];
        ArrayPool<long>.Shared.Return(rented);
        return lowest;
    }
}
