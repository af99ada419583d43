using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Raijin;

/// <summary>A metric was fed values it can't count: labels out of range, probabilities outside [0, 1], NaN. They were left out of its states.</summary>
public sealed class MetricInputException : ArgumentException
{
    /// <summary>Says what was expected, and how many values were not so.</summary>
    public MetricInputException(string expected, long count, double first)
        : base(string.Create(CultureInfo.InvariantCulture, $"The metric expected {expected}, but {count:n0} {(count == 1 ? "value was" : "values were")} not; the first was {first:r}."))
    {
        Expected = expected;
        Count = count;
        First = first;
    }

    /// <summary>What was expected, such as <c>labels in [0, 10)</c>.</summary>
    public string Expected { get; }

    /// <summary>How many values were not so.</summary>
    public long Count { get; }

    /// <summary>The first of them.</summary>
    public double First { get; }

    [DoesNotReturn, StackTraceHidden]
    internal static void Throw(string expected, long count, double first) => throw new MetricInputException(expected, count, first);
}
