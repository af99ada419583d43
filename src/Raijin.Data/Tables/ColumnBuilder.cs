using System.Globalization;

namespace Raijin.Data;

/// <summary>The values of a column as they are read, row by row.</summary>
abstract class ColumnBuilder(string name)
{
    protected string Name => name;

    public static ColumnBuilder Of(string name, ColumnType type, int rows, TableOptions options) => type switch
    {
        ColumnType.Integer => new Integers(name, rows),
        ColumnType.Text => new Texts(name, rows, options),
        _ => new Numbers(name, type, rows),
    };

    /// <summary>Takes a value as text; false when it is none of the column's type. Throws what bounds are exceeded.</summary>
    public abstract bool TryAdd(int row, ReadOnlySpan<char> text);

    public abstract void AddMissing(int row);

    public abstract TableColumn Build();

    public sealed class Numbers(string name, ColumnType type, int rows) : ColumnBuilder(name)
    {
        readonly double[] _values = new double[rows];

        public Span<double> Values => _values;

        public override bool TryAdd(int row, ReadOnlySpan<char> text) => type == ColumnType.Date ? CellText.TryDate(text, out _values[row]) : CellText.TryNumber(text, out _values[row]);

        public override void AddMissing(int row) => _values[row] = double.NaN;

        public override TableColumn Build() => new NumberColumn(Name, _values, type);
    }

    public sealed class Integers(string name, int rows) : ColumnBuilder(name)
    {
        readonly long[] _values = new long[rows];
        bool[]? _missing;

        public Span<long> Values => _values;

        public override bool TryAdd(int row, ReadOnlySpan<char> text) => CellText.TryInteger(text, out _values[row]);

        public override void AddMissing(int row) => (_missing ??= new bool[_values.Length])[row] = true;

        public override TableColumn Build() => new IntegerColumn(Name, _values, _missing);
    }

    public sealed class Texts : ColumnBuilder
    {
        readonly TableOptions _options;
        readonly int[] _codes;
        readonly Dictionary<string, int> _codeOf = new(StringComparer.Ordinal);
        readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _find;

        public Texts(string name, int rows, TableOptions options) : base(name)
        {
            (_options, _codes) = (options, new int[rows]);
            _find = _codeOf.GetAlternateLookup<ReadOnlySpan<char>>();
        }

        public override bool TryAdd(int row, ReadOnlySpan<char> text)
        {
            if (_find.TryGetValue(text, out _codes[row])) return true;
            if (text.Length > _options.MaxTextLength)
                throw new InvalidDataException($"has {text.Length} characters; at most {_options.MaxTextLength} are read. Raise TableOptions.MaxTextLength if it is right.");
            if (_codeOf.Count == _options.MaxDistinct)
                throw new InvalidDataException($"is one different text more than the {_options.MaxDistinct} that a column may have. Leave the column out, or raise TableOptions.MaxDistinct.");
            _codeOf.Add(text.ToString(), _codes[row] = _codeOf.Count);
            return true;
        }

        public override void AddMissing(int row) => _codes[row] = -1;

        public override TableColumn Build() => new TextColumn(Name, _codes, [.. _codeOf.Keys]);
    }
}

/// <summary>Values as they are written in text files, in the invariant culture.</summary>
static class CellText
{
    static readonly string[] DateFormats =
        ["yyyy-MM-dd", "yyyy-MM-ddTHH:mm", "yyyy-MM-dd HH:mm", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK"];

    public static bool TryNumber(ReadOnlySpan<char> text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);

    public static bool TryInteger(ReadOnlySpan<char> text, out long value) =>
        long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out value);

    // Days since 1970-01-01 UTC; a time without a zone is UTC.
    public static bool TryDate(ReadOnlySpan<char> text, out double days)
    {
        var read = DateTime.TryParseExact(
            text, DateFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal | DateTimeStyles.AllowWhiteSpaces, out var date);
        days = Days(date);
        return read;
    }

    public static double Days(DateTime utc) => (utc - DateTime.UnixEpoch).TotalDays;

    // 007 is a name and no number: reading it as 7 would lose what it says.
    public static bool IsPadded(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        if (text is ['-' or '+', ..]) text = text[1..];
        return text is ['0', >= '0' and <= '9', ..];
    }
}
