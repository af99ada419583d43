// The substitutions of mteval, one after the other as the scripts have them: each walks the text once and sees the spaces that those before
// it put in. A match takes both its characters, so what follows a match is not looked at again; that is kept.

using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>mteval-v13a, and sacreBLEU's Chinese one, which separates Chinese characters first and then does the same.</summary>
sealed record MtevalTokenizer(bool SeparatesChinese) : TextTokenizer
{
    internal override void Split(ReadOnlySpan<char> text, WordSink words)
    {
        if (SeparatesChinese)
        {
            var separated = SeparateChinese(Trim(text), words.Back);
            Finish(separated, words, padded: false);
        }
        else if (text.ContainsAny('\n', '&') || text.Contains("<skipped>", StringComparison.Ordinal))
        {
            Finish(Resolve(new string(text)), words, padded: true);
        }
        else
        {
            Finish(text, words, padded: true);
        }
    }

    static string Resolve(string text) => text
        .Replace("<skipped>", "", StringComparison.Ordinal).Replace("-\n", "", StringComparison.Ordinal).Replace('\n', ' ')
        .Replace("&quot;", "\"", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal)
        .Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal);

    static void Finish(ReadOnlySpan<char> text, WordSink words, bool padded)
    {
        var separated = SeparateSigns(text, words.Front, padded);
        var afterOther = SeparateAfterOther(separated, words.Back);
        var beforeOther = SeparateBeforeOther(afterOther, words.Front);
        words.AddWords(SeparateDashes(beforeOther, words.Back));
    }

    static ReadOnlySpan<char> SeparateSigns(ReadOnlySpan<char> text, List<char> into, bool padded)
    {
        var output = new Output(into, 3 * text.Length + 2);
        if (padded) output.Add(' ');
        foreach (var c in text)
        {
            if (IsSign(c)) output.AddAlone(c);
            else output.Add(c);
        }
        if (padded) output.Add(' ');
        return output.Text;
    }

    // A point or comma after anything but a digit.
    static ReadOnlySpan<char> SeparateAfterOther(ReadOnlySpan<char> text, List<char> into)
    {
        var output = new Output(into, 2 * text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            output.Add(text[i]);
            if (char.IsAsciiDigit(text[i]) || i + 1 == text.Length || text[i + 1] is not ('.' or ',')) continue;
            output.AddAlone(text[++i]);
        }
        return output.Text;
    }

    // A point or comma before anything but a digit.
    static ReadOnlySpan<char> SeparateBeforeOther(ReadOnlySpan<char> text, List<char> into)
    {
        var output = new Output(into, 3 * text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('.' or ',') || i + 1 == text.Length || char.IsAsciiDigit(text[i + 1]))
            {
                output.Add(text[i]);
                continue;
            }
            output.AddAlone(text[i]);
            output.Add(text[++i]);
        }
        return output.Text;
    }

    static ReadOnlySpan<char> SeparateDashes(ReadOnlySpan<char> text, List<char> into)
    {
        var output = new Output(into, 2 * text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            output.Add(text[i]);
            if (!char.IsAsciiDigit(text[i]) || i + 1 == text.Length || text[i + 1] != '-') continue;
            output.AddAlone(text[++i]);
        }
        return output.Text;
    }

    static ReadOnlySpan<char> SeparateChinese(ReadOnlySpan<char> text, List<char> into)
    {
        var output = new Output(into, 3 * text.Length);
        foreach (var c in text)
        {
            if (IsChinese(c)) output.AddAlone(c);
            else output.Add(c);
        }
        return output.Text;
    }

    static ReadOnlySpan<char> Trim(ReadOnlySpan<char> text)
    {
        while (text.Length > 0 && CodePoints.IsSpace(text[0])) text = text[1..];
        while (text.Length > 0 && CodePoints.IsSpace(text[^1])) text = text[..^1];
        return text;
    }

    // The printable signs of ASCII but ' , - and . which the other rules treat.
    static bool IsSign(char c) => c is (>= ' ' and <= '&') or (>= '(' and <= '+') or '/' or (>= ':' and <= '@') or (>= '[' and <= '`') or (>= '{' and <= '~');

    static bool IsChinese(char c) => c is (> '\u2000' and <= '\u2a6d') or (>= '\u2e80' and <= '\u2fdf') or (>= '\u2ff0' and <= '\u303f') or (>= '\u3100' and <= '\u312f')
        or (>= '\u31a0' and <= '\u31bf') or (>= '\u31c0' and <= '\u31ef') or (>= '\u3200' and <= '\u4db5') or (>= '\u4e00' and <= '\u9fbb')
        or (>= '\uf900' and <= '\ufa2d') or (>= '\ufa30' and <= '\ufa6a') or (>= '\ufa70' and <= '\ufad9')
        or (>= '\ufe10' and <= '\ufe1f') or (>= '\ufe30' and <= '\ufe4f') or (>= '\uff00' and <= '\uffef');

    ref struct Output
    {
        readonly List<char> _into;
        readonly Span<char> _room;
        int _count;

        public Output(List<char> into, int room)
        {
            CollectionsMarshal.SetCount(into, room);
            _into = into;
            _room = CollectionsMarshal.AsSpan(into);
        }

        public readonly ReadOnlySpan<char> Text => _room[.._count];

        public void Add(char c) => _room[_count++] = c;

        public void AddAlone(char c)
        {
            Add(' ');
            Add(c);
            Add(' ');
        }
    }
}
