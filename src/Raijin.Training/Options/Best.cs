using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Raijin.Training;

namespace Raijin;

/// <summary>A metric and which way is better. As text: <c>max val/accuracy</c>, <c>min val/loss</c>.</summary>
[JsonConverter(typeof(ScalarTextConverter<Best>))]
public sealed record Best : IParsable<Best>
{
    Best(string metric, bool higherIsBetter) => (Metric, HigherIsBetter) = (metric, higherIsBetter);

    /// <summary>The logged name, such as <c>val/accuracy</c>.</summary>
    public string Metric { get; }

    /// <summary>Whether a larger value is better.</summary>
    public bool HigherIsBetter { get; }

    /// <summary>The larger the better.</summary>
    public static Best Max(string metric) => new(Named(metric), true);

    /// <summary>The smaller the better.</summary>
    public static Best Min(string metric) => new(Named(metric), false);

    /// <summary>Whether <paramref name="value"/> beats <paramref name="than"/> by more than <paramref name="minDelta"/>. NaN never does; anything beats nothing.</summary>
    public bool IsBetter(double value, double? than, double minDelta = 0)
    {
        if (double.IsNaN(value)) return false;
        if (than is not { } other || double.IsNaN(other)) return true;
        return HigherIsBetter ? value > other + minDelta : value < other - minDelta;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{(HigherIsBetter ? "max" : "min")} {Metric}";

    /// <inheritdoc/>
    public static Best Parse(string s, IFormatProvider? provider) => TryParse(s, provider, out var result)
        ? result
        : throw new FormatException($"\"{s}\" is not something to watch: write max val/accuracy or min val/loss.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out Best result)
    {
        result = (s ?? "").Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries) switch
        {
            ["max", var metric] => Max(metric),
            ["min", var metric] => Min(metric),
            _ => null,
        };
        return result is not null;
    }

    static string Named(string metric)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(metric);
        return metric;
    }
}
