using ScottPlot;
using SkiaSharp;

namespace Raijin.Charts;

/// <summary>A picture of numbers. The same chart gives the same bytes each time: nothing in it depends on the machine's fonts, culture or clock.</summary>
public abstract record Chart
{
    /// <summary>The width of a PNG when nothing else is said, in pixels.</summary>
    public const int DefaultWidth = 900;

    /// <summary>The height of a PNG when nothing else is said, in pixels.</summary>
    public const int DefaultHeight = 540;

    /// <summary>The smallest side a chart can be read at, in pixels.</summary>
    public const int MinPixels = 80;

    /// <summary>The longest side of a picture, in pixels.</summary>
    public const int MaxPixels = 16384;

    /// <summary>What is left empty around a chart, in pixels.</summary>
    const int Margin = 6;

    /// <summary>What stands above it.</summary>
    /// <value>Default null: nothing.</value>
    public string? Title { get; init; }

    /// <summary>What stands below the horizontal axis.</summary>
    /// <value>Default null: nothing.</value>
    public string? XLabel { get; init; }

    /// <summary>What stands beside the vertical axis.</summary>
    /// <value>Default null: nothing.</value>
    public string? YLabel { get; init; }

    /// <summary>The picture as a PNG file.</summary>
    /// <param name="width">In pixels; <see cref="MinPixels"/> to <see cref="MaxPixels"/>.</param>
    /// <param name="height">In pixels; the same.</param>
    /// <exception cref="ArgumentException">The chart's lists don't fit together; says which.</exception>
    public byte[] Png(int width = DefaultWidth, int height = DefaultHeight)
    {
        ThrowIfOutside(width, nameof(width));
        ThrowIfOutside(height, nameof(height));
        using var surface = SKSurface.Create(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul));
        surface.Canvas.Clear(SKColors.White);
        Render(surface.Canvas, new PixelRect(0, width, height, 0));
        using var image = surface.Snapshot();
        using var data = image.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>Writes the picture to a PNG file; whoever reads it sees the old one or the new one, never a part.</summary>
    /// <inheritdoc cref="Png"/>
    /// <param name="path">The file; its folder is created.</param>
    public void Save(string path, int width = DefaultWidth, int height = DefaultHeight)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var full = Path.GetFullPath(path);
        var png = Png(width, height);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        var temporary = full + ".tmp";
        File.WriteAllBytes(temporary, png);
        File.Move(temporary, full, overwrite: true);
    }

    /// <summary>Draws the chart into a part of a picture.</summary>
    private protected virtual void Render(SKCanvas canvas, PixelRect place)
    {
        using var plot = new Plot();
        Theme.Apply(plot, this);
        var (width, height) = ((int)place.Width - 2 * Margin, (int)place.Height - 2 * Margin);
        Draw(plot, width, height);
        canvas.Save();
        canvas.Translate(place.Left + Margin, place.Top + Margin);
        // A plot clears all it may draw on.
        canvas.ClipRect(new SKRect(0, 0, width, height));
        plot.Render(canvas, width, height);
        canvas.Restore();
    }

    /// <summary>Puts the chart's content into a plot whose theme is set.</summary>
    private protected abstract void Draw(Plot plot, int width, int height);

    internal static void RenderInto(Chart chart, SKCanvas canvas, PixelRect place) => chart.Render(canvas, place);

    private protected static void ThrowIfUnequal(int given, int expected, string what, string where)
    {
        if (given != expected) throw new ArgumentException($"{where} has {given} {what}, but {expected} are needed: one for each point.");
    }

    static void ThrowIfOutside(int pixels, string name)
    {
        if (pixels is < MinPixels or > MaxPixels) throw new ArgumentOutOfRangeException(name, pixels, $"{name} = {pixels} pixels; allowed: {MinPixels} to {MaxPixels}.");
    }
}
