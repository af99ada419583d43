// B images, C channels, H x W pixels, w window

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Root mean squared error in a sliding window: the mean over all positions of √(mean of the squared errors in a w × w window). [0, ∞), lower is better.
/// </summary>
/// <remarks>
/// Images [B, C, H, W] of any real dtype; the mean of each image's. As in torchmetrics (after sewar) the positions are those at least w/2 pixels, rounded half to even,
/// from every border: all windows lie inside.
/// </remarks>
/// <param name="windowSize">w.</param>
public sealed class RmseSw(int windowSize = 8) : ScalarMetric<Comparison>(new RmseSwScores(windowSize))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => RmseSwScores.Mean(states);
}

/// <summary>
/// Relative average spectral error: the mean over all positions of 100 / μ · √(1/C Σ_c RMSE_c²), RMSE_c and the target's mean μ over all channels taken in a w × w window.
/// [0, ∞), in percent, lower is better.
/// </summary>
/// <remarks>
/// Images [B, C, H, W] of any real dtype; the mean of each image's, positions as <see cref="RmseSw"/>. González-Audícana et al. 2004, in windows. torchmetrics (after sewar) divides the
/// window's mean by w² once more, so that its number is w² times this one; and it averages the maps of all images before it divides. A window of mean 0 makes it
/// infinite or NaN.
/// </remarks>
/// <param name="windowSize">w.</param>
public sealed class Rase(int windowSize = 8) : ScalarMetric<Comparison>(new RaseScores(windowSize))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => RaseScores.Mean(states);
}

/// <summary>Means in a window that slides over an image.</summary>
abstract record SlidingScores : ImageScores
{
    protected SlidingScores(int windowSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(windowSize);
        WindowSize = windowSize;
    }

    public int WindowSize { get; }

    int Margin => (int)Math.Round(WindowSize / 2.0, MidpointRounding.ToEven);

    protected override int MinSide(int axis) => Math.Max(WindowSize, (2 * Margin) + 1);

    /// <summary>The mean in the window at every position, [B, C, H - 2 margin, W - 2 margin].</summary>
    protected Tensor Means(Tensor images)
    {
        var means = ImageWindow.Uniform(WindowSize).Filter(images);
        // Position i of the image is the window of pixels i - w/2 onwards.
        var skipped = Margin - (WindowSize / 2);
        return means.narrow(2, skipped, images.shape[2] - (2 * Margin)).narrow(3, skipped, images.shape[3] - (2 * Margin));
    }
}

sealed record RmseSwScores(int WindowSize) : SlidingScores(WindowSize)
{
    protected override Tensor Scores(Tensor predictions, Tensor targets) => ImageTensor.MeanOfEach(SampleTensor.PositivePower(Means((predictions - targets).square()), 0.5));
}

sealed record RaseScores(int WindowSize) : SlidingScores(WindowSize)
{
    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        var error = Means((predictions - targets).square()).mean([1]);                                             // [B, H', W']
        return ImageTensor.MeanOfEach(SampleTensor.PositivePower(error, 0.5) * 100 / Means(targets).mean([1]));
    }
}
