using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>Texts as Unicode code points, which is what a character is to these metrics: a surrogate pair is one, a combining mark is one.</summary>
static class CodePoints
{
    /// <summary>Whether a character separates words, as Python's <c>str.split</c> has it: Unicode's white space and the four separators of ASCII.</summary>
    public static bool IsSpace(char c) => c < 128 ? c is ' ' or (>= '\t' and <= '\r') or (>= '\x1c' and <= '\x1f') : char.IsWhiteSpace(c);

    /// <summary>Replaces what <paramref name="into"/> holds by the text's code points. A surrogate without its other half is one of its own.</summary>
    /// <param name="text">The text.</param>
    /// <param name="whitespace">Whether white space is kept.</param>
    /// <param name="into">Where they go.</param>
    public static void Read(ReadOnlySpan<char> text, bool whitespace, List<int> into)
    {
        CollectionsMarshal.SetCount(into, text.Length);
        var points = CollectionsMarshal.AsSpan(into);
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                points[count++] = char.ConvertToUtf32(c, text[++i]);
            else if (whitespace || !IsSpace(c))
                points[count++] = c;
        }
        CollectionsMarshal.SetCount(into, count);
    }
}
