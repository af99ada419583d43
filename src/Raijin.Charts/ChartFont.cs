using ScottPlot;
using SkiaSharp;

namespace Raijin.Charts;

/// <summary>The one font charts are written in, DejaVu Sans, from this assembly's resources: a machine without fonts draws the same text.</summary>
sealed class ChartFont : IFontResolver
{
    /// <summary>Its name, which no system font has.</summary>
    public const string Name = "Raijin DejaVu Sans";

    const string Resource = "DejaVuSans.ttf";

    static readonly Lazy<ChartFont> Instance = new(Register);

    readonly SKTypeface _typeface = Load();

    /// <summary>Makes the font known to the drawing library, once a process.</summary>
    public static void EnsureRegistered() => _ = Instance.Value;

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == Name ? _typeface : null;

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) => fontName == Name ? _typeface : null;

    static ChartFont Register()
    {
        var font = new ChartFont();
        Fonts.FontResolvers.Add(font);
        return font;
    }

    static SKTypeface Load()
    {
        using var stream = typeof(ChartFont).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"{typeof(ChartFont).Assembly.GetName().Name} lacks its resource {Resource}: the build is damaged.");
        using var data = SKData.Create(stream);
        return SKTypeface.FromData(data);
    }
}
