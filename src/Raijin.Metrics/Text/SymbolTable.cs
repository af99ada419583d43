using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>Numbers the symbols of texts, words or characters, from 0 in the order they come: equal symbols have equal numbers.</summary>
sealed class SymbolTable : WordSink
{
    readonly Vocabulary _words = new();
    readonly Dictionary<int, int> _characters = [];
    List<int> _into = [];

    /// <summary>Replaces what is in <paramref name="symbols"/> by the text's words, which white space separates.</summary>
    public ReadOnlySpan<int> Words(ReadOnlySpan<char> text, List<int> symbols)
    {
        symbols.Clear();
        _into = symbols;
        AddWords(text);
        return CollectionsMarshal.AsSpan(symbols);
    }

    /// <summary>Replaces what is in <paramref name="symbols"/> by the text's characters, which are code points.</summary>
    public ReadOnlySpan<int> Characters(ReadOnlySpan<char> text, List<int> symbols)
    {
        CodePoints.Read(text, whitespace: true, symbols);
        var numbers = CollectionsMarshal.AsSpan(symbols);
        foreach (ref var number in numbers)
        {
            if (!_characters.TryGetValue(number, out var symbol)) _characters.Add(number, symbol = _characters.Count);
            number = symbol;
        }
        return numbers;
    }

    public override void Add(ReadOnlySpan<char> word) => _into.Add(_words.Learn(word));
}
