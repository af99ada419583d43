// B images, C channels, … = H W or D H W
// With s = x + y, d = x - y and their local moments, 2 μx μy = (μs² - μd²) / 2, μx² + μy² = (μs² + μd²) / 2, 2 σxy = (σs² - σd²) / 2 and
// σx² + σy² = (σs² + σd²) / 2: four filtered maps instead of five, and |SSIM| <= 1 whatever is rounded.

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using PaddingModes = TorchSharp.PaddingModes;

namespace Raijin;

/// <summary>What local statistics do at the border of an image.</summary>
public enum ImageBorder
{
    /// <summary>Only windows that lie wholly inside the image count: the map is smaller than the image by the window. As the paper of SSIM and scikit-image.</summary>
    Valid,

    /// <summary>The image is mirrored outwards, its outermost pixels once, and the map is as large as the image. As torchmetrics.</summary>
    Reflect,
}

/// <summary>
/// Structural similarity: the mean over all positions of (2 μx μy + c1)(2 σxy + c2) / ((μx² + μy² + c1)(σx² + σy² + c2)), c1 = (k1 R)², c2 = (k2 R)²,
/// with means and variances over a window around the position. [-1, 1], higher is better, 1 for equal images.
/// </summary>
/// <remarks>
/// Images [B, C, H, W] or volumes [B, C, D, H, W] of any real dtype, at least as large as the window; the mean of each image's. Wang et al. 2004. As
/// scikit-image's <c>structural_similarity</c> with <c>gaussian_weights=True, use_sample_covariance=False</c>; torchmetrics' map counts the mirrored border too:
/// take <see cref="ImageBorder.Reflect"/> for its number. The range is always given: what torchmetrics finds in a batch differs from batch to batch.
/// </remarks>
/// <param name="dataRange">R, the largest minus the smallest value a pixel may have: 1 for [0, 1], 255 for bytes.</param>
/// <param name="window">Over what the statistics are taken; null: Gaussian of σ = 1.5.</param>
/// <param name="k1">Steadies the means.</param>
/// <param name="k2">Steadies the variances.</param>
/// <param name="border">What they do at the border.</param>
public sealed class Ssim(double dataRange = 1.0, ImageWindow? window = null, double k1 = 0.01, double k2 = 0.03, ImageBorder border = ImageBorder.Valid)
    : ScalarMetric<Comparison>(new SsimScores(new(dataRange, window, k1, k2, border)))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SsimScores.Mean(states);
}

/// <summary>Similarity at every position. The caller owns both tensors; gradients flow through.</summary>
/// <param name="Similarity">Contrast times likeness of the means, [B, C, H', W'] or [B, C, D', H', W'].</param>
/// <param name="Contrast">(2 σxy + c2) / (σx² + σy² + c2), contrast and structure without the means; of the same shape.</param>
public readonly record struct SsimMaps(Tensor Similarity, Tensor Contrast);

sealed record SsimScores(SsimFormula Formula) : ImageScores
{
    protected override bool Volumes => true;

    protected override int MinSide(int axis) => Formula.MinSide(axis);

    public override void Check(in Comparison batch)
    {
        Formula.CheckAxes(batch.Predictions);
        base.Check(in batch);
    }

    protected override Tensor Scores(Tensor predictions, Tensor targets) => ImageTensor.MeanOfEach(Formula.Maps(predictions, targets).Similarity);

    public SsimMaps Maps(Tensor predictions, Tensor targets)
    {
        Check(new(predictions, targets));
        using var scope = NewDisposeScope();
        var maps = Formula.Maps(SampleTensor.Floating(predictions), SampleTensor.Floating(targets).to(predictions.device));
        return new(maps.Similarity.MoveToOuterDisposeScope(), maps.Contrast.MoveToOuterDisposeScope());
    }
}

/// <summary>The formula of SSIM with its constants.</summary>
sealed record SsimFormula
{
    public SsimFormula(double dataRange, ImageWindow? window, double k1, double k2, ImageBorder border)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dataRange);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k2);
        Window = window ?? ImageWindow.Gaussian();
        Border = border;
        MeanConstant = k1 * dataRange * (k1 * dataRange);
        ContrastConstant = k2 * dataRange * (k2 * dataRange);
        if (border == ImageBorder.Reflect && !Window.HasMiddle)
            throw new ArgumentException($"The window {Window} has no middle pixel: with a mirrored border its sizes are odd.", nameof(window));
    }

    public ImageWindow Window { get; }

    public ImageBorder Border { get; }

    public double MeanConstant { get; }

    public double ContrastConstant { get; }

    // Mirroring a border of p pixels needs p + 1 of them.
    public int MinSide(int axis) => Border == ImageBorder.Valid ? Window.Size(axis) : (Window.Size(axis) / 2) + 1;

    public void CheckAxes(Tensor images)
    {
        var axes = HostTensor.Sizes(images).Length - 2;
        if (!Window.Fits(axes)) ShapeMismatchException.Throw("predictions", $"as many axes as the window {Window} has", ShapeText.Of(images));
    }

    public SsimMaps Maps(Tensor x, Tensor y)
    {
        if (Border == ImageBorder.Reflect) (x, y) = (Reflect(x), Reflect(y));
        var (sum, difference) = (x + y, x - y);
        var moments = Window.Filter(cat([sum, difference, sum.square(), difference.square()])).chunk(4);
        var (sumMean, differenceMean) = (moments[0].square(), moments[1].square());
        var sumVariance = (moments[2] - sumMean).relu();
        var differenceVariance = (moments[3] - differenceMean).relu();
        var contrast = (sumVariance - differenceVariance + (2 * ContrastConstant)) / (sumVariance + differenceVariance + (2 * ContrastConstant));
        var likeness = (sumMean - differenceMean + (2 * MeanConstant)) / (sumMean + differenceMean + (2 * MeanConstant));
        return new(likeness * contrast, contrast);
    }

    Tensor Reflect(Tensor images)
    {
        var axes = (int)images.dim() - 2;
        var pad = new long[2 * axes];                                                                              // last axis first
        for (var axis = 0; axis < axes; axis++) pad[2 * (axes - 1 - axis)] = pad[(2 * (axes - 1 - axis)) + 1] = Window.Size(axis) / 2;
        return functional.pad(images, pad, PaddingModes.Reflect);
    }
}
