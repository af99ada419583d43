using System.Globalization;

namespace Raijin.DeepSpeed;

/// <summary>Rows of the table, made from few words: <c>"name default"</c>, several between semicolons; the kind follows from the default.</summary>
sealed class KeyRows(string section)
{
    readonly List<DeepSpeedKey> _keys = [];

    /// <summary>The rows.</summary>
    public IReadOnlyList<DeepSpeedKey> Keys => _keys;

    /// <summary>Keys that become options.</summary>
    public KeyRows Honoured(string names, string becomes, string note, ValueKind? kind = null, double min = double.NegativeInfinity, double max = double.PositiveInfinity, string choices = "", string old = "") =>
        Add(KeyClass.Honoured, names, becomes, note, kind, min, max, choices, old);

    /// <summary>Keys that change nothing.</summary>
    public KeyRows NoEffect(string names, string note, ValueKind? kind = null, string becomes = "–", double min = double.NegativeInfinity, double max = double.PositiveInfinity, string choices = "", string old = "") =>
        Add(KeyClass.NoEffect, names, becomes, note, kind, min, max, choices, old);

    /// <summary>Keys that ask for what is not there.</summary>
    public KeyRows NotAvailable(string names, string instead, string note, ValueKind? kind = null, string choices = "", string old = "") =>
        Add(KeyClass.NotAvailable, names, instead, note, kind, double.NegativeInfinity, double.PositiveInfinity, choices, old);

    KeyRows Add(KeyClass @class, string names, string becomes, string note, ValueKind? kind, double min, double max, string choices, string old)
    {
        foreach (var entry in names.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var space = entry.IndexOf(' ', StringComparison.Ordinal);
            var (name, value) = space < 0 ? (entry, "null") : (entry[..space], entry[(space + 1)..].Trim());
            _keys.Add(new DeepSpeedKey(section.Length == 0 ? name : $"{section}.{name}", @class, kind ?? KindOf(value), value, becomes, note)
            {
                Min = min,
                Max = max,
                Choices = choices.Split(' ', StringSplitOptions.RemoveEmptyEntries),
                OldNames = old.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            });
        }
        return this;
    }

    static ValueKind KindOf(string value) =>
        value is "true" or "false" ? ValueKind.Flag
        : value is "null" ? ValueKind.Any
        : value.StartsWith('[') ? ValueKind.List
        : value.StartsWith('{') ? ValueKind.Open
        : double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _) ? (value.Contains('.', StringComparison.Ordinal) || value.Contains("e-", StringComparison.Ordinal) ? ValueKind.Number : ValueKind.Whole)
        : ValueKind.Text;
}
