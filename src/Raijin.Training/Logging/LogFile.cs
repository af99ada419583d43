using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Raijin.Training;

/// <summary>
/// Reads back what <see cref="CsvLogger"/> and <see cref="JsonLinesLogger"/> wrote, record by record and also while it is still being written: a last line without
/// its end is not there yet.
/// </summary>
public static class LogFile
{
    /// <summary>No line of a log is longer, in characters.</summary>
    const int LongestLine = 1 << 20;

    const int BlockChars = 1 << 16;

    /// <summary>The log in a run's folder: <c>metrics.csv</c>, else <c>metrics.jsonl</c>, else the first of either kind by name; null for none.</summary>
    public static string? Find(string folder)
    {
        if (!Directory.Exists(folder)) return null;
        foreach (var name in (string[])["metrics.csv", "metrics.jsonl"])
            if (File.Exists(Path.Combine(folder, name))) return Path.Combine(folder, name);
        return Directory.EnumerateFiles(folder).Where(f => Path.GetExtension(f) is ".csv" or ".jsonl").Order(StringComparer.Ordinal).FirstOrDefault();
    }

    /// <summary>The records of a file, in their order.</summary>
    /// <exception cref="InvalidDataException">It is not such a log; names the line.</exception>
    public static IEnumerable<LogRecord> Read(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return Path.GetExtension(path) == ".csv" ? ReadCsv(path) : Lines(path).Select((line, i) => ParseJson(path, line, i + 1));
    }

    static IEnumerable<LogRecord> ReadCsv(string path)
    {
        var header = new List<string>();
        IReadOnlyList<string>? names = null;
        var number = 0;
        foreach (var line in Lines(path))
        {
            number++;
            if (names is null)
            {
                header.Add(line);
                if (header.Sum(l => l.Count(c => c == '"')) % 2 == 1) continue;
                names = CsvHeader.Parse(string.Join('\n', header));
                if (!names.Take(RecordColumns.All.Count).SequenceEqual(RecordColumns.All))
                    throw new InvalidDataException($"{path} does not begin with {string.Join(',', RecordColumns.All)}: it is not a log of a run.");
                continue;
            }
            yield return ParseCsv(path, line, number, names);
        }
    }

    static LogRecord ParseCsv(string path, string line, int number, IReadOnlyList<string> names)
    {
        var fields = line.Split(',');
        if (fields.Length != names.Count
            || !long.TryParse(fields[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var step)
            || !long.TryParse(fields[2], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var epoch)
            || !double.TryParse(fields[3], CultureInfo.InvariantCulture, out var seconds))
            throw NotARecord(path, number, line);
        var values = new List<KeyValuePair<string, double>>();
        for (var i = RecordColumns.All.Count; i < fields.Length; i++)
        {
            if (fields[i].Length == 0) continue;
            if (!double.TryParse(fields[i], CultureInfo.InvariantCulture, out var value)) throw NotARecord(path, number, line);
            values.Add(new(names[i], value));
        }
        return new LogRecord(ScopeOf(fields[0]), step, epoch, TimeSpan.FromSeconds(seconds), values);
    }

    static LogRecord ParseJson(string path, string line, int number)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            var values = new List<KeyValuePair<string, double>>();
            foreach (var property in root.EnumerateObject())
            {
                if (RecordColumns.All.Contains(property.Name)) continue;
                values.Add(new(property.Name, property.Value.ValueKind == JsonValueKind.String ? double.Parse(property.Value.GetString()!, CultureInfo.InvariantCulture) : property.Value.GetDouble()));
            }
            return new LogRecord(ScopeOf(root.GetProperty(RecordColumns.Scope).GetString()!), root.GetProperty(RecordColumns.Step).GetInt64(), root.GetProperty(RecordColumns.Epoch).GetInt64(),
                TimeSpan.FromSeconds(root.GetProperty(RecordColumns.Seconds).GetDouble()), values);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw NotARecord(path, number, line);
        }
    }

    static LogScope ScopeOf(string text) => text == RecordColumns.Name(LogScope.Epoch) ? LogScope.Epoch : LogScope.Step;

    static InvalidDataException NotARecord(string path, int number, string line) =>
        new($"{path}, line {number}: \"{(line.Length <= 100 ? line : line[..100] + "…")}\" is not a record of a run's log. Mend the line or remove it.");

    /// <summary>The whole lines of a file that may be open for writing.</summary>
    static IEnumerable<string> Lines(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), new UTF8Encoding(false));
        var block = new char[BlockChars];
        var line = new StringBuilder();
        while (reader.Read(block) is var count and > 0)
        {
            var from = 0;
            for (int end; (end = Array.IndexOf(block, '\n', from, count - from)) >= 0; from = end + 1)
            {
                line.Append(block, from, end - from);
                yield return line.ToString();
                line.Clear();
            }
            line.Append(block, from, count - from);
            if (line.Length > LongestLine) throw new InvalidDataException($"{path} has a line of more than {LongestLine} characters: it is not a log of a run.");
        }
    }
}
