using System.Globalization;
using Raijin.Training;

namespace Raijin;

/// <summary>
/// Writes records to a CSV file in the run's folder: <c>scope,step,epoch,seconds</c>, then a column for each key in the order of its first logging.
/// A value that a record does not have is an empty field.
/// </summary>
/// <remarks>
/// Fields are quoted as RFC 4180 says, lines end in LF. Numbers are invariant and round-trip; <c>NaN</c> and <c>Infinity</c> are written as such. A key
/// that appears later widens the file, which is replaced as a whole. A resumed run drops what was written after its checkpoint, so that its file
/// is the one of a run that was never interrupted, but for the seconds.
/// </remarks>
public sealed class CsvLogger : RunLogger
{
    readonly string _fileName;
    readonly List<string> _keys = [];
    readonly Dictionary<string, int> _columnOf = new(StringComparer.Ordinal);
    readonly LineBuffer _row = new();
    double?[] _fields = [];
    RecordFile? _file;
    string? _path;

    /// <summary>Makes the logger.</summary>
    /// <param name="fileName">The file's name within the run's folder.</param>
    public CsvLogger(string fileName = "metrics.csv")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(fileName);
        _fileName = fileName;
    }

    /// <inheritdoc/>
    public override bool IsLocal => true;

    /// <inheritdoc/>
    public override string? Location => _path;

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The file is there, but is not one this logger wrote.</exception>
    public override void Open(string directory, long fromStep)
    {
        _path = Path.GetFullPath(Path.Combine(directory, _fileName));
        _keys.Clear();
        _columnOf.Clear();
        _fields = [];
        var lines = RecordFile.Read(_path);
        _file = RecordFile.Open(_path, lines.Count == 0 ? [] : KeepUpTo(fromStep, lines));
    }

    /// <inheritdoc/>
    public override void Write(LogRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var known = _keys.Count;
        foreach (var (key, _) in record.Values)
            if (!_columnOf.ContainsKey(key)) AddColumn(key);
        if (_keys.Count > known) Widen(known);

        if (record.Values.Count == 0) return;
        Array.Clear(_fields);
        foreach (var (key, value) in record.Values) _fields[_columnOf[key]] = value;
        _row.Clear();
        _row.Add(RecordColumns.Name(record.Scope));
        _row.Add((byte)',');
        _row.Add(record.Step);
        _row.Add((byte)',');
        _row.Add(record.Epoch);
        _row.Add((byte)',');
        _row.Add(record.Elapsed.TotalSeconds, RecordColumns.SecondsFormat);
        foreach (var field in _fields)
        {
            _row.Add((byte)',');
            if (field is { } value) _row.Add(value, "R");
        }
        _row.Add((byte)'\n');
        _file!.Add(_row.Written);
    }

    /// <inheritdoc/>
    public override void Flush() => _file?.Flush();

    /// <inheritdoc/>
    public override void Close()
    {
        _file?.Dispose();
        _file = null;
    }

    void AddColumn(string key)
    {
        RecordColumns.ThrowIfTaken(key);
        _columnOf.Add(key, _keys.Count);
        _keys.Add(key);
        _fields = new double?[_keys.Count];
    }

    /// <summary>Gives the rows there are empty fields for the columns from <paramref name="known"/> on, and the file its new header.</summary>
    void Widen(int known)
    {
        _file!.Flush();
        var lines = RecordFile.Read(_file.Path);
        var padding = new string(',', _keys.Count - known);
        var rows = lines.Count == 0 ? [] : lines.Skip(CsvHeader.Lines(lines)).Select(row => row + padding);
        _file.Replace([Header(), .. rows]);
    }

    /// <summary>The lines of a file without the records of later steps, and without the columns that only those had.</summary>
    List<string> KeepUpTo(long fromStep, List<string> lines)
    {
        var header = CsvHeader.Lines(lines);
        var names = CsvHeader.Parse(string.Join('\n', lines.Take(header)));
        var fixedColumns = RecordColumns.All.Count;
        if (!names.Take(fixedColumns).SequenceEqual(RecordColumns.All))
            throw new InvalidDataException($"{_path} does not begin with {string.Join(',', RecordColumns.All)}: it is not a log of a run. Move it away, or give the logger another file name.");

        var rows = new List<string[]>();
        for (var i = header; i < lines.Count; i++)
        {
            var row = lines[i].Split(',');
            if (row.Length != names.Count || !long.TryParse(row[1], NumberStyles.None, CultureInfo.InvariantCulture, out var step))
                throw new InvalidDataException($"{_path}, line {i + 1}: \"{lines[i]}\" is not a record with {names.Count} fields and a step. Mend the line or move the file away.");
            if (step <= fromStep) rows.Add(row);
        }
        if (rows.Count == 0) return [];

        var used = Enumerable.Range(0, names.Count).Where(c => c < fixedColumns || rows.Exists(r => r[c].Length > 0)).ToList();
        foreach (var column in used.Skip(fixedColumns)) AddColumn(names[column]);
        return [Header(), .. rows.Select(row => string.Join(',', used.Select(c => row[c])))];
    }

    string Header() => string.Join(',', RecordColumns.All.Concat(_keys).Select(Quote));

    static string Quote(string name) => name.AsSpan().ContainsAny(",\"\r\n") ? $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : name;
}
