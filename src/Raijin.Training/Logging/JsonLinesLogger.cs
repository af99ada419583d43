using System.Buffers;
using System.Text;
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
    readonly ArrayBufferWriter<byte> _line = new();
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
        // A key twice in one record would be an object with the same name twice: the later one holds.
        _values.Clear();
        foreach (var (key, value) in record.Values)
        {
            RecordColumns.ThrowIfTaken(key);
            _values[key] = value;
        }

        _line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_line))
        {
            json.WriteStartObject();
            json.WriteString(RecordColumns.Scope, RecordColumns.Name(record.Scope));
            json.WriteNumber(RecordColumns.Step, record.Step);
            json.WriteNumber(RecordColumns.Epoch, record.Epoch);
            json.WritePropertyName(RecordColumns.Seconds);
            json.WriteRawValue(RecordColumns.Text(record.Elapsed));
            foreach (var (key, value) in _values)
            {
                if (double.IsFinite(value)) json.WriteNumber(key, value);
                else json.WriteString(key, double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
            }
            json.WriteEndObject();
        }
        _file!.Add(Encoding.UTF8.GetString(_line.WrittenSpan));
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
