using Raijin.Data;

namespace Raijin;

/// <summary>
/// A few operations out of fourteen, drawn with replacement, all at one strength (Cubuk et al. 2020, arXiv:1909.13719). torchvision:
/// <c>RandAugment</c>, with its ranges.
/// </summary>
public sealed record RandAugment : ImageTransform
{
    /// <summary>Operations for each image. <value>Default 2; 0 or more.</value></summary>
    public int Operations { get; init => field = Setting.NotNegative(value, nameof(Operations)); } = 2;

    /// <summary>Their strength. <value>Default 9; 0 (the weakest) to <see cref="Strengths"/> − 1.</value></summary>
    public int Magnitude { get; init => field = Setting.NotNegative(value, nameof(Magnitude)); } = 9;

    /// <summary>Steps from the weakest to the strongest. <value>Default 31; 2 or more.</value></summary>
    public int Strengths { get; init => field = Setting.Allowed(value, value >= 2, nameof(Strengths), "At least 2 strengths are expected."); } = 31;

    /// <summary>How pixels between pixels are made. <value>Default <see cref="Interpolation.Nearest"/>.</value></summary>
    public Interpolation Interpolation { get; init => field = Setting.Defined(value, nameof(Interpolation)); }

    /// <summary>Colour of what was outside the image. <value>Default black.</value></summary>
    public Rgb Fill { get; init; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The magnitude is not below the number of strengths.</exception>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        if (Magnitude >= Strengths)
            throw new InvalidOperationException($"{nameof(Magnitude)} = {Magnitude}, but there are {Strengths} strengths: give 0 to {Strengths - 1}.");
        var strength = (double)Magnitude / (Strengths - 1);
        for (var i = 0; i < Operations; i++)
        {
            var operation = (Augmentation)random.NextInt64(Augmentations.Count);
            operation.Apply(image, AugmentationRanges.Standard, strength, random.NextDouble() < 0.5, Interpolation, Fill);
        }
    }
}

/// <summary>
/// One operation out of fourteen at a random strength: nothing to tune (Müller and Hutter 2021, arXiv:2103.10158). torchvision:
/// <c>TrivialAugmentWide</c>, with its ranges.
/// </summary>
public sealed record TrivialAugment : ImageTransform
{
    const int Strengths = 31;

    /// <summary>How pixels between pixels are made. <value>Default <see cref="Interpolation.Nearest"/>.</value></summary>
    public Interpolation Interpolation { get; init => field = Setting.Defined(value, nameof(Interpolation)); }

    /// <summary>Colour of what was outside the image. <value>Default black.</value></summary>
    public Rgb Fill { get; init; }

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        var operation = (Augmentation)random.NextInt64(Augmentations.Count);
        var strength = (double)random.NextInt64(Strengths) / (Strengths - 1);
        operation.Apply(image, AugmentationRanges.Wide, strength, random.NextDouble() < 0.5, Interpolation, Fill);
    }
}
