using System.Globalization;

namespace Raijin.App;

/// <summary>Bytes as they are typed and printed: <c>256MiB</c>, <c>80GB</c>.</summary>
static class ByteSize
{
    static readonly (string Unit, double Bytes)[] Units = [("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];

    /// <summary>What is expected, for messages.</summary>
    public static string Expectation { get; } = $"expected a number and a unit ({string.Join(", ", Units.Select(u => u.Unit))}), such as";

    /// <summary>Reads a number and a unit; nothing below one byte.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        foreach (var (unit, size) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.OrdinalIgnoreCase) || !double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) continue;
            bytes = number * size is >= 1 and < 1e18 ? (long)(number * size) : 0;
            return bytes > 0;
        }
        bytes = 0;
        return false;
    }

    /// <summary>In the largest binary unit of which there is at least one: <c>1 KiB</c>, <c>1.5 MiB</c>.</summary>
    public static string Show(long bytes) => bytes switch
    {
        < 1 << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KiB"),
        < 1 << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024 * 1024):0.#} GiB"),
    };

    /// <summary>A bandwidth: <c>12.345 GB/s</c>.</summary>
    public static string ShowRate(double bytesPerSecond) => string.Create(CultureInfo.InvariantCulture, $"{bytesPerSecond / 1e9:F3} GB/s");

    /// <summary>A time of a call or a transfer: <c>12.3 µs</c>.</summary>
    public static string ShowTime(double seconds) => seconds switch
    {
        < 1e-3 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e6:F1} µs"),
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e3:F2} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds:F2} s"),
    };
}
