using SkiaSharp;

namespace Raijin.Data;

/// <summary>How a file's rows and columns lie in the upright image: one of EXIF's eight orientations.</summary>
readonly struct Orientation(SKEncodedOrigin origin)
{
    public bool IsUpright => origin == SKEncodedOrigin.TopLeft;

    /// <summary>Whether the file's rows are the image's columns.</summary>
    public bool Swaps => origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;

    /// <summary>Whether the image's columns run against the file's direction.</summary>
    public bool BackwardsX => origin is SKEncodedOrigin.TopRight or SKEncodedOrigin.BottomRight or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom;

    /// <summary>Whether the image's rows run against the file's direction.</summary>
    public bool BackwardsY => origin is SKEncodedOrigin.BottomLeft or SKEncodedOrigin.BottomRight or SKEncodedOrigin.LeftBottom or SKEncodedOrigin.RightBottom;

    /// <summary>Where a box of the upright image, whose size is given, lies in the file.</summary>
    public Box ToEncoded(Box box, int width, int height)
    {
        if (BackwardsX) box = box with { Left = width - box.Right };
        if (BackwardsY) box = box with { Top = height - box.Bottom };
        return Swaps ? new(box.Top, box.Left, box.Height, box.Width) : box;
    }

    /// <summary>Where a box of the file's image, whose size is given, lies in the upright one.</summary>
    public Box ToUpright(Box box, int width, int height)
    {
        if (Swaps) (box, width, height) = (new(box.Top, box.Left, box.Height, box.Width), height, width);
        if (BackwardsX) box = box with { Left = width - box.Right };
        if (BackwardsY) box = box with { Top = height - box.Bottom };
        return box;
    }

    /// <summary>Turns the file's pixels, whose size is given, into upright ones.</summary>
    public void Turn(ReadOnlySpan<Rgb> encoded, int width, int height, Span<Rgb> upright)
    {
        var (wide, high) = Swaps ? (height, width) : (width, height);
        for (var y = 0; y < high; y++)
        {
            var v = BackwardsY ? high - 1 - y : y;
            var row = upright.Slice(y * wide, wide);
            for (var x = 0; x < wide; x++)
            {
                var u = BackwardsX ? wide - 1 - x : x;
                row[x] = Swaps ? encoded[u * width + v] : encoded[v * width + u];
            }
        }
    }
}
