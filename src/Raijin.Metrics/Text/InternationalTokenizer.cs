// The three substitutions of mteval-v14, one after the other; as in MtevalTokenizer, a match takes both its characters. Here these are code
// points, by Unicode's categories N (numerals), P (punctuation) and S (symbols).

using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Raijin.Metrics;

/// <summary>mteval-v14's international tokenization.</summary>
sealed record InternationalTokenizer : TextTokenizer
{
    enum CharKind : byte
    {
        Other,
        Numeral,
        Punctuation,
        Symbol,
    }

    static readonly CharKind[] Latin = [.. Enumerable.Range(0, 256).Select(c => KindOf(CharUnicodeInfo.GetUnicodeCategory(c)))];

    internal override void Split(ReadOnlySpan<char> text, WordSink words)
    {
        CodePoints.Read(text, whitespace: true, words.FrontPoints);
        SeparateAfterOther(CollectionsMarshal.AsSpan(words.FrontPoints), words.BackPoints);
        SeparateBeforeOther(CollectionsMarshal.AsSpan(words.BackPoints), words.FrontPoints);
        words.AddWords(SeparateSymbols(CollectionsMarshal.AsSpan(words.FrontPoints), words.Front));
    }

    // Punctuation after anything but a numeral.
    static void SeparateAfterOther(ReadOnlySpan<int> text, List<int> into)
    {
        into.Clear();
        for (var i = 0; i < text.Length; i++)
        {
            into.Add(text[i]);
            if (i + 1 == text.Length || KindOf(text[i + 1]) != CharKind.Punctuation || KindOf(text[i]) == CharKind.Numeral) continue;
            into.Add(' ');
            into.Add(text[++i]);
            into.Add(' ');
        }
    }

    // Punctuation before anything but a numeral.
    static void SeparateBeforeOther(ReadOnlySpan<int> text, List<int> into)
    {
        into.Clear();
        for (var i = 0; i < text.Length; i++)
        {
            if (i + 1 == text.Length || KindOf(text[i]) != CharKind.Punctuation || KindOf(text[i + 1]) == CharKind.Numeral)
            {
                into.Add(text[i]);
                continue;
            }
            into.Add(' ');
            into.Add(text[i]);
            into.Add(' ');
            into.Add(text[++i]);
        }
    }

    static ReadOnlySpan<char> SeparateSymbols(ReadOnlySpan<int> text, List<char> into)
    {
        CollectionsMarshal.SetCount(into, 4 * text.Length);
        var room = CollectionsMarshal.AsSpan(into);
        var count = 0;
        foreach (var point in text)
        {
            var symbol = KindOf(point) == CharKind.Symbol;
            if (symbol) room[count++] = ' ';
            if (Rune.TryCreate(point, out var rune)) count += rune.EncodeToUtf16(room[count..]);
            else room[count++] = (char)point;
            if (symbol) room[count++] = ' ';
        }
        return room[..count];
    }

    static CharKind KindOf(int point) => point < Latin.Length ? Latin[point] : KindOf(CharUnicodeInfo.GetUnicodeCategory(point));

    static CharKind KindOf(UnicodeCategory category) => category switch
    {
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharKind.Numeral,
        >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation => CharKind.Punctuation,
        >= UnicodeCategory.MathSymbol and <= UnicodeCategory.OtherSymbol => CharKind.Symbol,
        _ => CharKind.Other,
    };
}
