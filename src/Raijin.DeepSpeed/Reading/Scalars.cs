using System.Globalization;

namespace Raijin.DeepSpeed;

/// <summary>Values of a file as DeepSpeed coerces them: a number may stand in quotes, a flag be 0 or 1, a whole number be written 5e8.</summary>
static class Scalars
{
    /// <summary>The largest whole number.</summary>
    const double MaxWhole = long.MaxValue;

    /// <summary>A number in the file's syntax.</summary>
    public static bool TryNumber(string text, out double number) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);

    /// <summary>Takes a scalar as a kind of value.</summary>
    /// <param name="key">What may be.</param>
    /// <param name="scalar">What is.</param>
    /// <param name="value">The value.</param>
    /// <returns>What is wrong; null for nothing.</returns>
    public static string? Take(DeepSpeedKey key, HjsonScalar scalar, out object? value)
    {
        value = null;
        switch (key.Kind)
        {
            case ValueKind.Flag:
                value = scalar.Text switch
                {
                    "true" or "True" or "1" => true,
                    "false" or "False" or "0" => false,
                    _ => null,
                };
                return value is null ? Wrong(key, scalar) : null;

            case ValueKind.Whole or ValueKind.Number:
                if (scalar.Kind is not (HjsonKind.Number or HjsonKind.Text) || !TryNumber(scalar.Text, out var number)) return Wrong(key, scalar);
                if (!double.IsFinite(number)) return $"{Given(scalar)} is beyond every number; allowed: {key.Allowed}";
                if (number < key.Min || number > key.Max) return Wrong(key, scalar);
                if (key.Kind == ValueKind.Number)
                {
                    value = number;
                    return null;
                }
                if (number != Math.Floor(number)) return $"{Given(scalar)} is not whole; allowed: {key.Allowed}";
                // Digits of a long that a double has not.
                if (long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exact)) value = exact;
                else if (Math.Abs(number) < MaxWhole) value = (long)number;
                else return $"{Given(scalar)} is beyond {long.MaxValue.ToString(CultureInfo.InvariantCulture)}";
                return null;

            case ValueKind.Text:
                if (scalar.Kind != HjsonKind.Text) return Wrong(key, scalar);
                if (key.Choices.Count > 0 && !key.Choices.Contains(scalar.Text)) return Wrong(key, scalar);
                value = scalar.Text;
                return null;

            case ValueKind.Any:
                value = scalar.Kind switch
                {
                    HjsonKind.Flag => scalar.Text == "true",
                    HjsonKind.Number when TryNumber(scalar.Text, out var any) => any,
                    _ => scalar.Text,
                };
                return null;

            default: return Wrong(key, scalar);
        }
    }

    static string Wrong(DeepSpeedKey key, HjsonScalar scalar) => $"{Given(scalar)}; allowed: {key.Allowed}";

    static string Given(HjsonScalar scalar)
    {
        var text = scalar.Text.Length <= 40 ? scalar.Text : scalar.Text[..37] + "…";
        return scalar.Kind == HjsonKind.Text ? $"= \"{text}\"" : $"= {text}";
    }
}
