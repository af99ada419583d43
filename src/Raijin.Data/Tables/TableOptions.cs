namespace Raijin;

/// <summary>How a table is read from a file.</summary>
public sealed record TableOptions
{
    /// <summary>
    /// The columns to read, in this order; the others cost no memory. <value>Default null: all, in the file's order.</value>
    /// </summary>
    public IReadOnlyList<string>? Only { get; init; }

    /// <summary>
    /// Types of columns, by name. A CSV column that is not named gets the narrowest of Integer, Number, Date and Text that fits all its values;
    /// whole numbers with leading zeros (<c>007</c>) are Text. A Parquet column has the file's type: here it is what
    /// is expected, and an Integer may be read as Number. <value>Default: none.</value>
    /// </summary>
    public IReadOnlyDictionary<string, ColumnType> Types { get; init; } = new Dictionary<string, ColumnType>();

    /// <summary>
    /// CSV: what stands between values. <value>Default null: found in the first line, of <c>;</c> tab <c>,</c> <c>|</c>.</value>
    /// </summary>
    public char? Separator { get; init; }

    /// <summary>CSV: whether the first line names the columns; else they are <c>column1</c>, <c>column2</c>, …. <value>Default true.</value></summary>
    public bool HasHeader { get; init; } = true;

    /// <summary>CSV: texts that mean a missing value. <value>Default: nothing, NA, N/A, NaN, nan, null, NULL, ?.</value></summary>
    public IReadOnlyList<string> Missing { get; init; } = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"];

    /// <summary>The most rows. <value>Default 100 million.</value></summary>
    public int MaxRows { get; init; } = 100_000_000;

    /// <summary>The most different texts of one column. <value>Default 1 million.</value></summary>
    public int MaxDistinct { get; init; } = 1_000_000;

    /// <summary>The most characters of one text. <value>Default 65,536.</value></summary>
    public int MaxTextLength { get; init; } = 65_536;

    internal void ThrowIfInvalid()
    {
        var faults = new List<OptionFault>();
        if (Only is { Count: 0 }) faults.Add(new("table.only", "names no column; leave it out to read all"));
        if (Only is not null && Only.Distinct(StringComparer.Ordinal).Count() < Only.Count) faults.Add(new("table.only", "names a column twice"));
        if (Separator is '"' or '\n' or '\r') faults.Add(new("table.separator", "is a quote or a line ending; give another character"));
        foreach (var (name, value) in new[] { ("maxRows", MaxRows), ("maxDistinct", MaxDistinct), ("maxTextLength", MaxTextLength) })
            if (value <= 0) faults.Add(new($"table.{name}", FormattableString.Invariant($"= {value}; give 1 or more")));
        InvalidOptionsException.ThrowIfAny(faults);
    }

    // Which of the file's columns are read, by their number in it; refuses names that it does not have.
    internal int[] Choose(string path, IReadOnlyList<string> columns)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < columns.Count; i++)
        {
            if (columns[i].Length == 0) throw new InvalidDataException($"{path}: column {i + 1} has no name. Name it, or read the file without a header.");
            if (!numbers.TryAdd(columns[i], i)) throw new InvalidDataException($"{path}: columns {numbers[columns[i]] + 1} and {i + 1} are both named \"{columns[i]}\"; rename one.");
        }
        var faults = new List<OptionFault>();
        AddUnknown("table.only", Only ?? []);
        AddUnknown("table.types", Types.Keys);
        InvalidOptionsException.ThrowIfAny(faults);
        return Only is null ? [.. Enumerable.Range(0, columns.Count)] : [.. Only.Select(name => numbers[name])];

        void AddUnknown(string key, IEnumerable<string> names)
        {
            foreach (var name in names)
                if (!numbers.ContainsKey(name)) faults.Add(new(key, $"names \"{name}\", but {path} has {string.Join(", ", columns.Take(20))}{(columns.Count > 20 ? ", …" : "")}"));
        }
    }
}
