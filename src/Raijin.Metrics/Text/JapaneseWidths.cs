// What Unicode's NFKC does to Japanese text, as far as widths go: full-width Latin and half-width kana become the common ones, and a kana followed
// by a sign of voice becomes one character. Tables of our own, as string.Normalize leaves texts as they are where globalization is invariant.

using System.Text;

namespace Raijin.Metrics;

/// <summary>Makes characters of different widths that look the same the same.</summary>
static class JapaneseWidths
{
    const char Voiced = '\u3099';
    const char HalfVoiced = '\u309a';

    // From U+FF61 on.
    const string Kana = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u3099\u309a";

    // Followed by a sign of voice they become the next character, or the one after it for the half-voiced.
    const string Voiceable = "かきくけこさしすせそたちつてとはひふへほゝカキクケコサシスセソタチツテトハヒフヘホヽ";
    const string HalfVoiceable = "はひふへほハヒフヘホ";

    public static string Unify(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var original in text)
        {
            // Signs of voice, and the macron, that have a width of their own stand on a blank.
            if (original is '\u309b' or '\u309c' or '\uffe3') result.Append(' ');
            var c = Common(original);
            var last = result.Length > 0 ? result[^1] : '\0';
            if (c == Voiced && WithVoice(last) is { } voiced) result[^1] = voiced;
            else if (c == HalfVoiced && HalfVoiceable.Contains(last)) result[^1] = (char)(last + 2);
            else result.Append(c);
        }
        return result.ToString();
    }

    static char Common(char c) => c switch
    {
        '\u3000' => ' ',
        >= '\uff01' and <= '\uff5e' => (char)(c - 0xfee0),
        >= '\uff5f' and <= '\uff60' => (char)(c - 0xff5f + 0x2985),
        >= '\uff61' and <= '\uff9f' => Kana[c - 0xff61],
        '\u309b' => Voiced,
        '\u309c' => HalfVoiced,
        '\uffe3' => '\u0304',
        '\uffe0' => '¢',
        '\uffe1' => '£',
        '\uffe2' => '¬',
        '\uffe4' => '¦',
        '\uffe5' => '¥',
        '\uffe6' => '₩',
        _ => c,
    };

    static char? WithVoice(char c) => c switch
    {
        'う' => 'ゔ',
        'ウ' => 'ヴ',
        >= 'ワ' and <= 'ヲ' => (char)(c + 8),
        _ when Voiceable.Contains(c) => (char)(c + 1),
        _ => null,
    };
}
