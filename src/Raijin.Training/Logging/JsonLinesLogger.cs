using System.Text.Json;
using Raijin.Training;

namespace Raijin;

/// <summary>
/// Writes records to a file of JSON lines in the run's folder, an object each: <c>{"scope":"step","step":50,"epoch":0,"seconds":1.25,"train/loss":0.5}</c>.
/// </summary>
/// <remarks>
/// Numbers round-trip; those that JSON has no number for are the strings <c>"NaN"</c>, <c>"Infinity"</c> and <c>"-Infinity"</c>. A resumed run drops what was written
/// after its checkpoint.
/// </remarks>
public sealed class JsonLinesLogger : RunLogger
{
    readonly string _fileName;
    readonly LineBuffer _line = new();
    readonly Dictionary<string, JsonEncodedText> _names = new(StringComparer.Ordinal);
    readonly OrderedDictionary<string, double> _values = new(StringComparer.Ordinal);
    RecordFile? _file;
    string? _path;

    /// <summary>Makes the logger.</summary>
    /// <param name="fileName">The file's name within the run's folder.</param>
    public JsonLinesLogger(string fileName = "metrics.jsonl")
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
        var lines = RecordFile.Read(_path);
        _file = RecordFile.Open(_path, [.. lines.Where((line, i) => StepOf(line, i) <= fromStep)]);
    }

    /// <inheritdoc/>
    public override void Write(LogRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (record.Values.Count == 0) return;
        // A key twice in one record would be an object with the same name twice: the later one holds.
        _values.Clear();
        foreach (var (key, value) in record.Values)
        {
            RecordColumns.ThrowIfTaken(key);
            _values[key] = value;
        }

        _line.Clear();
        _line.Add(record.Scope == LogScope.Step ? """{"scope":"step","step":""" : """{"scope":"epoch","step":""");
        _line.Add(record.Step);
        _line.Add(""","epoch":""");
        _line.Add(record.Epoch);
        _line.Add(""","seconds":""");
        _line.Add(record.Elapsed.TotalSeconds, RecordColumns.SecondsFormat);
        for (var i = 0; i < _values.Count; i++)
        {
            var (key, value) = _values.GetAt(i);
            _line.Add(",\"");
            _line.Add(NameOf(key));
            _line.Add("\":");
            if (double.IsFinite(value)) _line.Add(value, "R");
            else _line.Add(double.IsNaN(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        }
        _line.Add("}\n");
        _file!.Add(_line.Written);
    }

    string NameOf(string key)
    {
        if (!_names.TryGetValue(key, out var name)) _names.Add(key, name = JsonEncodedText.Encode(key));
        return name.Value;
    }

    /// <inheritdoc/>
    public override void Flush() => _file?.Flush();

    /// <inheritdoc/>
    public override void Close()
    {
        _file?.Dispose();
        _file = null;
    }

    long StepOf(string line, int index)
    {
        try
        {
            using var record = JsonDocument.Parse(line);
            return record.RootElement.GetProperty(RecordColumns.Step).GetInt64();
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{_path}, line {index + 1}: \"{line}\" is not a record with a step. Mend the line or move the file away.", error);
        }
    }
}
