using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Raijin.App;

/// <summary>The numbers an option may have, as a <see cref="RangeAttribute"/> of its property says.</summary>
sealed record NumberRange(double Least, double Most, bool LeastIsOut, bool MostIsOut)
{
    /// <summary>The range of an attribute. The bounds of its type (<c>int.MaxValue</c>, <c>double.PositiveInfinity</c>) are no bounds.</summary>
    public static NumberRange Of(RangeAttribute range)
    {
        var least = Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture);
        var most = Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture);
        return new(
            least is int.MinValue or <= long.MinValue ? double.NegativeInfinity : least,
            most is int.MaxValue or >= long.MaxValue ? double.PositiveInfinity : most,
            range.MinimumIsExclusive,
            range.MaximumIsExclusive);
    }

    /// <summary>What is wrong with a number, or with one of a list of them; null when nothing is.</summary>
    public string? Fault(object value) => value is System.Collections.IEnumerable list
        ? list.Cast<object>().Select(Fault).FirstOrDefault(fault => fault is not null)
        : Holds(Convert.ToDouble(value, CultureInfo.InvariantCulture)) ? null : string.Create(CultureInfo.InvariantCulture, $"= {value}; allowed: {this}");

    /// <summary>Adds the bounds to a JSON schema.</summary>
    public void AddTo(JsonObject schema)
    {
        var target = schema["items"] as JsonObject ?? schema;
        if (double.IsFinite(Least)) target[LeastIsOut ? "exclusiveMinimum" : "minimum"] = Least;
        if (double.IsFinite(Most)) target[MostIsOut ? "exclusiveMaximum" : "maximum"] = Most;
    }

    /// <summary>The range in words: <c>0 and more, below 1</c>.</summary>
    public override string ToString()
    {
        var least = double.IsFinite(Least) ? string.Create(CultureInfo.InvariantCulture, $"{(LeastIsOut ? "above " : "")}{Least}{(LeastIsOut ? "" : " and more")}") : null;
        var most = double.IsFinite(Most) ? string.Create(CultureInfo.InvariantCulture, $"{(MostIsOut ? "below " : "at most ")}{Most}") : null;
        return string.Join(", ", new[] { least, most }.OfType<string>());
    }

    bool Holds(double value) => (LeastIsOut ? value > Least : value >= Least) && (MostIsOut ? value < Most : value <= Most);
}
