using System.Globalization;

namespace Raijin.Benchmarks;

/// <summary>What the pages have in common: their options and how they write numbers.</summary>
static class Pages
{
    /// <summary>The integer behind <paramref name="name"/> on the command line, null when absent.</summary>
    public static int? Option(string[] args, string name) =>
        Array.IndexOf(args, name) is var at and >= 0 ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : null;

    /// <summary>The median in microseconds or milliseconds.</summary>
    public static string Show(Timing timing) => timing.Median < 1e-3 ? $"{Number(timing.Median * 1e6)} µs" : $"{Number(timing.Median * 1e3)} ms";

    /// <summary>Three decimals below ten, one above.</summary>
    public static string Number(double value) => value.ToString(value < 10 ? "F3" : "F1", CultureInfo.InvariantCulture);
}
