using System.Globalization;
using Raijin.Data;

namespace Raijin;

/// <summary>Leaves the middle of an image; one that is smaller is padded around with black first. torchvision: <c>CenterCrop</c>.</summary>
/// <param name="Height">Rows, at least 1.</param>
/// <param name="Width">Columns, at least 1.</param>
public sealed record CenterCrop(int Height, int Width) : ImageTransform
{
    /// <summary>A square.</summary>
    public CenterCrop(int side) : this(side, side) { }

    /// <summary>Rows.</summary>
    public int Height { get; init => field = Setting.Positive(value, nameof(Height)); } = Setting.Positive(Height, nameof(Height));

    /// <summary>Columns.</summary>
    public int Width { get; init => field = Setting.Positive(value, nameof(Width)); } = Setting.Positive(Width, nameof(Width));

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (lackX, lackY) = (Math.Max(0, Width - image.Width), Math.Max(0, Height - image.Height));
        if (lackX > 0 || lackY > 0) Border.Draw(image, lackX / 2, lackY / 2, (lackX + 1) / 2, (lackY + 1) / 2, PaddingMode.Constant, default);
        // Half a pixel goes to the even side, as torchvision's rounding has it.
        image.Crop((int)Math.Round((image.Width - Width) / 2.0), (int)Math.Round((image.Height - Height) / 2.0), Width, Height);
    }
}

/// <summary>Leaves a part of an image, anywhere, all places being as likely. torchvision: <c>RandomCrop</c>.</summary>
/// <param name="Height">Rows, at least 1.</param>
/// <param name="Width">Columns, at least 1.</param>
public sealed record RandomCrop(int Height, int Width) : ImageTransform
{
    /// <summary>A square.</summary>
    public RandomCrop(int side) : this(side, side) { }

    /// <summary>Rows.</summary>
    public int Height { get; init => field = Setting.Positive(value, nameof(Height)); } = Setting.Positive(Height, nameof(Height));

    /// <summary>Columns.</summary>
    public int Width { get; init => field = Setting.Positive(value, nameof(Width)); } = Setting.Positive(Width, nameof(Width));

    /// <summary>Pixels that are added on every side first. <value>Default 0; 4 is usual for CIFAR.</value></summary>
    public int Padding { get; init => field = Setting.NotNegative(value, nameof(Padding)); }

    /// <summary>What the added pixels are. <value>Default <see cref="PaddingMode.Constant"/>.</value></summary>
    public PaddingMode PaddingMode { get; init => field = Setting.Defined(value, nameof(PaddingMode)); }

    /// <summary>Colour of added pixels. <value>Default black.</value></summary>
    public Rgb Fill { get; init; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The padded image is smaller than the crop.</exception>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        if (Padding > 0) Border.Draw(image, Padding, Padding, Padding, Padding, PaddingMode, Fill);
        if (image.Width < Width || image.Height < Height)
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                $"A crop of {Width} × {Height} does not fit an image of {image.Width} × {image.Height}: resize or pad it first."));
        var left = (int)random.NextInt64(image.Width - Width + 1);
        image.Crop(left, (int)random.NextInt64(image.Height - Height + 1), Width, Height);
    }
}

/// <summary>
/// Leaves a part of an image with a random area and proportion, anywhere, and resizes it: the usual augmentation of photographs (Szegedy et al.
/// 2015, arXiv:1409.4842). torchvision: <c>RandomResizedCrop</c>.
/// </summary>
/// <remarks>
/// Ten sizes are tried; where none fits the image, its middle with the nearest allowed proportion is taken. Of a JPEG only what is left is decoded.
/// </remarks>
/// <param name="Height">Rows of the result, at least 1.</param>
/// <param name="Width">Columns of the result, at least 1.</param>
public sealed record RandomResizedCrop(int Height, int Width) : ImageTransform
{
    const int Attempts = 10;

    /// <summary>A square.</summary>
    public RandomResizedCrop(int side) : this(side, side) { }

    /// <summary>Rows of the result.</summary>
    public int Height { get; init => field = Setting.Positive(value, nameof(Height)); } = Setting.Positive(Height, nameof(Height));

    /// <summary>Columns of the result.</summary>
    public int Width { get; init => field = Setting.Positive(value, nameof(Width)); } = Setting.Positive(Width, nameof(Width));

    /// <summary>Share of the image's area that is taken. <value>Default 0.08 to 1; above 0, at most 1.</value></summary>
    public Between Scale { get; init => field = Setting.Within(value, 0, 1, nameof(Scale)); } = new(0.08, 1);

    /// <summary>Width by height of what is taken, drawn logarithmically. <value>Default 3/4 to 4/3; above 0.</value></summary>
    public Between Ratio { get; init => field = Setting.Within(value, 0, double.MaxValue, nameof(Ratio)); } = new(3.0 / 4, 4.0 / 3);

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        var box = Draw(image.Width, image.Height, random);
        image.Crop(box.Left, box.Top, box.Width, box.Height);
        image.Resize(Width, Height);
    }

    internal Box Draw(int width, int height, RandomStream random)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var area = (double)width * height * Scale.Draw(random);
            var ratio = Ratio.DrawLogarithmic(random);
            var (w, h) = (Math.Round(Math.Sqrt(area * ratio)), Math.Round(Math.Sqrt(area / ratio)));
            if (w < 1 || h < 1 || w > width || h > height) continue;
            var top = (int)random.NextInt64(height - (int)h + 1);
            return new((int)random.NextInt64(width - (int)w + 1), top, (int)w, (int)h);
        }

        var (whole, wide, high) = ((double)width / height, width, height);
        if (whole < Ratio.Least) high = (int)Math.Clamp(Math.Round(width / Ratio.Least), 1, height);
        else if (whole > Ratio.Most) wide = (int)Math.Clamp(Math.Round(height * Ratio.Most), 1, width);
        return new((width - wide) / 2, (height - high) / 2, wide, high);
    }
}
