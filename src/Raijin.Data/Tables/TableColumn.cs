using System.Globalization;

namespace Raijin;

/// <summary>What the values of a column are.</summary>
public enum ColumnType
{
    /// <summary>Real numbers, finite.</summary>
    Number,

    /// <summary>Whole numbers of 64 bits; truth values are 0 and 1.</summary>
    Integer,

    /// <summary>Text.</summary>
    Text,

    /// <summary>Moments, as days since 1970-01-01 UTC.</summary>
    Date,
}

/// <summary>One column of a table: a name, a type, and a value or nothing for each row.</summary>
public abstract class TableColumn
{
    private protected TableColumn(string name, ColumnType type)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        (Name, Type) = (name, type);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>What its values are.</summary>
    public ColumnType Type { get; }

    /// <summary>Number of rows.</summary>
    public abstract int Count { get; }

    /// <summary>Whether a row has no value here.</summary>
    /// <param name="row">Row, 0 to <see cref="Count"/> − 1.</param>
    public abstract bool IsMissing(int row);

    /// <summary>A row's value as text, in the invariant culture; null where it is missing.</summary>
    /// <param name="row">Row, 0 to <see cref="Count"/> − 1.</param>
    public abstract string? TextOf(int row);

    /// <summary>Rows without a value.</summary>
    public int NumMissing
    {
        get
        {
            var missing = 0;
            for (var row = 0; row < Count; row++)
                if (IsMissing(row)) missing++;
            return missing;
        }
    }
}

/// <summary>Real numbers, or dates as days since 1970-01-01 UTC; NaN where a value is missing.</summary>
public sealed class NumberColumn : TableColumn
{
    readonly double[] _values;

    /// <summary>Takes the values; the array is used, not copied.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">One a row: finite, or NaN where missing.</param>
    /// <param name="type"><see cref="ColumnType.Number"/> or <see cref="ColumnType.Date"/>.</param>
    /// <exception cref="ArgumentException">An infinite value.</exception>
    public NumberColumn(string name, double[] values, ColumnType type = ColumnType.Number) : base(name, type)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (type is not (ColumnType.Number or ColumnType.Date)) throw new ArgumentOutOfRangeException(nameof(type), type, "Allowed: Number, Date.");
        var infinite = Array.FindIndex(values, double.IsInfinity);
        if (infinite >= 0) throw new ArgumentException($"Column \"{name}\" is infinite at row {infinite}; give finite numbers, and NaN for missing ones.", nameof(values));
        _values = values;
    }

    /// <summary>The values.</summary>
    public ReadOnlySpan<double> Values => _values;

    /// <inheritdoc/>
    public override int Count => _values.Length;

    /// <inheritdoc/>
    public override bool IsMissing(int row) => double.IsNaN(_values[row]);

    /// <inheritdoc/>
    public override string? TextOf(int row) => IsMissing(row) ? null : _values[row].ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>Whole numbers.</summary>
public sealed class IntegerColumn : TableColumn
{
    readonly long[] _values;
    readonly bool[]? _missing;

    /// <summary>Takes the values; the arrays are used, not copied.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">One a row; anything where missing.</param>
    /// <param name="missing">True where a value is missing; null: nowhere.</param>
    public IntegerColumn(string name, long[] values, bool[]? missing = null) : base(name, ColumnType.Integer)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (missing is not null && missing.Length != values.Length)
            throw new ArgumentException($"Column \"{name}\" has {values.Length} values and {missing.Length} flags; give one a row.", nameof(missing));
        (_values, _missing) = (values, missing);
    }

    /// <summary>The values; meaningless where <see cref="TableColumn.IsMissing"/>.</summary>
    public ReadOnlySpan<long> Values => _values;

    /// <inheritdoc/>
    public override int Count => _values.Length;

    /// <inheritdoc/>
    public override bool IsMissing(int row) => _missing is not null && _missing[row];

    /// <inheritdoc/>
    public override string? TextOf(int row) => IsMissing(row) ? null : _values[row].ToString(CultureInfo.InvariantCulture);
}

/// <summary>Text, each different one held once.</summary>
public sealed class TextColumn : TableColumn
{
    readonly int[] _codes;
    readonly string[] _texts;

    internal TextColumn(string name, int[] codes, string[] texts) : base(name, ColumnType.Text) => (_codes, _texts) = (codes, texts);

    /// <summary>Takes the values.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">One a row; null where missing.</param>
    public TextColumn(string name, IReadOnlyList<string?> values) : base(name, ColumnType.Text)
    {
        ArgumentNullException.ThrowIfNull(values);
        var codes = new Dictionary<string, int>(StringComparer.Ordinal);
        _codes = new int[values.Count];
        for (var row = 0; row < _codes.Length; row++)
        {
            if (values[row] is not { } text) _codes[row] = -1;
            else if (!codes.TryGetValue(text, out _codes[row])) codes.Add(text, _codes[row] = codes.Count);
        }
        _texts = [.. codes.Keys];
    }

    /// <summary>The value of a row, or null.</summary>
    public string? this[int row] => _codes[row] is var code and >= 0 ? _texts[code] : null;

    /// <summary>The different texts, by their first row.</summary>
    public IReadOnlyList<string> Distinct => _texts;

    /// <inheritdoc/>
    public override int Count => _codes.Length;

    /// <inheritdoc/>
    public override bool IsMissing(int row) => _codes[row] < 0;

    /// <inheritdoc/>
    public override string? TextOf(int row) => this[row];
}
