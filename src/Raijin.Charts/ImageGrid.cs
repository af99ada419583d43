using SkiaSharp;

namespace Raijin.Charts;

/// <summary>Images of one size, set side by side as one PNG.</summary>
/// <param name="Pixels">Bytes, [N, C, H, W] row-major; C is 1 (grey), 3 (red, green, blue) or 4 (and opacity).</param>
/// <param name="Count">N, how many.</param>
/// <param name="Channels">C.</param>
/// <param name="Height">H, in pixels.</param>
/// <param name="Width">W, in pixels.</param>
public sealed record ImageGrid(ReadOnlyMemory<byte> Pixels, int Count, int Channels, int Height, int Width)
{
    /// <summary>Pixels between two images.</summary>
    const int Gap = 2;

    /// <summary>How many images stand in a row.</summary>
    /// <value>Default null: as many as make the grid about square.</value>
    public int? Columns { get; init; }

    int InRow => Math.Min(Columns ?? (int)Math.Ceiling(Math.Sqrt(Count)), Count);

    /// <summary>Width of the whole, in pixels.</summary>
    public int TotalWidth => InRow * (Width + Gap) - Gap;

    /// <summary>Height of the whole, in pixels.</summary>
    public int TotalHeight => (Count + InRow - 1) / InRow * (Height + Gap) - Gap;

    /// <summary>The grid as a PNG file; the gaps are transparent.</summary>
    /// <exception cref="ArgumentException">The sizes don't fit the bytes.</exception>
    public byte[] Png()
    {
        if (Channels is not (1 or 3 or 4)) throw new ArgumentException($"The images have {Channels} channels; allowed: 1 (grey), 3 (RGB) or 4 (RGBA).");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Width);
        if (Columns is { } columns) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns, nameof(Columns));
        if (Pixels.Length != (long)Count * Channels * Height * Width)
            throw new ArgumentException($"[{Count}, {Channels}, {Height}, {Width}] is {(long)Count * Channels * Height * Width} bytes, but {Pixels.Length} were given.");

        var info = new SKImageInfo(TotalWidth, TotalHeight, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        var bytes = new byte[info.BytesSize];
        for (var image = 0; image < Count; image++) Place(image, bytes);
        using var whole = SKImage.FromPixelCopy(info, bytes);
        using var data = whole.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    void Place(int image, byte[] bytes)
    {
        var source = Pixels.Span;
        var plane = Height * Width;
        var first = image * Channels * plane;
        var (left, top) = (image % InRow * (Width + Gap), image / InRow * (Height + Gap));
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                var from = first + y * Width + x;
                var to = ((top + y) * TotalWidth + left + x) * 4;
                for (var channel = 0; channel < 3; channel++) bytes[to + channel] = source[from + (Channels == 1 ? 0 : channel * plane)];
                bytes[to + 3] = Channels == 4 ? source[from + 3 * plane] : byte.MaxValue;
            }
        }
    }
}
