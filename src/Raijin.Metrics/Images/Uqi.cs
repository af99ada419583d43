// B images, C channels, H x W pixels; s = x + y, d = x - y as in SSIM

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Universal quality index: the mean over all positions of 4 σxy μx μy / ((σx² + σy²)(μx² + μy²)), SSIM without its constants. [-1, 1], higher is better,
/// 1 for equal images.
/// </summary>
/// <remarks>
/// Images [B, C, H, W] of any real dtype, at least as large as the window, of any range; windows wholly inside only; the mean of each image's. Wang and Bovik 2002,
/// who take <c>ImageWindow.Uniform(8)</c>; the default is the Gaussian window of SSIM, as in torchmetrics. Where both windows are flat (variances
/// within the rounding of their means) it is 2 μx μy / (μx² + μy²), as in the authors' program, and where both means are 0 that factor is 1; torchmetrics gives 0 in both.
/// </remarks>
/// <param name="window">Over what the statistics are taken; null: Gaussian of σ = 1.5.</param>
public sealed class Uqi(ImageWindow? window = null) : ScalarMetric<Comparison>(new UqiScores(window ?? ImageWindow.Gaussian()))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => UqiScores.Mean(states);
}

sealed record UqiScores(ImageWindow Window) : ImageScores
{
    protected override int MinSide(int axis) => Window.Size(axis);

    public override void Check(in Comparison batch)
    {
        if (!Window.Fits(2)) ShapeMismatchException.Throw("window", "one size, or one for H and one for W", Window.ToString());
        base.Check(in batch);
    }

    protected override Tensor Scores(Tensor predictions, Tensor targets) => ImageTensor.MeanOfEach(Map(predictions, targets, Window));

    /// <summary>The index at every position, [B, C, H', W'].</summary>
    public static Tensor Map(Tensor x, Tensor y, ImageWindow window)
    {
        var (sum, difference) = (x + y, x - y);
        var moments = window.Filter(cat([sum, difference, sum.square(), difference.square()])).chunk(4);
        var (sumMean, differenceMean) = (moments[0].square(), moments[1].square());
        var power = sumMean + differenceMean;                                                                      // 2 (μx² + μy²)
        var sumVariance = (moments[2] - sumMean).relu();
        var differenceVariance = (moments[3] - differenceMean).relu();
        var variance = sumVariance + differenceVariance;                                                           // 2 (σx² + σy²)
        var flat = variance.le(power * (16 * SampleTensor.Epsilon(x)));
        var dark = power.eq(0);
        var contrast = where(flat, 1.0, (sumVariance - differenceVariance) / where(flat, 1.0, variance));
        var likeness = where(dark, 1.0, (sumMean - differenceMean) / where(dark, 1.0, power));
        return contrast * likeness;
    }
}
