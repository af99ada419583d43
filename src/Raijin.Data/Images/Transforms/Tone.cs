// Each is, bit for bit, what Pillow's ImageEnhance and ImageOps make of it; only the hue is better: Pillow goes through 8-bit HSV.

namespace Raijin.Data;

/// <summary>Changes of an image's colours by a given amount.</summary>
static class Tone
{
    const int Levels = 256;

    public static void Brightness(RgbImage image, double factor) => ColorPass.Run(image.Pixels, new FromValue(0, (float)factor));

    public static void Contrast(RgbImage image, double factor)
    {
        var pixels = image.Pixels;
        long sum = 0;
        foreach (var pixel in pixels) sum += ColorPass.Luma(pixel);
        ColorPass.Run(pixels, new FromValue((int)((double)sum / pixels.Length + 0.5), (float)factor));
    }

    public static void Saturation(RgbImage image, double factor) => ColorPass.Run(image.Pixels, new FromGrey((float)factor));

    /// <param name="turns">Share of the colour circle.</param>
    public static void Hue(RgbImage image, double turns) => ColorPass.Run(image.Pixels, new TurnHue((float)turns));

    public static void Sharpness(RgbImage image, double factor)
    {
        var (width, height) = (image.Width, image.Height);
        image.Redraw(width, height, (width, height, factor: (float)factor), static (how, source, target) =>
        {
            source.CopyTo(target);
            for (var y = 1; y < how.height - 1; y++)
            {
                for (var x = 1; x < how.width - 1; x++)
                {
                    var at = y * how.width + x;
                    var (r, g, b) = Around(source, at, how.width);
                    var pixel = source[at];
                    target[at] = new(Blend(r, pixel.R, how.factor), Blend(g, pixel.G, how.factor), Blend(b, pixel.B, how.factor));
                }
            }
        });
    }

    // The mean of a pixel, five times, and its eight neighbours; no such sum is halfway between two integers.
    static (int R, int G, int B) Around(ReadOnlySpan<Rgb> pixels, int at, int width)
    {
        var (r, g, b) = (4 * pixels[at].R, 4 * pixels[at].G, 4 * pixels[at].B);
        for (var row = at - width; row <= at + width; row += width)
        {
            foreach (var pixel in pixels.Slice(row - 1, 3))
            {
                r += pixel.R;
                g += pixel.G;
                b += pixel.B;
            }
        }
        return ((2 * r + 13) / 26, (2 * g + 13) / 26, (2 * b + 13) / 26);
    }

    static byte Blend(int from, int to, float factor) => (byte)Math.Clamp((int)(from + factor * (to - from)), 0, byte.MaxValue);

    public static void AutoContrast(RgbImage image) => MapChannels(image, static (counts, table) =>
    {
        var low = counts.IndexOfAnyExcept(0);
        var high = counts.LastIndexOfAnyExcept(0);
        if (high <= low) return;
        var scale = 255.0 / (high - low);
        var offset = -low * scale;
        for (var i = 0; i < Levels; i++) table[i] = (byte)Math.Clamp((int)(i * scale + offset), 0, byte.MaxValue);
    });

    public static void Equalize(RgbImage image) => MapChannels(image, static (counts, table) =>
    {
        var total = 0;
        foreach (var count in counts) total += count;
        var step = (total - counts[counts.LastIndexOfAnyExcept(0)]) / 255;
        if (step == 0) return;
        var sum = step / 2;
        for (var i = 0; i < Levels; i++)
        {
            table[i] = (byte)Math.Min(sum / step, byte.MaxValue);
            sum += counts[i];
        }
    });

    delegate void TableRule(ReadOnlySpan<int> counts, Span<byte> table);

    // Each channel through a table that is made of how often each value occurs; it comes as the identity.
    static void MapChannels(RgbImage image, TableRule rule)
    {
        var pixels = image.Pixels;
        Span<int> counts = stackalloc int[3 * Levels];
        counts.Clear();
        foreach (var pixel in pixels)
        {
            counts[pixel.R]++;
            counts[Levels + pixel.G]++;
            counts[2 * Levels + pixel.B]++;
        }
        Span<byte> tables = stackalloc byte[3 * Levels];
        for (var channel = 0; channel < 3; channel++)
        {
            var table = tables.Slice(channel * Levels, Levels);
            for (var i = 0; i < Levels; i++) table[i] = (byte)i;
            rule(counts.Slice(channel * Levels, Levels), table);
        }
        foreach (ref var pixel in pixels) pixel = new(tables[pixel.R], tables[Levels + pixel.G], tables[2 * Levels + pixel.B]);
    }
}
