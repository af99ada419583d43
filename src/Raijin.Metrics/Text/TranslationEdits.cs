// Edits with shifts: insert, delete or substitute a word, or move a run of words; each costs 1. Finding the fewest is NP-hard, so as tercom
// does, the run whose move lowers the edit distance most is moved, until none does. Of equal gains the longest run wins, then the one that
// stands first, then the one that moves nearest to the start. Sources: Snover et al. 2006; limits and ties are tercom's as sacreBLEU has them.
//   H words of the prediction, R of the reference. A candidate is a permutation of the words: the rows of the table before the first word it
//   changes are known, and those after it are given up once they can't beat the best candidate. Memory O(H · R).

namespace Raijin.Metrics;

/// <summary>Counts the edits of one prediction after another, each against one reference. Holds its working memory, one thread at a time.</summary>
sealed class TranslationEdits
{
    const int MaxShiftSize = 10;
    const int MaxShiftDistance = 50;
    const int MaxCandidates = 1000;
    const int BeamWidth = 25;
    const int Unreached = int.MaxValue / 2;

    int[] _words = [];              // [H] the prediction's, shifts done
    int[] _shifted = [];            // [H] the same with one more shift
    int[] _table = [];              // [H + 1, R + 1] costs of turning so many words of _words into so many of the reference
    int[] _rows = [];               // [2, R + 1] rows of a candidate's table
    int[] _aligned = [];            // [R] the word of _words that a word of the reference stands at, -1 before all
    bool[] _wrongWords = [];        // [H]
    bool[] _wrongReference = [];    // [R]

    /// <summary>The edits that turn the prediction into the reference.</summary>
    public int Count(ReadOnlySpan<int> prediction, ReadOnlySpan<int> reference)
    {
        if (prediction.Length == 0 || reference.Length == 0) return Math.Max(prediction.Length, reference.Length);
        Reserve(prediction.Length, reference.Length);
        var words = _words.AsSpan(0, prediction.Length);
        prediction.CopyTo(words);
        var beam = new Beam(words.Length, reference.Length);
        var (shifts, candidates) = (0, 0);
        while (true)
        {
            var distance = FillTable(words, reference, beam);
            Align(words, reference);
            if (!TryShift(words, reference, beam, distance, ref candidates)) return shifts + distance;
            shifts++;
        }
    }

    bool TryShift(Span<int> words, ReadOnlySpan<int> reference, Beam beam, int distance, ref int candidates)
    {
        var best = new Candidate(0, 0, 0, 0);
        for (var start = 0; start < words.Length; start++)
        {
            var end = Math.Min(reference.Length, start + MaxShiftDistance + 1);
            for (var at = Math.Max(0, start - MaxShiftDistance); at < end; at++)
            {
                var (wrongWords, wrongReference) = (false, false);
                var longest = Math.Min(MaxShiftSize, Math.Min(words.Length - start, reference.Length - at));
                for (var run = 1; run <= longest && words[start + run - 1] == reference[at + run - 1]; run++)
                {
                    wrongWords |= _wrongWords[start + run - 1];
                    wrongReference |= _wrongReference[at + run - 1];
                    // What is right already stays, and nothing is moved into itself.
                    if (!wrongWords || !wrongReference || (_aligned[at] >= start && _aligned[at] < start + run)) continue;
                    var tried = -1;
                    for (var beside = at - 1; beside < at + run; beside++)
                    {
                        var target = beside < 0 ? 0 : _aligned[beside] + 1;
                        if (target == tried) continue;
                        tried = target;
                        candidates++;
                        Shift(words, start, run, target);
                        // A gain that equals the best one's may still win by the order of ties; one of 0 never does.
                        var gain = distance - Distance(Math.Min(start, target), reference, beam, words.Length, atMost: distance - Math.Max(1, best.Gain));
                        var candidate = new Candidate(gain, run, start, target);
                        if (gain > 0 && candidate.IsBetterThan(best)) best = candidate;
                    }
                    // Also the best one of the round that meets the limit is dropped.
                    if (candidates >= MaxCandidates) return false;
                }
            }
        }
        if (best.Gain == 0) return false;
        Shift(words, best.Start, best.Run, best.Target);
        _shifted.AsSpan(0, words.Length).CopyTo(words);
        return true;
    }

