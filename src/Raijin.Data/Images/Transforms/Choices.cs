using Raijin.Data;

namespace Raijin;

/// <summary>Applies transforms to some images. torchvision: <c>RandomApply</c>.</summary>
/// <param name="Probability">How likely, 0 to 1.</param>
/// <param name="Transforms">What to apply.</param>
public sealed record RandomApply(double Probability, ImageTransforms Transforms) : ImageTransform
{
    /// <summary>How likely.</summary>
    public double Probability { get; init => field = Setting.Probability(value, nameof(Probability)); } = Setting.Probability(Probability, nameof(Probability));

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (random.NextDouble() < Probability) Transforms.Apply(image, random);
    }
}

/// <summary>Applies one of some transforms, each as likely. torchvision: <c>RandomChoice</c>.</summary>
/// <param name="Transforms">At least one.</param>
public sealed record RandomChoice(ImageTransforms Transforms) : ImageTransform
{
    /// <summary>The transforms.</summary>
    public ImageTransforms Transforms { get; init => field = NotEmpty(value); } = NotEmpty(Transforms);

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Transforms[(int)random.NextInt64(Transforms.Count)].Apply(image, random);
    }

    static ImageTransforms NotEmpty(ImageTransforms transforms)
    {
        ArgumentNullException.ThrowIfNull(transforms);
        return Setting.Allowed(transforms, transforms.Count > 0, nameof(Transforms), "At least one transform to choose from is expected.");
    }
}
