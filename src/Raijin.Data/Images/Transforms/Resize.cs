namespace Raijin;

/// <summary>Resizes, bilinearly with antialiasing. torchvision: <c>Resize</c>.</summary>
public sealed record Resize : ImageTransform
{
    /// <summary>To one size, whatever the proportions.</summary>
    public Resize(int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        (Height, Width) = (height, width);
    }

    /// <summary>The shorter side to a length, the other in proportion (rounded down).</summary>
    public Resize(int shorterSide)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shorterSide);
        ShorterSide = shorterSide;
    }

    /// <summary>The shorter side, or null where both sides are given.</summary>
    public int? ShorterSide { get; }

    /// <summary>Rows, or null where the shorter side is given.</summary>
    public int? Height { get; }

    /// <summary>Columns, or null where the shorter side is given.</summary>
    public int? Width { get; }

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (ShorterSide is not { } side)
        {
            image.Resize(Width!.Value, Height!.Value);
            return;
        }
        var longer = (int)((long)side * Math.Max(image.Width, image.Height) / Math.Min(image.Width, image.Height));
        if (image.Width < image.Height) image.Resize(side, longer);
        else image.Resize(longer, side);
    }
}
