// B images, C channels, H x W pixels

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Visual information fidelity in the pixel domain: how much of the information that the eye draws from the target it can still draw from the image, over four scales.
/// 1 for equal images, 0 for nothing left, above 1 where contrast was raised; higher is better.
/// </summary>
/// <remarks>
/// Images [B, C, H, W] of any real dtype, at least 41 pixels wide and high, in the range [0, 255] (the eye's noise is measured in it); each channel by itself, the
/// mean of the channels is the image's, the mean of those the result. Sheikh and Bovik 2006, the authors' vifp_mscale. A flat target carries no information: NaN.
/// </remarks>
/// <param name="noise">σ_n², the variance of the eye's noise.</param>
public sealed class Vif(double noise = 2.0) : ScalarMetric<Comparison>(new VifScores(noise))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => VifScores.Mean(states);
}

sealed record VifScores : ImageScores
{
    const double Tiny = 1e-10;

    public VifScores(double noise)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(noise);
        Noise = noise;
    }

    public double Noise { get; }

    protected override int MinSide(int axis) => 41;

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        Tensor? kept = null, all = null;
        for (var scale = 0; scale < 4; scale++)
        {
            var size = (1 << (4 - scale)) + 1;
            var window = ImageWindow.Bell(size / 5.0, size);
            if (scale > 0)
            {
                predictions = EverySecond(window.Filter(predictions));
                targets = EverySecond(window.Filter(targets));
            }
            var (channel, source) = Information(predictions, targets, window);
            kept = kept is null ? channel : kept + channel;
            all = all is null ? source : all + source;
        }
        return (kept! / all!).mean([1]);                                                                           // of [B, C]
    }

    static Tensor EverySecond(Tensor images) => images.slice(2, 0, images.shape[2], 2).slice(3, 0, images.shape[3], 2);

    /// <summary>What passes the distortion, modelled as gain g and noise σ_v² in each window, and what the target holds; each [B, C].</summary>
    (Tensor Kept, Tensor All) Information(Tensor predictions, Tensor targets, ImageWindow window)
    {
        var moments = window.Filter(cat([targets, predictions, targets.square(), predictions.square(), targets * predictions])).chunk(5);
        var targetVariance = (moments[2] - moments[0].square()).relu();
        var variance = (moments[3] - moments[1].square()).relu();
        var covariance = moments[4] - (moments[0] * moments[1]);
        var gain = covariance / (targetVariance + Tiny);
        var blank = targetVariance.lt(Tiny);
        var opposed = gain.lt(0);
        // No gain where there is nothing to pass, nothing passed, or the opposite of it: all of the variance is noise then.
        var none = blank.logical_or(opposed).logical_or(variance.lt(Tiny));
        var residue = where(variance.lt(Tiny), 0.0, where(blank.logical_or(opposed), variance, variance - (gain * covariance))).clamp_min(Tiny);
        var signal = where(blank, 0.0, targetVariance);
        var passed = where(none, 0.0, gain).square() * signal / (residue + Noise);
        return ((passed + 1).log10().sum(2, 3), (signal / Noise + 1).log10().sum(2, 3));
    }
}
