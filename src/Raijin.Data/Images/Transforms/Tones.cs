using Raijin.Data;

namespace Raijin;

/// <summary>
/// Changes brightness, contrast, saturation and hue by random amounts, in a random order. torchvision: <c>ColorJitter</c>.
/// </summary>
public sealed record ColorJitter : ImageTransform
{
    /// <summary>The factor of the brightness lies in 1 ± this, at least 0. <value>Default 0: unchanged.</value></summary>
    public double Brightness { get; init => field = Setting.NotNegative(value, nameof(Brightness)); }

    /// <summary>The factor of the distance to the image's mean grey lies in 1 ± this, at least 0. <value>Default 0: unchanged.</value></summary>
    public double Contrast { get; init => field = Setting.NotNegative(value, nameof(Contrast)); }

    /// <summary>The factor of the distance to the pixel's grey lies in 1 ± this, at least 0. <value>Default 0: unchanged.</value></summary>
    public double Saturation { get; init => field = Setting.NotNegative(value, nameof(Saturation)); }

    /// <summary>The most that the hue is turned either way, as a share of the circle. <value>Default 0: unchanged; at most 0.5.</value></summary>
    public double Hue { get; init => field = Setting.Allowed(value, value is >= 0 and <= 0.5, nameof(Hue), "A share of the colour circle is expected: 0 to 0.5."); }

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        Span<int> order = [0, 1, 2, 3];
        random.Shuffle(order);
        foreach (var which in order)
        {
            switch (which)
            {
                case 0 when Brightness > 0: Tone.Brightness(image, Around(Brightness, random)); break;
                case 1 when Contrast > 0: Tone.Contrast(image, Around(Contrast, random)); break;
                case 2 when Saturation > 0: Tone.Saturation(image, Around(Saturation, random)); break;
                case 3 when Hue > 0: Tone.Hue(image, new Between(-Hue, Hue).Draw(random)); break;
            }
        }
    }

    static double Around(double amount, RandomStream random) => new Between(Math.Max(0, 1 - amount), 1 + amount).Draw(random);
}

/// <summary>Replaces every pixel by its grey, in all three channels. torchvision: <c>Grayscale(3)</c>, <c>RandomGrayscale</c>.</summary>
/// <param name="Probability">How likely. <value>Default 1; 0 to 1.</value></param>
public sealed record Greyscale(double Probability = 1) : ImageTransform
{
    /// <summary>How likely.</summary>
    public double Probability { get; init => field = Setting.Probability(value, nameof(Probability)); } = Setting.Probability(Probability, nameof(Probability));

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        if (random.NextDouble() < Probability) ColorPass.Run(image.Pixels, new ToGrey());
    }
}

/// <summary>Keeps the highest bits of every channel. torchvision: <c>functional.posterize</c>.</summary>
/// <param name="Bits">Bits that stay, 0 to 8.</param>
public sealed record Posterize(int Bits) : ImageTransform
{
    /// <summary>Bits that stay.</summary>
    public int Bits { get; init => field = Checked(value); } = Checked(Bits);

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ColorPass.Run(image.Pixels, new KeepBits(Bits));
    }

    static int Checked(int bits) => Setting.Allowed(bits, bits is >= 0 and <= 8, nameof(Bits), "0 to 8 bits are expected.");
}

/// <summary>Inverts the channels' values from a threshold on; from 0: the whole image. torchvision: <c>functional.solarize</c>, <c>functional.invert</c>.</summary>
/// <param name="Threshold">The least value that is inverted; finite.</param>
public sealed record Solarize(double Threshold) : ImageTransform
{
    /// <summary>The least value that is inverted.</summary>
    public double Threshold { get; init => field = Setting.Finite(value, nameof(Threshold)); } = Setting.Finite(Threshold, nameof(Threshold));

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ColorPass.Run(image.Pixels, new InvertFrom(Math.Clamp(Threshold, 0, 256)));
    }
}

/// <summary>Stretches each channel to 0 to 255. torchvision: <c>functional.autocontrast</c>.</summary>
public sealed record AutoContrast : ImageTransform
{
    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        Tone.AutoContrast(image);
    }
}

/// <summary>Makes each channel's values as frequent as each other. torchvision: <c>functional.equalize</c>.</summary>
public sealed record Equalize : ImageTransform
{
    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        Tone.Equalize(image);
    }
}

/// <summary>Moves an image away from its blurred copy. torchvision: <c>functional.adjust_sharpness</c>.</summary>
/// <param name="Factor">0: blurred, 1: unchanged, 2: sharper; 0 or more.</param>
public sealed record Sharpen(double Factor) : ImageTransform
{
    /// <summary>How sharp.</summary>
    public double Factor { get; init => field = Setting.NotNegative(value, nameof(Factor)); } = Setting.NotNegative(Factor, nameof(Factor));

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        Tone.Sharpness(image, Factor);
    }
}
