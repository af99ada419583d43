using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Raijin.Charts;

/// <summary>Tick places and their labels, invariant. A logarithmic axis is drawn over log10 of its values, and labelled with the values.</summary>
static class Ticks
{
    public static ITickGenerator Linear() => new NumericAutomatic { LabelFormatter = Text, MinorTickGenerator = new NoMinorTicks() };

    /// <summary>Ticks of a logarithmic axis.</summary>
    /// <param name="low">log10 of the axis' lower end.</param>
    /// <param name="high">log10 of its upper end.</param>
    public static ITickGenerator Log(double low, double high)
    {
        var ticks = new NumericManual();
        foreach (var (at, label) in LogPlaces(low, high))
        {
            if (label is null) ticks.AddMinor(at);
            else ticks.AddMajor(at, label);
        }
        return ticks;
    }

    /// <summary>Powers of ten with a label, digits between them without one; where few decades are shown, some digits are labelled too.</summary>
    public static IEnumerable<(double At, string? Label)> LogPlaces(double low, double high)
    {
        var decades = high - low;
        var stride = Math.Max(1, (int)Math.Ceiling(decades / 10));
        double[] labelled = decades <= 1.2 ? [1, 2, 3, 5, 7] : decades <= 3 ? [1, 2, 5] : [1];
        for (var power = (int)Math.Floor(low); power <= high; power++)
        {
            for (var digit = 1; digit <= 9; digit++)
            {
                var at = power + Math.Log10(digit);
                if (at < low || at > high) continue;
                yield return (at, labelled.Contains(digit) && power % stride == 0 ? Text(digit * Math.Pow(10, power)) : null);
            }
        }
    }

    /// <summary>A value as a tick shows it: 0.25, 20,000, 1.5M, 3e-05.</summary>
    public static string Text(double value)
    {
        var size = Math.Abs(value);
        if (size < 1e-12) return "0";
        if (size >= 1e12 || size < 9.9999e-4) return value.ToString("0.###e-0", CultureInfo.InvariantCulture);
        if (size >= 1e9) return (value / 1e9).ToString("0.###", CultureInfo.InvariantCulture) + "G";
        if (size >= 1e6) return (value / 1e6).ToString("0.###", CultureInfo.InvariantCulture) + "M";
        return value.ToString(size >= 1e3 ? "#,##0.##" : "0.######", CultureInfo.InvariantCulture);
    }

    sealed class NoMinorTicks : IMinorTickGenerator
    {
        public IEnumerable<double> GetMinorTicks(double[] majorPositions, CoordinateRange visibleRange) => [];
    }
}
