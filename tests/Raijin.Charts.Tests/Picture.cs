using ScottPlot;
using SkiaSharp;

namespace Raijin.Charts.Tests;

/// <summary>A decoded PNG that a test looks at.</summary>
sealed class Picture : IDisposable
{
    readonly SKBitmap _bitmap;

    public Picture(byte[] png) => _bitmap = SKBitmap.Decode(png);

    public int Width => _bitmap.Width;

    public int Height => _bitmap.Height;

    /// <summary>Pixels of just this colour.</summary>
    public int Count(string hex) => Pixels().Count(p => p == Parse(hex));

    /// <summary>The mean place of a colour's pixels, from the upper left, as shares of the picture.</summary>
    public (double X, double Y) Centre(string hex)
    {
        var color = Parse(hex);
        var (x, y, count) = (0.0, 0.0, 0);
        for (var row = 0; row < Height; row++)
            for (var column = 0; column < Width; column++)
                if (_bitmap.GetPixel(column, row) == color) (x, y, count) = (x + column, y + row, count + 1);
        return (x / count / Width, y / count / Height);
    }

    /// <summary>Dark pixels within a part of the picture, in shares of it: where there is text.</summary>
    public int Ink(double left, double top, double right, double bottom)
    {
        var count = 0;
        for (var row = (int)(top * Height); row < bottom * Height; row++)
            for (var column = (int)(left * Width); column < right * Width; column++)
                if (_bitmap.GetPixel(column, row) is { Red: < 128, Green: < 128, Blue: < 128 }) count++;
        return count;
    }

    IEnumerable<SKColor> Pixels() => _bitmap.Pixels;

    static SKColor Parse(string hex) => Color.FromHex(hex).ToSKColor();

    public void Dispose() => _bitmap.Dispose();
}
