using System.Globalization;

namespace Raijin.Cli;

/// <summary>Words the fault of a value that its type allows and its meaning does not.</summary>
static class OutOfRange
{
    /// <summary>The fault of <paramref name="key"/>.</summary>
    public static OptionFault Fault(string key, IFormattable value, string allowed) =>
        new(key, string.Create(CultureInfo.InvariantCulture, $"= {value}; allowed: {allowed}"));
}
