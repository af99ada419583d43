using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Serialization;
using Raijin.Training;

namespace Raijin;

/// <summary>How many batches of a loader are used. As text: <c>none</c>, <c>100 batches</c>, <c>25%</c>.</summary>
[JsonConverter(typeof(ScalarTextConverter<Limit>))]
public readonly record struct Limit : IParsable<Limit>
{
    readonly long _batches;
    readonly double _fraction;

    Limit(long batches, double fraction) => (_batches, _fraction) = (batches, fraction);

    /// <summary>All batches.</summary>
    public static Limit None => default;

    /// <summary>The first <paramref name="count"/> batches of each epoch.</summary>
    public static Limit Batches(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return new(count, 0);
    }

    /// <summary>The first share of each epoch, at least one batch.</summary>
    /// <param name="share">In (0, 1].</param>
    public static Limit Fraction(double share)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1.0);
        return new(0, share);
    }

    /// <summary>Whether it is no limit.</summary>
    public bool IsNone => _batches == 0 && _fraction == 0;

    /// <summary>Whether it is a share, which only a loader of known length can have.</summary>
    public bool IsFraction => _fraction > 0;

    /// <summary>Batches to use of a loader with <paramref name="available"/> batches (null: unknown). Null: no bound.</summary>
    public long? Apply(long? available) =>
        _batches > 0 ? Math.Min(_batches, available ?? long.MaxValue)
        : _fraction > 0 && available is { } n ? Math.Max(1, (long)(n * _fraction))
        : available;

    /// <inheritdoc/>
    public override string ToString() =>
        _batches > 0 ? string.Create(CultureInfo.InvariantCulture, $"{_batches} {(_batches == 1 ? "batch" : "batches")}")
        : _fraction > 0 ? string.Create(CultureInfo.InvariantCulture, $"{_fraction * 100:0.######}%") : "none";

    /// <inheritdoc/>
    public static Limit Parse(string s, IFormatProvider? provider) => TryParse(s, provider, out var result)
        ? result
        : throw new FormatException($"\"{s}\" is not a limit: write none, 100 batches or 25%.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Limit result)
    {
        result = default;
        var text = (s ?? "").Trim();
        if (text == "none") return true;
        if (text.EndsWith('%'))
        {
            if (!double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var percent)) return false;
            if (!(percent > 0 && percent <= 100)) return false;
            result = Fraction(percent / 100);
            return true;
        }
        if (text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var number, "batch" or "batches"]) return false;
        if (!long.TryParse(number, NumberStyles.Integer, CultureInfo.InvariantCulture, out var count) || count <= 0) return false;
        result = Batches(count);
        return true;
    }
}
