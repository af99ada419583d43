// A trie of a prediction's n-grams in one hash table: the key of an n-gram is the slot of its first n - 1 tokens and its last token, so equal
// keys are equal n-grams, of whatever order. An n-gram that occurs once is a leaf: its longer ones are read off the prediction itself where
// they are asked for, and become entries only when it occurs a second time. In ordinary text that leaves two or three entries a character for
// orders up to 6, and a reference stops at the first order the prediction lacks.

using System.Numerics;
using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>Counts which n-grams of a prediction its references have: Σ over distinct n-grams of min(in prediction, most in any reference), for each n.</summary>
sealed class NGramMatches
{
    const int Root = -1;

    readonly List<int> _prediction = [];
    Entry[] _entries = [];
    int _capacity;
    int _order;
    bool _matched;

    /// <summary>Takes a new prediction.</summary>
    /// <param name="tokens">Its tokens, not negative; copied.</param>
    /// <param name="order">The largest n.</param>
    public void Learn(List<int> tokens, int order)
    {
        var prediction = CollectionsMarshal.AsSpan(tokens);
        _prediction.Clear();
        _prediction.AddRange(prediction);
        _order = Math.Min(order, prediction.Length);
        _matched = false;
        var capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, 4 * prediction.Length));
        while (!TryLearn(prediction, capacity)) capacity *= 2;
    }

    /// <summary>Adds, for each n, how many n-grams this reference matches beyond what references before it have matched.</summary>
    /// <param name="tokens">Its tokens; a negative one occurs in no prediction.</param>
    /// <param name="matches">[order]: the count of n-grams stands at n - 1; added to.</param>
    public void Match(List<int> tokens, Span<double> matches)
    {
        var reference = CollectionsMarshal.AsSpan(tokens);
        var prediction = CollectionsMarshal.AsSpan(_prediction);
        var entries = _entries.AsSpan(0, _capacity);
        if (_matched)
            foreach (ref var entry in entries) entry.Seen = 0;
        _matched = true;
        for (var start = 0; start < reference.Length; start++)
        {
            var parent = Root;
            var longest = Math.Min(_order, reference.Length - start);
            for (var n = 1; n <= longest; n++)
            {
                var key = Key(parent, reference[start + n - 1]);
                var slot = SlotOf(entries, key);
                ref var entry = ref entries[slot];
                if (entry.Key != key) break;
                if (entry.Count == 1)
                {
                    // Each of its longer ones occurs once too: Matched is the highest order that any reference has had.
                    var end = n;
                    while (end < longest && entry.Start + end < prediction.Length && prediction[entry.Start + end] == reference[start + end]) end++;
                    for (var order = Math.Max(n - 1, entry.Matched); order < end; order++) matches[order]++;
                    entry.Matched = Math.Max(entry.Matched, end);
                    break;
                }
                if (++entry.Seen > entry.Matched && entry.Seen <= entry.Count)
                {
                    entry.Matched = entry.Seen;
                    matches[n - 1]++;
                }
                parent = slot;
            }
        }
    }

    /// <summary>Forgets what references have matched; the prediction stays.</summary>
    public void Forget()
    {
        if (!_matched) return;
        foreach (ref var entry in _entries.AsSpan(0, _capacity)) entry.Seen = entry.Matched = 0;
        _matched = false;
    }

    bool TryLearn(ReadOnlySpan<int> prediction, int capacity)
    {
        if (_entries.Length < capacity) _entries = new Entry[capacity];
        else Array.Clear(_entries, 0, capacity);
        _capacity = capacity;
        var entries = _entries.AsSpan(0, capacity);
        var room = capacity / 4 * 3 - _order - 1;
        for (var start = 0; start < prediction.Length; start++)
        {
            var parent = Root;
            var longest = Math.Min(_order, prediction.Length - start);
            for (var n = 1; n <= longest; n++)
            {
                var key = Key(parent, prediction[start + n - 1]);
                var slot = SlotOf(entries, key);
                ref var entry = ref entries[slot];
                if (entry.Key != key)
                {
                    entry = new() { Key = key, Count = 1, Start = start };
                    room--;
                    break;
                }
                if (++entry.Count == 2 && n < _order && entry.Start + n < prediction.Length)
                {
                    var longer = Key(slot, prediction[entry.Start + n]);
                    entries[SlotOf(entries, longer)] = new() { Key = longer, Count = 1, Start = entry.Start };
                    room--;
                }
                parent = slot;
            }
            if (room < 0) return false;
        }
        return true;
    }

    // The slot that holds the key, or the empty one where it belongs. No key is 0, as the root's number is 1.
    static int SlotOf(ReadOnlySpan<Entry> entries, ulong key)
    {
        var mask = entries.Length - 1;
        var at = (int)((key * 0x9E3779B97F4A7C15) >> 32) & mask;
        while (entries[at].Key != key && entries[at].Key != 0) at = (at + 1) & mask;
        return at;
    }

    static ulong Key(int parent, int token) => (ulong)(parent + 2) << 32 | (uint)token;

    struct Entry
    {
        public ulong Key;
        public int Count;
        public int Start;
        public int Seen;
        public int Matched;
    }
}
