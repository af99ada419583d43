using Raijin.Data;

namespace Raijin;

/// <summary>Turns an image about its middle; the size stays. torchvision: <c>functional.rotate</c>.</summary>
/// <param name="Degrees">The angle, counter-clockwise; finite.</param>
public sealed record Rotate(double Degrees) : ImageTransform
{
    /// <summary>The angle, counter-clockwise.</summary>
    public double Degrees { get; init => field = Setting.Finite(value, nameof(Degrees)); } = Setting.Finite(Degrees, nameof(Degrees));

    /// <summary>How pixels between pixels are made. <value>Default <see cref="Interpolation.Nearest"/>.</value></summary>
    public Interpolation Interpolation { get; init => field = Setting.Defined(value, nameof(Interpolation)); }

    /// <summary>Colour of what was outside the image. <value>Default black.</value></summary>
    public Rgb Fill { get; init; }

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        AffineMap.Turn(image, Degrees).Draw(image, Interpolation, Fill);
    }
}

/// <summary>Turns an image about its middle by a random angle. torchvision: <c>RandomRotation</c>.</summary>
/// <param name="Degrees">The range of the angle, counter-clockwise; finite, in order.</param>
public sealed record RandomRotation(Between Degrees) : ImageTransform
{
    /// <summary>By at most so many degrees either way.</summary>
    public RandomRotation(double degrees) : this(new Between(-Setting.NotNegative(degrees, nameof(degrees)), degrees)) { }

    /// <summary>The range of the angle.</summary>
    public Between Degrees { get; init => field = Setting.Ordered(value, nameof(Degrees)); } = Setting.Ordered(Degrees, nameof(Degrees));

    /// <summary>How pixels between pixels are made. <value>Default <see cref="Interpolation.Nearest"/>.</value></summary>
    public Interpolation Interpolation { get; init => field = Setting.Defined(value, nameof(Interpolation)); }

    /// <summary>Colour of what was outside the image. <value>Default black.</value></summary>
    public Rgb Fill { get; init; }

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        AffineMap.Turn(image, Degrees.Draw(random)).Draw(image, Interpolation, Fill);
    }
}

/// <summary>Turns, shifts, scales and shears an image about its middle at random; the size stays. torchvision: <c>RandomAffine</c>.</summary>
/// <param name="Degrees">The range of the angle, clockwise; finite, in order.</param>
public sealed record RandomAffine(Between Degrees) : ImageTransform
{
    /// <summary>By at most so many degrees either way.</summary>
    public RandomAffine(double degrees) : this(new Between(-Setting.NotNegative(degrees, nameof(degrees)), degrees)) { }

    /// <summary>The range of the angle.</summary>
    public Between Degrees { get; init => field = Setting.Ordered(value, nameof(Degrees)); } = Setting.Ordered(Degrees, nameof(Degrees));

    /// <summary>The most it is shifted to the sides, as a share of the width. <value>Default 0; 0 to 1.</value></summary>
    public double TranslateX { get; init => field = Setting.Probability(value, nameof(TranslateX)); }

    /// <summary>The most it is shifted up or down, as a share of the height. <value>Default 0; 0 to 1.</value></summary>
    public double TranslateY { get; init => field = Setting.Probability(value, nameof(TranslateY)); }

    /// <summary>The range of the factor by which it grows. <value>Default 1 to 1; above 0.</value></summary>
    public Between Scale { get; init => field = Setting.Within(value, 0, double.MaxValue, nameof(Scale)); } = new(1, 1);

    /// <summary>The range of degrees by which vertical lines lean. <value>Default 0 to 0.</value></summary>
    public Between ShearX { get; init => field = Setting.Ordered(value, nameof(ShearX)); }

    /// <summary>The range of degrees by which horizontal lines lean. <value>Default 0 to 0.</value></summary>
    public Between ShearY { get; init => field = Setting.Ordered(value, nameof(ShearY)); }

    /// <summary>How pixels between pixels are made. <value>Default <see cref="Interpolation.Nearest"/>.</value></summary>
    public Interpolation Interpolation { get; init => field = Setting.Defined(value, nameof(Interpolation)); }

    /// <summary>Colour of what was outside the image. <value>Default black.</value></summary>
    public Rgb Fill { get; init; }

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        var angle = Degrees.Draw(random);
        var shiftX = Math.Round(new Between(-TranslateX, TranslateX).Draw(random) * image.Width);
        var shiftY = Math.Round(new Between(-TranslateY, TranslateY).Draw(random) * image.Height);
        var scale = Scale.Draw(random);
        var shearX = ShearX.Draw(random);
        AffineMap.About(image.Width / 2.0, image.Height / 2.0, angle, shiftX, shiftY, scale, shearX, ShearY.Draw(random)).Draw(image, Interpolation, Fill);
    }
}
