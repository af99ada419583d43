using System.Globalization;

namespace Raijin.Data;

/// <summary>Draws an image with pixels around it.</summary>
static class Border
{
    public static void Draw(RgbImage image, int left, int top, int right, int bottom, PaddingMode mode, Rgb fill)
    {
        var (width, height) = (image.Width, image.Height);
        if (mode == PaddingMode.Reflect && (Math.Max(left, right) >= width || Math.Max(top, bottom) >= height))
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                $"An image of {width} × {height} cannot be mirrored into a border of {left}, {top}, {right}, {bottom}: pad by less than its sides, or by another mode."));
        var (wide, high) = (checked(width + left + right), checked(height + top + bottom));
        image.Redraw(wide, high, (left, top, width, height, wide, high, mode, fill), static (how, source, target) =>
        {
            for (var y = 0; y < how.high; y++)
            {
                var row = target.Slice(y * how.wide, how.wide);
                row.Fill(how.fill);
                var from = Inside(y - how.top, how.height, how.mode);
                if (from < 0) continue;
                var line = source.Slice(from * how.width, how.width);
                line.CopyTo(row[how.left..]);
                if (how.mode == PaddingMode.Constant) continue;
                for (var x = 0; x < how.left; x++) row[x] = line[Inside(x - how.left, how.width, how.mode)];
                for (var x = how.left + how.width; x < how.wide; x++) row[x] = line[Inside(x - how.left, how.width, how.mode)];
            }
        });
    }

    /// <summary>Where a position in the border finds its pixel; below 0: nowhere.</summary>
    public static int Inside(int at, int size, PaddingMode mode) => mode switch
    {
        _ when (uint)at < (uint)size => at,
        PaddingMode.Edge => Math.Clamp(at, 0, size - 1),
        PaddingMode.Reflect => at < 0 ? -at : 2 * (size - 1) - at,
        _ => -1,
    };
}
