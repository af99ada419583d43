using Raijin.Data;

namespace Raijin;

/// <summary>Rows of named, typed columns in memory: what a CSV or Parquet file holds.</summary>
public sealed class Table
{
    readonly Dictionary<string, TableColumn> _byName = new(StringComparer.Ordinal);

    /// <summary>A table of these columns.</summary>
    /// <param name="columns">At least one, of the same number of rows and different names.</param>
    /// <exception cref="ArgumentException">No column, a name twice, or columns of different length.</exception>
    public Table(params IReadOnlyList<TableColumn> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        if (columns.Count == 0) throw new ArgumentException("A table needs at least one column.", nameof(columns));
        foreach (var column in columns)
        {
            if (!_byName.TryAdd(column.Name, column)) throw new ArgumentException($"Two columns are named \"{column.Name}\"; rename one.", nameof(columns));
            if (column.Count != columns[0].Count)
                throw new ArgumentException($"Column \"{column.Name}\" has {column.Count} rows, but \"{columns[0].Name}\" has {columns[0].Count}.", nameof(columns));
        }
        Columns = [.. columns];
    }

    /// <summary>The columns, in order.</summary>
    public IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>Number of rows.</summary>
    public int Count => Columns[0].Count;

    /// <summary>A column by its name.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public TableColumn this[string name] => _byName.TryGetValue(name, out var column)
        ? column
        : throw new KeyNotFoundException($"There is no column \"{name}\"; there are: {string.Join(", ", Columns.Select(c => c.Name))}.");

    /// <summary>
    /// Reads a CSV file: UTF-8 or with a byte-order mark, quotes <c>"</c> doubled inside quotes, numbers with a decimal point, dates as
    /// <c>yyyy-MM-dd</c> with or without a time. Lines that are empty are left out. The file is read twice, and never in memory as a whole.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to read it; null: the defaults.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="InvalidDataException">A row of another number of values, a value that does not fit its column, a bound exceeded: with line and column.</exception>
    /// <exception cref="InvalidOptionsException">The options name columns that the file does not have, or are wrong.</exception>
    public static Table ReadCsv(string path, TableOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return CsvFile.Read(path, options ?? new(), cancellationToken);
    }

    /// <summary>
    /// Reads a Parquet file of flat columns: truth values and whole numbers as Integer, real and decimal numbers as Number, text as Text,
    /// dates and timestamps as Date. One row group is in memory besides the table.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to read it; null: the defaults.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="InvalidDataException">The file is damaged, a column is nested or of another type than expected, a bound is exceeded.</exception>
    /// <exception cref="InvalidOptionsException">The options name columns that the file does not have, or are wrong.</exception>
    public static Table ReadParquet(string path, TableOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return ParquetFile.Read(path, options ?? new(), cancellationToken);
    }

    /// <summary>
    /// Samples for training of some columns: numbers standardised, categories as codes, fitted on the training part alone.
    /// </summary>
    /// <param name="features">Columns of the inputs, in order.</param>
    /// <param name="target">The column to predict.</param>
    /// <param name="options">How to encode; null: the defaults.</param>
    /// <param name="validation">Share of the rows to validate on, 0 up to 1.</param>
    /// <param name="test">Share of the rows to test on, 0 up to 1.</param>
    /// <param name="seed">Chooses the division.</param>
    /// <returns>The parts, and the encoder to save beside the model: it encodes what is to be predicted.</returns>
    /// <exception cref="InvalidOptionsException">Names every column that is not there or does not fit.</exception>
    /// <exception cref="InvalidDataException">A missing value that the options refuse; names column and row.</exception>
    public TabularData Tabular(
        IReadOnlyList<string> features, Target target, TabularOptions? options = null, double validation = 0, double test = 0, ulong seed = 0)
    {
        var split = new RandomSplit(Count, validation, test, seed);
        var encoder = TabularEncoder.Fit(this, features, target, options, split.Train.Rows);
        return new(encoder.Encode(this).Split(validation, test, seed), encoder);
    }
}
