using Raijin.Data;

namespace Raijin;

/// <summary>Exchanges left and right of some images. torchvision: <c>RandomHorizontalFlip</c>.</summary>
/// <param name="Probability">How likely. <value>Default 0.5; 0 to 1.</value></param>
public sealed record RandomHorizontalFlip(double Probability = 0.5) : ImageTransform
{
    /// <summary>How likely.</summary>
    public double Probability { get; init => field = Setting.Probability(value, nameof(Probability)); } = Setting.Probability(Probability, nameof(Probability));

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        if (random.NextDouble() < Probability) image.FlipHorizontal();
    }
}

/// <summary>Exchanges top and bottom of some images. torchvision: <c>RandomVerticalFlip</c>.</summary>
/// <param name="Probability">How likely. <value>Default 0.5; 0 to 1.</value></param>
public sealed record RandomVerticalFlip(double Probability = 0.5) : ImageTransform
{
    /// <summary>How likely.</summary>
    public double Probability { get; init => field = Setting.Probability(value, nameof(Probability)); } = Setting.Probability(Probability, nameof(Probability));

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(random);
        if (random.NextDouble() < Probability) image.FlipVertical();
    }
}
