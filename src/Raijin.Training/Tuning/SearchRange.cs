using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Raijin;

/// <summary>
/// Which values of one option a search may try. As text: <c>64,128,256</c> (one of these), <c>0.1..0.9</c>, <c>1..8</c> (whole, both ends included), <c>log:1e-4..1e-1</c>,
/// <c>log:16..1024</c> (whole).
/// </summary>
public sealed record SearchRange : IParsable<SearchRange>
{
    readonly double _low;
    readonly double _high;
    readonly bool _logarithmic;
    readonly bool _whole;
    readonly IReadOnlyList<string> _choices = [];

    SearchRange(IReadOnlyList<string> choices) => _choices = choices;

    SearchRange(double low, double high, bool logarithmic, bool whole) => (_low, _high, _logarithmic, _whole) = (low, high, logarithmic, whole);

    /// <summary>One of these, none nearer to another.</summary>
    /// <exception cref="ArgumentException">None, or one twice.</exception>
    public static SearchRange Choice(params IReadOnlyList<string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Count == 0 || values.Distinct().Count() != values.Count) throw new ArgumentException($"[{string.Join(", ", values)}] can't be a choice: give at least one value, each once.", nameof(values));
        return new([.. values]);
    }

    /// <summary>Any number from <paramref name="low"/> to <paramref name="high"/>, all as likely.</summary>
    public static SearchRange Uniform(double low, double high) => new(low, Above(low, high), logarithmic: false, whole: false);

    /// <summary>Any number from <paramref name="low"/> to <paramref name="high"/>, each factor as likely: for learning rates and the like.</summary>
    /// <param name="low">Above zero.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    public static SearchRange Log(double low, double high)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(low);
        return new(low, Above(low, high), logarithmic: true, whole: false);
    }

    /// <summary>Any whole number from <paramref name="low"/> to <paramref name="high"/>, both included, all as likely.</summary>
    public static SearchRange Whole(long low, long high) => new(low, Above(low, high), logarithmic: false, whole: true);

    /// <summary>Any whole number from <paramref name="low"/> to <paramref name="high"/>, both included, each factor as likely: for sizes of layers and batches.</summary>
    public static SearchRange LogWhole(long low, long high)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(low);
        return new(low, Above(low, high), logarithmic: true, whole: true);
    }

    /// <summary>The values there are, of a range that has no order; else empty.</summary>
    public IReadOnlyList<string> Choices => _choices;

    /// <summary>The value at the low end, or the first choice.</summary>
    public string First => At(0);

    /// <summary>The value at the high end, or the last choice.</summary>
    public string Last => At(1);

    /// <summary>Whether the axis of the range is logarithmic.</summary>
    public bool IsLogarithmic => _logarithmic;

    /// <summary>The value at a place of the range.</summary>
    /// <param name="place">In [0, 1]: 0 is the low end, 1 the high end.</param>
    internal string At(double place)
    {
        if (_choices.Count > 0) return _choices[Math.Min(_choices.Count - 1, (int)(place * _choices.Count))];
        // Every whole number has the same room, those at the ends too.
        var (low, high) = _whole ? (_low - 0.5, _high + 0.5) : (_low, _high);
        var value = _logarithmic ? low * Math.Pow(high / low, place) : low + (high - low) * place;
        return _whole
            ? ((long)Math.Clamp(Math.Round(value, MidpointRounding.AwayFromZero), _low, _high)).ToString(CultureInfo.InvariantCulture)
            : Math.Clamp(value, _low, _high).ToString("R", CultureInfo.InvariantCulture);
    }

    /// <summary>Where a value lies in the range, in [0, 1]; the middle of its room for one of several.</summary>
    internal double PlaceOf(string value)
    {
        if (_choices.Count > 0) return (IndexOf(value) + 0.5) / _choices.Count;
        var number = double.Parse(value, CultureInfo.InvariantCulture);
        var (low, high) = _whole ? (_low - 0.5, _high + 0.5) : (_low, _high);
        return Math.Clamp(_logarithmic ? Math.Log(number / low) / Math.Log(high / low) : (number - low) / (high - low), 0, 1);
    }

    /// <summary>The position of a choice.</summary>
    /// <exception cref="ArgumentException">It is none of them.</exception>
    public int IndexOf(string value)
    {
        for (var i = 0; i < _choices.Count; i++) if (_choices[i] == value) return i;
        throw new ArgumentException($"\"{value}\" is none of {this}.", nameof(value));
    }

    /// <summary>Values spread over the whole range: each choice, or <paramref name="points"/> places at equal distances, whole ones once each.</summary>
    internal IReadOnlyList<string> Grid(int points)
    {
        if (_choices.Count > 0) return _choices;
        if (_whole && _high - _low < points) return [.. Enumerable.Range(0, (int)(_high - _low) + 1).Select(i => ((long)_low + i).ToString(CultureInfo.InvariantCulture))];
        return [.. Enumerable.Range(0, points).Select(i => At(points == 1 ? 0.5 : (double)i / (points - 1))).Distinct()];
    }

    /// <inheritdoc/>
    public bool Equals(SearchRange? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString()
    {
        if (_choices.Count > 0) return string.Join(',', _choices);
        return $"{(_logarithmic ? "log:" : "")}{Number(_low)}..{Number(_high)}";
    }

    /// <inheritdoc/>
    public static SearchRange Parse(string s, IFormatProvider? provider) => TryParse(s, provider, out var result)
        ? result
        : throw new FormatException($"\"{s}\" is not a range: write 64,128,256 or 0.1..0.9 or 1..8 or log:1e-4..1e-1, the low end first.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out SearchRange result)
    {
        result = null;
        var text = (s ?? "").Trim();
        var logarithmic = text.StartsWith("log:", StringComparison.Ordinal);
        if (logarithmic) text = text[4..];
        if (text.Split("..") is [var from, var to])
        {
            if (!double.TryParse(from, NumberStyles.Float, CultureInfo.InvariantCulture, out var low) || !double.TryParse(to, NumberStyles.Float, CultureInfo.InvariantCulture, out var high)) return false;
            if (!double.IsFinite(low) || !double.IsFinite(high) || low >= high || (logarithmic && low <= 0)) return false;
            var whole = long.TryParse(from, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) && long.TryParse(to, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
            result = new(low, high, logarithmic, whole);
            return true;
        }
        var values = text.Split(',', StringSplitOptions.TrimEntries);
        if (logarithmic || values.Contains("") || values.Distinct().Count() != values.Length) return false;
        result = new(values);
        return true;
    }

    string Number(double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        // 1..8 would be whole: a range of all numbers shows it in its ends.
        return _whole || text.AsSpan().ContainsAny('.', 'E', 'e') ? text : text + ".0";
    }

    static double Above(double low, double high)
    {
        if (!double.IsFinite(low) || !double.IsFinite(high) || low >= high)
            throw new ArgumentOutOfRangeException(nameof(high), high, string.Create(CultureInfo.InvariantCulture, $"A range goes from its low end up to its high end: {low} to {high} does not."));
        return high;
    }
}
