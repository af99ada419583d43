using System.Globalization;
using System.Text;

namespace Raijin.Tensors;

/// <summary>The texts of protocol 0.</summary>
static class PickleText
{
    const int Shown = 120;

    public static string Shorten(string text) => text.Length <= Shown ? text : text[..Shown] + "…";

    /// <summary>A quoted string with Python's escapes; null when it is none.</summary>
    public static string? Unquote(string line)
    {
        line = line.TrimEnd();
        if (line.Length < 2 || line[0] is not ('\'' or '"') || line[^1] != line[0]) return null;
        var text = new StringBuilder(line.Length);
        for (var i = 1; i < line.Length - 1; i++)
        {
            if (line[i] != '\\')
            {
                text.Append(line[i]);
                continue;
            }

            if (++i == line.Length - 1) return null;
            switch (line[i])
            {
                case '\\' or '\'' or '"': text.Append(line[i]); break;
                case 'n': text.Append('\n'); break;
                case 't': text.Append('\t'); break;
                case 'r': text.Append('\r'); break;
                case 'x' when i + 2 < line.Length - 1 && TryHex(line.AsSpan(i + 1, 2), out var value):
                    text.Append((char)value);
                    i += 2;
                    break;
                default: return null;
            }
        }

        return text.ToString();
    }

    /// <summary>Latin-1 with <c>\uXXXX</c> and <c>\UXXXXXXXX</c>; null when an escape is broken.</summary>
    public static string? Unescape(string line)
    {
        if (!line.Contains('\\', StringComparison.Ordinal)) return line;
        var text = new StringBuilder(line.Length);
        for (var i = 0; i < line.Length; i++)
        {
            var digits = i + 1 < line.Length && line[i] == '\\' ? line[i + 1] switch { 'u' => 4, 'U' => 8, _ => 0 } : 0;
            if (digits == 0)
            {
                text.Append(line[i]);
                continue;
            }

            if (i + 2 + digits > line.Length || !TryHex(line.AsSpan(i + 2, digits), out var value) || value > 0x10ffff) return null;
            if (value > char.MaxValue) text.Append(char.ConvertFromUtf32((int)value));
            else text.Append((char)value);
            i += 1 + digits;
        }

        return text.ToString();
    }

    /// <summary>The numbers that have names.</summary>
    public static bool TryParseSpecial(string text, out double number)
    {
        number = text switch
        {
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            _ => double.NaN,
        };
        return !double.IsNaN(number) || text is "nan" or "-nan";
    }

    static bool TryHex(ReadOnlySpan<char> digits, out uint value) => uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
