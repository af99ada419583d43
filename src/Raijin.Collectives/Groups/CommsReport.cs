using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Raijin.Collectives;

/// <summary>The calls of one kind and size in one group, as one rank saw them.</summary>
public sealed record CommsLine
{
    /// <summary>The group's name.</summary>
    public required string Group { get; init; }

    /// <summary>How many ranks it has.</summary>
    public required int Ranks { get; init; }

    /// <summary>What was done.</summary>
    public required CollectiveKind Kind { get; init; }

    /// <summary>Bytes of the whole tensor in the type that crosses, as <see cref="TrafficCount"/> counts them.</summary>
    public required long Bytes { get; init; }

    /// <summary>How often it was completed.</summary>
    public required long Count { get; init; }

    /// <summary>Time from each call's beginning to when its completion was seen, in all. Calls that end in <c>Async</c> may have been complete before, and the rank computed meanwhile.</summary>
    public required TimeSpan Total { get; init; }

    /// <summary>The mean of it.</summary>
    public required TimeSpan Mean { get; init; }

    /// <summary>Time for which the calls held up this rank, in all: making them, and waiting for them.</summary>
    public required TimeSpan Held { get; init; }

    /// <summary>The algorithm's bandwidth, over <see cref="Mean"/>; <see cref="BusBandwidth"/>.</summary>
    public required double AlgorithmBytesPerSecond { get; init; }

    /// <summary>The bus bandwidth, over <see cref="Mean"/>.</summary>
    public required double BusBytesPerSecond { get; init; }

    /// <summary>Who came last; null where ranks were not compared, or don't all wait for all.</summary>
    public CommsStraggler? Straggling { get; init; }
}

/// <summary>Who held up the others.</summary>
/// <param name="Rank">The rank of the group that came last most often.</param>
/// <param name="Times">How often it did.</param>
/// <param name="Calls">How many calls were compared.</param>
/// <param name="Waited">How long each of the others stood still for whoever was last, over all compared calls: what it waited longer than the last one, in the mean.</param>
public readonly record struct CommsStraggler(int Rank, long Times, long Calls, TimeSpan Waited);

/// <summary>What a <see cref="CommsLog"/> has seen.</summary>
public sealed record CommsReport
{
    /// <summary>Whose view it is.</summary>
    public required int Rank { get; init; }

    /// <summary>A line for each kind and size of each group.</summary>
    public required IReadOnlyList<CommsLine> Lines { get; init; }

    /// <summary>The table as plain text, the calls that held up the rank longest first.</summary>
    public override string ToString()
    {
        var rows = new List<string[]> { (string[])["op", "group", "size", "count", "total", "mean", "held", "algbw", "busbw", "last to come", "others waited"] };
        foreach (var line in Lines.OrderByDescending(line => line.Held))
        {
            rows.Add(
            [
                line.Kind.ToString(), string.Create(CultureInfo.InvariantCulture, $"{line.Group} ({line.Ranks})"), Bytes(line.Bytes), line.Count.ToString("N0", CultureInfo.InvariantCulture),
                Time(line.Total), Time(line.Mean), Time(line.Held), Rate(line.AlgorithmBytesPerSecond), Rate(line.BusBytesPerSecond),
                line.Straggling is { } last ? string.Create(CultureInfo.InvariantCulture, $"rank {last.Rank}, {100.0 * last.Times / last.Calls:F0} %") : "", line.Straggling is { } straggler ? Time(straggler.Waited) : "",
            ]);
        }
        var widths = Enumerable.Range(0, rows[0].Length).Select(i => rows.Max(row => row[i].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            var cells = row.Select((cell, i) => i < 2 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]));
            text.Append(string.Join("   ", cells).TrimEnd()).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>Writes it as a JSON object: <c>rank</c>, and <c>lines</c> with times in seconds and bandwidths in bytes a second.</summary>
    public void WriteJson(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteStartObject();
        json.WriteNumber("rank", Rank);
        json.WriteStartArray("lines");
        foreach (var line in Lines)
        {
            json.WriteStartObject();
            json.WriteString("op", JsonNamingPolicy.CamelCase.ConvertName(line.Kind.ToString()));
            json.WriteString("group", line.Group);
            json.WriteNumber("ranks", line.Ranks);
            json.WriteNumber("bytes", line.Bytes);
            json.WriteNumber("count", line.Count);
            json.WriteNumber("totalSeconds", line.Total.TotalSeconds);
            json.WriteNumber("meanSeconds", line.Mean.TotalSeconds);
            json.WriteNumber("heldSeconds", line.Held.TotalSeconds);
            json.WriteNumber("algorithmBytesPerSecond", line.AlgorithmBytesPerSecond);
            json.WriteNumber("busBytesPerSecond", line.BusBytesPerSecond);
            if (line.Straggling is { } straggler)
            {
                json.WriteStartObject("straggler");
                json.WriteNumber("rank", straggler.Rank);
                json.WriteNumber("times", straggler.Times);
                json.WriteNumber("calls", straggler.Calls);
                json.WriteNumber("waitedSeconds", straggler.Waited.TotalSeconds);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static string Bytes(long bytes) => bytes switch
    {
        < 1 << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KiB"),
        < 1 << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024 * 1024):0.##} GiB"),
    };

    static string Time(TimeSpan time) => time.TotalSeconds switch
    {
        < 1e-3 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMicroseconds:F1} µs"),
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:F2} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F2} s"),
    };

    // Of a few bytes there is none to tell.
    static string Rate(double bytesPerSecond) => bytesPerSecond < 5e5 ? "" : string.Create(CultureInfo.InvariantCulture, $"{bytesPerSecond / 1e9:F3} GB/s");
}
