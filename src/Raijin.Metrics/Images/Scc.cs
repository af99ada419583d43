// B images, C channels, H x W pixels, w window

using Raijin.Metrics;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using PaddingModes = TorchSharp.PaddingModes;

namespace Raijin;

/// <summary>
/// Spatial correlation coefficient: the mean over all positions of the correlation, in a w × w window, of the details of image and target. [-1, 1], higher is better.
/// </summary>
/// <remarks>
/// Images [B, C, H, W] of any real dtype; the mean of each image's. Details are what the 3 × 3 Laplacian [-1 -1 -1; -1 8 -1; -1 -1 -1] leaves, of an image mirrored at its border
/// (Zhou, Civco and Silander 1998); beyond it they are 0, so that there are as many positions as pixels (sewar, torchmetrics). A window without details in one of the
/// two counts as 0. torchmetrics computes in float32 whatever it is given.
/// </remarks>
/// <param name="windowSize">w, not larger than the image.</param>
public sealed class Scc(int windowSize = 8) : ScalarMetric<Comparison>(new SccScores(windowSize))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SccScores.Mean(states);
}

sealed record SccScores : ImageScores
{
    public SccScores(int windowSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(windowSize);
        WindowSize = windowSize;
    }

    public int WindowSize { get; }

    protected override int MinSide(int axis) => WindowSize;

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        var window = ImageWindow.Uniform(WindowSize);
        var (before, after) = (WindowSize / 2, (WindowSize - 1) / 2);
        var (details, noise) = Details(predictions);
        var (targetDetails, targetNoise) = Details(targets);
        details = functional.pad(details, [before, after, before, after]);
        targetDetails = functional.pad(targetDetails, [before, after, before, after]);
        var moments = window.Filter(cat([details, targetDetails, details.square(), targetDetails.square(), details * targetDetails])).chunk(5);
        var variance = moments[2] - moments[0].square();
        var targetVariance = moments[3] - moments[1].square();
        var plain = variance.le(noise).logical_or(targetVariance.le(targetNoise));
        var scale = where(plain, 1.0, variance).sqrt() * where(plain, 1.0, targetVariance).sqrt();
        return ImageTensor.MeanOfEach(where(plain, 0.0, (moments[4] - (moments[0] * moments[1])) / scale));
    }

    /// <summary>The image less its mean over 3 × 3, which is the Laplacian but for a factor; and the variance that rounding alone gives it, [B, 1, 1, 1].</summary>
    static (Tensor Details, Tensor Noise) Details(Tensor images)
    {
        var details = images - ImageWindow.Uniform(3).Filter(functional.pad(images, [1, 1, 1, 1], PaddingModes.Replicate));
        var noise = images.detach().abs().amax([1, 2, 3], keepdim: true).mul(4 * SampleTensor.Epsilon(images)).square();
        return (details, noise);
    }
}