    /// <summary>Writes the words with one run moved before the word at <paramref name="target"/>, or, where that lies in the run or right after it, so many words on.</summary>
    void Shift(ReadOnlySpan<int> words, int start, int run, int target)
    {
        var shifted = _shifted.AsSpan(0, words.Length);
        words.CopyTo(shifted);
        if (target < start)
        {
            words[start..(start + run)].CopyTo(shifted[target..]);
            words[target..start].CopyTo(shifted[(target + run)..]);
            return;
        }
        var end = target > start + run ? target : Math.Min(target + run, words.Length);
        words[(start + run)..end].CopyTo(shifted[start..]);
        words[start..(start + run)].CopyTo(shifted[(end - run)..]);
    }

    int FillTable(ReadOnlySpan<int> words, ReadOnlySpan<int> reference, Beam beam)
    {
        var width = reference.Length + 1;
        for (var j = 0; j < width; j++) _table[j] = j;
        for (var i = 1; i <= words.Length; i++) beam.FillRow(i, words[i - 1], reference, _table.AsSpan((i - 1) * width, width), _table.AsSpan(i * width, width));
        return _table[words.Length * width + reference.Length];
    }

    /// <summary>The distance of the shifted words, of which so many are the first of the words unshifted; any number above <paramref name="atMost"/> where it is more.</summary>
    int Distance(int unchanged, ReadOnlySpan<int> reference, Beam beam, int length, int atMost)
    {
        var width = reference.Length + 1;
        var above = _table.AsSpan(unchanged * width, width);
        for (var i = unchanged + 1; i <= length; i++)
        {
            var row = _rows.AsSpan((i & 1) * width, width);
            if (beam.FillRow(i, _shifted[i - 1], reference, above, row) > atMost) return int.MaxValue;
            above = row;
        }
        return above[reference.Length];
    }

    // Walks the cheapest way back; of equal ones, as tercom: both words, then the prediction's alone, then the reference's alone.
    void Align(ReadOnlySpan<int> words, ReadOnlySpan<int> reference)
    {
        var width = reference.Length + 1;
        var (i, j) = (words.Length, reference.Length);
        while (i > 0 || j > 0)
        {
            var cost = _table[i * width + j];
            var wrong = i == 0 || j == 0 || words[i - 1] != reference[j - 1];
            var both = i > 0 && j > 0 && cost == _table[(i - 1) * width + j - 1] + (wrong ? 1 : 0);
            var wordAlone = !both && i > 0 && cost == _table[(i - 1) * width + j] + 1;
            wrong |= !both;
            if (!wordAlone)
            {
                j--;
                _aligned[j] = i - 1;
                _wrongReference[j] = wrong;
            }
            if (both || wordAlone)
            {
                i--;
                _wrongWords[i] = wrong;
            }
        }
    }

    void Reserve(int words, int reference)
    {
        Grow(ref _words, words);
        Grow(ref _shifted, words);
        Grow(ref _table, checked((words + 1) * (reference + 1)));
        Grow(ref _rows, 2 * (reference + 1));
        Grow(ref _aligned, reference);
        Grow(ref _wrongWords, words);
        Grow(ref _wrongReference, reference);

        static void Grow<T>(ref T[] array, int length)
        {
            if (array.Length < length) array = new T[Math.Max(length, 2 * array.Length)];
        }
    }

    readonly record struct Candidate(int Gain, int Run, int Start, int Target)
    {
        public bool IsBetterThan(Candidate other) => (Gain, Run, -Start, -Target).CompareTo((other.Gain, other.Run, -other.Start, -other.Target)) > 0;
    }

    /// <summary>The part of the table that is looked at: so far from the diagonal, which leads from corner to corner, and all of the last row's rest.</summary>
    readonly struct Beam(int words, int reference)
    {
        readonly double _slope = (double)reference / words;
        readonly int _width = (double)reference / words / 2 > BeamWidth ? (int)Math.Ceiling((double)reference / words / 2 + BeamWidth) : BeamWidth;

        /// <summary>Fills row <paramref name="i"/>, that of <paramref name="word"/>, and returns its lowest cost.</summary>
        public int FillRow(int i, int word, ReadOnlySpan<int> target, ReadOnlySpan<int> above, Span<int> row)
        {
            var diagonal = (int)Math.Floor(i * _slope);
            var first = Math.Max(0, diagonal - _width);
            var end = i == words ? reference + 1 : Math.Min(reference + 1, diagonal + _width);
            row[..first].Fill(Unreached);
            row[end..].Fill(Unreached);
            var (left, lowest) = (Unreached, Unreached);
            for (var j = first; j < end; j++)
            {
                left = Math.Min(above[j], left) + 1;
                if (j > 0) left = Math.Min(left, above[j - 1] + (word == target[j - 1] ? 0 : 1));
                lowest = Math.Min(lowest, left);
                row[j] = left;
            }
            return lowest;
        }
    }
}
