// Words as small integers, for as long as one prediction is compared. Open addressing, at most half full; the words' characters lie in one
// pool, so that a known word costs no allocation and a new one costs a copy of its characters.

using System.Numerics;
using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>Numbers words 0, 1, 2, … in the order in which they are first met.</summary>
sealed class Vocabulary
{
    const int FirstCapacity = 128;

    readonly List<char> _characters = [];
    readonly List<Word> _words = [];
    Slot[] _slots = new Slot[FirstCapacity];
    int _capacity = FirstCapacity;

    /// <summary>How many words it knows.</summary>
    public int Count => _words.Count;

    /// <summary>Forgets all words.</summary>
    public void Clear()
    {
        _words.Clear();
        _characters.Clear();
        _capacity = FirstCapacity;
        Array.Clear(_slots, 0, _capacity);
    }

    /// <summary>The word's number; -1 for a word it does not know.</summary>
    public int Find(ReadOnlySpan<char> word) => _slots[SlotOf(word, Hash(word))].Number - 1;

    /// <summary>The word's number, a new one for a word it does not know.</summary>
    public int Learn(ReadOnlySpan<char> word)
    {
        var hash = Hash(word);
        ref var slot = ref _slots[SlotOf(word, hash)];
        if (slot.Number > 0) return slot.Number - 1;
        _words.Add(new(_characters.Count, word.Length));
        _characters.AddRange(word);
        slot = new(hash, _words.Count);
        if (2 * _words.Count > _capacity) Grow();
        return _words.Count - 1;
    }

    int SlotOf(ReadOnlySpan<char> word, uint hash)
    {
        var slots = _slots.AsSpan(0, _capacity);
        var words = CollectionsMarshal.AsSpan(_words);
        var characters = CollectionsMarshal.AsSpan(_characters);
        for (var at = (int)hash & (slots.Length - 1); ; at = (at + 1) & (slots.Length - 1))
        {
            var slot = slots[at];
            if (slot.Number == 0) return at;
            if (slot.Hash != hash) continue;
            var known = words[slot.Number - 1];
            if (characters.Slice(known.Start, known.Length).SequenceEqual(word)) return at;
        }
    }

    void Grow()
    {
        var old = _slots.AsSpan(0, _capacity).ToArray();
        _capacity *= 2;
        if (_slots.Length < _capacity) _slots = new Slot[_capacity];
        else Array.Clear(_slots, 0, _capacity);
        foreach (var slot in old)
        {
            if (slot.Number == 0) continue;
            var at = (int)slot.Hash & (_capacity - 1);
            while (_slots[at].Number > 0) at = (at + 1) & (_capacity - 1);
            _slots[at] = slot;
        }
    }

    static uint Hash(ReadOnlySpan<char> word)
    {
        const ulong Multiplier = 0x9E3779B97F4A7C15;
        var hash = (ulong)word.Length;
        for (; word.Length >= 4; word = word[4..])
            hash = (BitOperations.RotateLeft(hash, 29) ^ MemoryMarshal.Read<ulong>(MemoryMarshal.AsBytes(word))) * Multiplier;
        foreach (var c in word) hash = (BitOperations.RotateLeft(hash, 29) ^ c) * Multiplier;
        return (uint)(hash >> 32);
    }

    readonly record struct Word(int Start, int Length);

    readonly record struct Slot(uint Hash, int Number);
}
