using System.Globalization;

namespace Raijin.Training;

/// <summary>Numbers as a person reads them in passing: about as wide one as the other, so that lines below each other line up.</summary>
static class ReadableText
{
    static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    /// <summary>A logged value, to about five digits: <c>0.1234</c>, <c>12.346</c>, <c>9.54e-4</c>.</summary>
    public static string Value(double value) => Math.Abs(value) switch
    {
        double.NaN => "nan",
        double.PositiveInfinity => value > 0 ? "inf" : "-inf",
        0 => "0.0000",
        < 1e-3 => value.ToString("0.00e0", Invariant),
        < 10 => value.ToString("F4", Invariant),
        < 100 => value.ToString("F3", Invariant),
        < 1000 => value.ToString("F2", Invariant),
        < 1e5 => value.ToString("F1", Invariant),
        _ => value.ToString("0.00e0", Invariant),
    };

    /// <summary>A quantity in the steps of a thousand: <c>950</c>, <c>18.9k</c>, <c>1.21M</c>.</summary>
    public static string Quantity(double quantity)
    {
        ReadOnlySpan<char> units = " kMGTP";
        var unit = 0;
        // 999.5 would round to 1000: it belongs to the next unit.
        for (; Math.Abs(quantity) >= 999.5 && unit < units.Length - 1; unit++) quantity /= 1000;
        if (unit == 0) return quantity.ToString("0", Invariant);
        var text = quantity.ToString(Math.Abs(quantity) < 9.995 ? "0.00" : Math.Abs(quantity) < 99.95 ? "0.0" : "0", Invariant);
        return text + units[unit];
    }

    /// <summary>Memory: <c>37.5 KiB</c>.</summary>
    public static string Bytes(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        double size = bytes;
        var unit = 0;
        for (; size >= 1024 && unit < units.Length - 1; unit++) size /= 1024;
        return size.ToString(unit == 0 ? "0" : "0.0", Invariant) + " " + units[unit];
    }

    /// <summary>A count, its thousands apart.</summary>
    public static string Count(long count) => count.ToString("N0", Invariant);

    /// <summary>How long something took: <c>83 ms</c>, <c>1.2 s</c>, <c>4:07</c>.</summary>
    public static string Duration(TimeSpan time) =>
        time.TotalSeconds < 0.9995 ? string.Create(Invariant, $"{time.TotalMilliseconds:F0} ms")
        : time.TotalSeconds < 59.95 ? string.Create(Invariant, $"{time.TotalSeconds:F1} s")
        : Clock(time);

    /// <summary>Time as a clock shows it: <c>0:12</c>, <c>1:02:03</c>, <c>2d 3:04:05</c>.</summary>
    public static string Clock(TimeSpan time) =>
        time.TotalHours < 1 ? string.Create(Invariant, $"{time.Minutes}:{time.Seconds:D2}")
        : time.TotalDays < 1 ? string.Create(Invariant, $"{time.Hours}:{time.Minutes:D2}:{time.Seconds:D2}")
        : string.Create(Invariant, $"{time.Days}d {time.Hours}:{time.Minutes:D2}:{time.Seconds:D2}");

    /// <summary>A time to be compared with others: <c>0.8 µs</c>, <c>12.34 ms</c>, <c>1.234 s</c>.</summary>
    public static string Timing(TimeSpan time) =>
        time.TotalMilliseconds < 1 ? string.Create(Invariant, $"{time.TotalMicroseconds:F1} µs")
        : time.TotalSeconds < 1 ? string.Create(Invariant, $"{time.TotalMilliseconds:F2} ms")
        : string.Create(Invariant, $"{time.TotalSeconds:N3} s");

    /// <summary>A share: <c>12.3 %</c>.</summary>
    public static string Percent(double share) => string.Create(Invariant, $"{100 * share:F1} %");

    /// <summary>How fast steps go: <c>4,213 steps/s</c>, <c>4.2 steps/s</c>, <c>1.53 s/step</c>.</summary>
    public static string Speed(double stepsPerSecond) => stepsPerSecond switch
    {
        >= 99.5 => string.Create(Invariant, $"{stepsPerSecond:N0} steps/s"),
        >= 1 => string.Create(Invariant, $"{stepsPerSecond:F1} steps/s"),
        _ => string.Create(Invariant, $"{1 / stepsPerSecond:F2} s/step"),
    };
}
