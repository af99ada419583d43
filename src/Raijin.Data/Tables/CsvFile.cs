// Two passes when types are to be found: the first counts rows and narrows each column's type, the second fills arrays of just that size. So the
// file is never in memory, and no value is kept as text that need not be.

using nietras.SeparatedValues;

namespace Raijin.Data;

/// <summary>Reads a CSV file into a table.</summary>
static class CsvFile
{
    const int LongestShown = 40;
    const int MostColumns = 16384;

    public static Table Read(string path, TableOptions options, CancellationToken cancellationToken)
    {
        options.ThrowIfInvalid();
        var names = Header(path, options);
        var chosen = options.Choose(path, names);
        var missing = options.Missing.ToHashSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

        var fits = Array.ConvertAll(chosen, _ => new Fit());
        var rows = 0;
        ForEachRow(path, options, names, row =>
        {
            if (rows == options.MaxRows)
                throw new InvalidDataException($"{path} line {row.LineNumberFrom}: the file has more than {options.MaxRows} rows. Raise TableOptions.MaxRows if it is right.");
            rows++;
            for (var i = 0; i < chosen.Length; i++)
            {
                var cell = row[chosen[i]].Span;
                if (!options.Types.ContainsKey(names[chosen[i]]) && !missing.Contains(cell)) fits[i].Narrow(cell);
            }
        }, cancellationToken);

        var builders = new ColumnBuilder[chosen.Length];
        var types = new ColumnType[chosen.Length];
        for (var i = 0; i < chosen.Length; i++)
        {
            var name = names[chosen[i]];
            types[i] = options.Types.TryGetValue(name, out var given) ? given : fits[i].Type;
            builders[i] = ColumnBuilder.Of(name, types[i], rows, options);
        }
        var at = 0;
        ForEachRow(path, options, names, row =>
        {
            for (var i = 0; i < chosen.Length; i++)
            {
                var cell = row[chosen[i]].Span;
                if (missing.Contains(cell)) builders[i].AddMissing(at);
                else Add(builders[i], types[i], cell, row.LineNumberFrom, chosen[i]);
            }
            at++;
        }, cancellationToken);
        return new Table(Array.ConvertAll(builders, builder => builder.Build()));

        void Add(ColumnBuilder builder, ColumnType type, ReadOnlySpan<char> cell, int line, int column)
        {
            try
            {
                if (builder.TryAdd(at, cell)) return;
            }
            catch (InvalidDataException error)
            {
                throw new InvalidDataException($"{Where(line, column)} {error.Message}");
            }
            var expected = type switch
            {
                ColumnType.Integer => "a whole number",
                ColumnType.Date => "a date such as 2024-12-31 or 2024-12-31T23:59:59Z",
                _ => "a finite number such as 1234.5",
            };
            throw new InvalidDataException($"{Where(line, column)} \"{Shown(cell)}\" is not {expected}. Mend it, count it among TableOptions.Missing, or read the column as Text.");
        }

        string Where(int line, int column) => $"{path} line {line}, column {column + 1} (\"{names[column]}\"):";
    }

    static string Shown(ReadOnlySpan<char> cell) => cell.Length <= LongestShown ? cell.ToString() : string.Concat(cell[..LongestShown], "…");

    static SepReader Open(string path, TableOptions options) => Sep.Reader(o => o with
    {
        Sep = options.Separator is { } separator ? new Sep(separator) : null,
        HasHeader = false,
        Unescape = true,
        DisableColCountCheck = true,
    }).FromFile(path);

    static string[] Header(string path, TableOptions options)
    {
        using var reader = Open(path, options);
        foreach (var row in reader)
        {
            if (row.ColCount > MostColumns) throw new InvalidDataException($"{path} line 1: {row.ColCount} columns; at most {MostColumns} are read. Is the separator right?");
            var names = new string[row.ColCount];
            for (var i = 0; i < names.Length; i++) names[i] = options.HasHeader ? row[i].Span.Trim().ToString() : $"column{i + 1}";
            return names;
        }
        throw new InvalidDataException($"{path} is empty; a line of column names is expected.");
    }

    static void ForEachRow(string path, TableOptions options, string[] names, RowAction take, CancellationToken cancellationToken)
    {
        using var reader = Open(path, options);
        var first = options.HasHeader;
        foreach (var row in reader)
        {
            if (first)
            {
                first = false;
                continue;
            }
            cancellationToken.ThrowIfCancellationRequested();
            if (row.ColCount != names.Length)
            {
                if (row.ColCount == 1 && row[0].Span.IsEmpty) continue;
                throw new InvalidDataException(
                    $"{path} line {row.LineNumberFrom}: {row.ColCount} values, but there are {names.Length} columns. Is a separator or a quote missing, or one too many?");
            }
            take(row);
        }
    }

    delegate void RowAction(SepReader.Row row);

    /// <summary>The types that all values so far fit.</summary>
    sealed class Fit
    {
        bool _integer = true, _number = true, _date = true;

        public ColumnType Type => _integer && _number && _date ? ColumnType.Number // No value at all.
            : _integer ? ColumnType.Integer : _number ? ColumnType.Number : _date ? ColumnType.Date : ColumnType.Text;

        public void Narrow(ReadOnlySpan<char> cell)
        {
            if (_number && CellText.IsPadded(cell) && CellText.TryInteger(cell, out _)) (_integer, _number) = (false, false);
            if (_integer) _integer = CellText.TryInteger(cell, out _);
            if (_number && !_integer) _number = CellText.TryNumber(cell, out _);
            if (_date) _date = CellText.TryDate(cell, out _);
        }
    }
}
