using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Raijin.Charts;

/// <summary>Tick places and their labels, invariant. A logarithmic axis is drawn over log10 of its values, and labelled with the values.</summary>
static class Ticks
{
    public static ITickGenerator Linear() => new NumericAutomatic { LabelFormatter = Text, MinorTickGenerator = new NoMinorTicks() };

    /// <summary>Ticks of a logarithmic axis: powers of ten, with 2 and 5 between where few decades are shown.</summary>
    /// <param name="low">log10 of the axis' lower end.</param>
    /// <param name="high">log10 of its upper end.</param>
    public static ITickGenerator Log(double low, double high)
    {
        var decades = high - low;
        var stride = Math.Max(1, (int)Math.Ceiling(decades / 10));
        double[] digits = decades <= 1.2 ? [1, 2, 3, 5, 7] : decades <= 3 ? [1, 2, 5] : [1];
        var ticks = new NumericManual();
        for (var power = (int)Math.Floor(low); power <= high; power++)
        {
            for (var digit = 1; digit <= 9; digit++)
            {
                var at = power + Math.Log10(digit);
                if (at < low || at > high) continue;
                if (digits.Contains(digit) && power % stride == 0) ticks.AddMajor(at, Text(digit * Math.Pow(10, power)));
                else ticks.AddMinor(at);
            }
        }
        return ticks;
    }

    /// <summary>A value as a tick shows it: 0.25, 20,000, 1.5M, 3e-05.</summary>
    public static string Text(double value)
    {
        var size = Math.Abs(value);
        if (size < 1e-12) return "0";
        if (size >= 1e12 || size < 9.9999e-4) return value.ToString("0.###e-0", CultureInfo.InvariantCulture);
        if (size >= 1e9) return (value / 1e9).ToString("0.###", CultureInfo.InvariantCulture) + "G";
        if (size >= 1e6) return (value / 1e6).ToString("0.###", CultureInfo.InvariantCulture) + "M";
        return value.ToString(size >= 1e4 ? "#,##0.##" : "0.######", CultureInfo.InvariantCulture);
    }

    sealed class NoMinorTicks : IMinorTickGenerator
    {
        public IEnumerable<double> GetMinorTicks(double[] majorPositions, CoordinateRange visibleRange) => [];
    }
}
