using System.Diagnostics;

namespace Raijin.Data;

/// <summary>The fourteen operations of RandAugment.</summary>
enum Augmentation
{
    Identity, ShearX, ShearY, TranslateX, TranslateY, Rotate, Brightness, Color, Contrast, Sharpness, Posterize, Solarize, AutoContrast, Equalize,
}

/// <summary>What each operation does at full strength.</summary>
/// <param name="Shear">Tangent of the angle.</param>
/// <param name="Translate">Pixels, by the side's length.</param>
/// <param name="Degrees">Angle.</param>
/// <param name="Enhance">Distance of the factor from 1, of brightness, colour, contrast and sharpness.</param>
/// <param name="BitsLost">Bits that posterizing takes.</param>
sealed record AugmentationRanges(double Shear, Func<int, double> Translate, double Degrees, double Enhance, int BitsLost)
{
    /// <summary>Those of RandAugment; a shift by up to 150 of ImageNet's 331 pixels.</summary>
    public static AugmentationRanges Standard { get; } = new(0.3, side => 150.0 / 331 * side, 30, 0.9, 4);

    /// <summary>Those of TrivialAugment.</summary>
    public static AugmentationRanges Wide { get; } = new(0.99, _ => 32, 135, 0.99, 6);
}

static class Augmentations
{
    public const int Count = 14;

    /// <summary>Applies an operation.</summary>
    /// <param name="strength">0 to 1.</param>
    /// <param name="negative">Whether an operation that has two directions takes the other one.</param>
    public static void Apply(
        this Augmentation operation, RgbImage image, AugmentationRanges ranges, double strength, bool negative, Interpolation interpolation, Rgb fill)
    {
        var sign = negative ? -1 : 1;
        switch (operation)
        {
            case Augmentation.Identity: break;
            case Augmentation.ShearX: Draw(AffineMap.Lean(sign * strength * ranges.Shear, 0)); break;
            case Augmentation.ShearY: Draw(AffineMap.Lean(0, sign * strength * ranges.Shear)); break;
            case Augmentation.TranslateX: Draw(AffineMap.Shift(Math.Truncate(sign * strength * ranges.Translate(image.Width)), 0)); break;
            case Augmentation.TranslateY: Draw(AffineMap.Shift(0, Math.Truncate(sign * strength * ranges.Translate(image.Height)))); break;
            case Augmentation.Rotate: Draw(AffineMap.Turn(image, sign * strength * ranges.Degrees)); break;
            case Augmentation.Brightness: Tone.Brightness(image, 1 + sign * strength * ranges.Enhance); break;
            case Augmentation.Color: Tone.Saturation(image, 1 + sign * strength * ranges.Enhance); break;
            case Augmentation.Contrast: Tone.Contrast(image, 1 + sign * strength * ranges.Enhance); break;
            case Augmentation.Sharpness: Tone.Sharpness(image, 1 + sign * strength * ranges.Enhance); break;
            case Augmentation.Posterize: ColorPass.Run(image.Pixels, new KeepBits(8 - (int)Math.Round(strength * ranges.BitsLost))); break;
            case Augmentation.Solarize: ColorPass.Run(image.Pixels, new InvertFrom(255 * (1 - strength))); break;
            case Augmentation.AutoContrast: Tone.AutoContrast(image); break;
            case Augmentation.Equalize: Tone.Equalize(image); break;
            default: throw new UnreachableException();
        }

        void Draw(AffineMap map) => map.Draw(image, interpolation, fill);
    }
}
