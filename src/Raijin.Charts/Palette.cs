// Okabe & Ito 2008, "Color Universal Design": eight colours that people with any common colour blindness tell apart. Their yellow, too pale for a
// thin line on white, is left out, and black is a dark grey.

using ScottPlot;

namespace Raijin.Charts;

/// <summary>The colours of curves: distinguishable with any common colour blindness, and as greys in print.</summary>
public static class Palette
{
    static readonly Color[] Colors =
    [
        Color.FromHex("#0072B2"), // blue
        Color.FromHex("#D55E00"), // vermilion
        Color.FromHex("#009E73"), // green
        Color.FromHex("#CC79A7"), // purple
        Color.FromHex("#E69F00"), // orange
        Color.FromHex("#56B4E9"), // sky
        Color.FromHex("#4D4D4D"), // grey
    ];

    /// <summary>How many colours there are before they repeat.</summary>
    public static int Count => Colors.Length;

    /// <summary>A colour as <c>#RRGGBB</c>.</summary>
    public static string Hex(int index) => Of(index).ToHex();

    internal static Color Of(int index) => Colors[(int)((uint)index % Colors.Length)];

    /// <summary>From white through blue to near black: darker is more, with even steps in lightness.</summary>
    /// <param name="position">0 to 1.</param>
    internal static Color Sequential(double position)
    {
        (double R, double G, double B)[] stops = [(247, 251, 255), (198, 219, 239), (107, 174, 214), (33, 113, 181), (8, 48, 107)];
        var at = Math.Clamp(position, 0, 1) * (stops.Length - 1);
        var low = Math.Min((int)at, stops.Length - 2);
        var part = at - low;
        byte Mix(double a, double b) => (byte)Math.Round(a + (b - a) * part);
        return new Color(Mix(stops[low].R, stops[low + 1].R), Mix(stops[low].G, stops[low + 1].G), Mix(stops[low].B, stops[low + 1].B));
    }
}
