using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>Numbers the symbols of texts, words or characters, from 0 in the order they come: equal symbols have equal numbers.</summary>
sealed class SymbolTable
{
    readonly Dictionary<string, int> _words = new(StringComparer.Ordinal);
    readonly Dictionary<int, int> _characters = [];
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _spans;

    public SymbolTable() => _spans = _words.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Replaces what is in <paramref name="symbols"/> by the text's words, which white space separates.</summary>
    public ReadOnlySpan<int> Words(ReadOnlySpan<char> text, List<int> symbols)
    {
        symbols.Clear();
        for (var at = 0; at < text.Length;)
        {
            if (char.IsWhiteSpace(text[at]))
            {
                at++;
                continue;
            }
            var end = at + 1;
            while (end < text.Length && !char.IsWhiteSpace(text[end])) end++;
            symbols.Add(Word(text[at..end]));
            at = end;
        }
        return CollectionsMarshal.AsSpan(symbols);
    }

    /// <summary>Replaces what is in <paramref name="symbols"/> by the text's characters, which are code points. Halves of a pair that stand alone all count as one character, U+FFFD.</summary>
    public ReadOnlySpan<int> Characters(ReadOnlySpan<char> text, List<int> symbols)
    {
        symbols.Clear();
        foreach (var rune in text.EnumerateRunes())
        {
            if (!_characters.TryGetValue(rune.Value, out var symbol)) _characters.Add(rune.Value, symbol = _characters.Count);
            symbols.Add(symbol);
        }
        return CollectionsMarshal.AsSpan(symbols);
    }

    int Word(ReadOnlySpan<char> word)
    {
        if (_spans.TryGetValue(word, out var symbol)) return symbol;
        symbol = _words.Count;
        _spans[word] = symbol;
        return symbol;
    }
}
