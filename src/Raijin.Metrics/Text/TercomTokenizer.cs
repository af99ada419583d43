// What tercom calls normalisation, as sacreBLEU has it: the rules apply one after the other to the whole text, and each sees the spaces that
// those before it put in.

using System.Text;
using System.Text.RegularExpressions;

namespace Raijin.Metrics;

/// <summary>How <see cref="TranslationEditRate"/> reads a text.</summary>
sealed partial record TercomTokenizer(bool Normalize, bool NoPunctuation, bool Lowercase, bool AsianSupport)
{
    /// <summary>The text whose words, which white space separates, are counted.</summary>
    public string Prepare(string text)
    {
        text = text.TrimEnd();
        if (Lowercase) text = text.ToLowerInvariant();
        if (Normalize) text = SplitWestern(text);
        if (Normalize && AsianSupport) text = Surround(text, IsAsian);
        if (NoPunctuation) text = Remove(text, AsianSupport ? c => IsPunctuation(c) || IsAsianPunctuation(c) : IsPunctuation);
        return text;
    }

    static string SplitWestern(string text)
    {
        text = text.Replace("\n-", "", StringComparison.Ordinal).Replace('\n', ' ')
            .Replace("&quot;", "\"", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal)
            .Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal);
        text = Surround($" {text} ", IsWesternSymbol).Replace("'s ", " 's ", StringComparison.Ordinal);
        text = PointAfterOther().Replace(text, "$1 $2 ");
        text = PointBeforeOther().Replace(text, " $1 $2");
        return DashAfterDigit().Replace(text, "$1 - ");
    }

    // The printable signs of ASCII but ' , - and . which the rules after this one treat.
    static bool IsWesternSymbol(char c) => c is (>= ' ' and <= '&') or (>= '(' and <= '+') or '/' or (>= ':' and <= '@') or (>= '[' and <= '`') or (>= '{' and <= '~');

    // Ideographs, radicals, strokes, enclosed and compatible forms, and the punctuation. Kana stay together, as sacreBLEU leaves them.
    static bool IsAsian(char c) => IsAsianPunctuation(c) || c is (>= '\u2e80' and <= '\u2eff') or (>= '\u31c0' and <= '\u31ef')
        or (>= '\u3200' and <= '\u4dbf') or (>= '\u4e00' and <= '\u9fff') or (>= '\uf900' and <= '\ufaff') or (>= '\ufe30' and <= '\ufe4f');

    static bool IsPunctuation(char c) => c is '.' or ',' or '?' or ':' or ';' or '!' or '"' or '(' or ')';

    static bool IsAsianPunctuation(char c) => c is '\u3001' or '\u3002' or (>= '\u3008' and <= '\u3011') or (>= '\u3014' and <= '\u301f') or (>= '\uff61' and <= '\uff65')
        or '\u30fb' or '\uff0e' or '\uff0c' or '\uff1f' or '\uff1a' or '\uff1b' or '\uff01' or '\uff02' or '\uff08' or '\uff09';

    static string Surround(string text, Func<char, bool> chosen)
    {
        var result = new StringBuilder(text.Length + 16);
        foreach (var c in text)
        {
            if (chosen(c)) result.Append(' ').Append(c).Append(' ');
            else result.Append(c);
        }
        return result.ToString();
    }

    static string Remove(string text, Func<char, bool> chosen)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
            if (!chosen(c)) result.Append(c);
        return result.ToString();
    }

    [GeneratedRegex("([^0-9])([.,])")]
    private static partial Regex PointAfterOther();

    [GeneratedRegex("([.,])([^0-9])")]
    private static partial Regex PointBeforeOther();

    [GeneratedRegex("([0-9])-")]
    private static partial Regex DashAfterDigit();
}
