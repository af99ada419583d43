using ScottPlot;
using SkiaSharp;

namespace Raijin.Charts;

/// <summary>Several charts in one picture, row by row.</summary>
public sealed record Panels : Chart
{
    const int TitleHeight = 40;

    /// <summary>The charts.</summary>
    public required IReadOnlyList<Chart> Charts { get; init; }

    /// <summary>How many stand side by side.</summary>
    /// <value>Default 2, or 1 where there is one chart.</value>
    public int? Columns { get; init; }

    private protected override void Render(SKCanvas canvas, PixelRect place)
    {
        if (Charts.Count == 0) throw new ArgumentException("There is no chart among the panels: give at least one.");
        var columns = Math.Min(Columns ?? 2, Charts.Count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns, nameof(Columns));
        var rows = (Charts.Count + columns - 1) / columns;
        var top = place.Top;
        if (Title is not null)
        {
            top += TitleHeight;
            ChartFont.EnsureRegistered();
            using var font = new SKFont(Fonts.GetTypeface(ChartFont.Name, false, false), Theme.TitleSize + 2) { Edging = SKFontEdging.Antialias };
            using var paint = new SKPaint { Color = Theme.Ink.ToSKColor(), IsAntialias = true };
            canvas.DrawText(Title, place.Left + place.Width / 2, place.Top + TitleHeight - 12, SKTextAlign.Center, font, paint);
        }
        var (width, height) = ((int)(place.Width / columns), (int)((place.Bottom - top) / rows));
        foreach (var (index, chart) in Charts.Index())
        {
            var (left, upper) = (place.Left + index % columns * width, top + index / columns * height);
            RenderInto(chart, canvas, new PixelRect(left, left + width, upper + height, upper));
        }
    }

    private protected override void Draw(Plot plot, int width, int height) => throw new System.Diagnostics.UnreachableException("Panels draw their charts, not themselves.");
}
