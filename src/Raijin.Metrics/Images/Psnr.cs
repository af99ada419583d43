// B images

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Peak signal-to-noise ratio: 10 · log_b(R² / MSE), in decibels for b = 10; R is the range of the data. [0, ∞) in practice, higher is better, +∞ for equal images.
/// </summary>
/// <remarks>
/// Images of any real dtype and shape [B, …]. Over all pixels of all images by default, as torchmetrics; or, as papers of restoration report it, the mean of each
/// image's own (torchmetrics: <c>dim=(1, 2, 3)</c>). The range is always given: what torchmetrics finds in a batch differs from batch to batch.
/// </remarks>
public sealed class Psnr : ScalarMetric<Comparison>
{
    readonly double _dataRange;
    readonly double _base;
    readonly bool _perImage;

    /// <summary>An empty ratio.</summary>
    /// <param name="dataRange">R, the largest minus the smallest value a pixel may have: 1 for [0, 1], 255 for bytes.</param>
    /// <param name="logBase">b.</param>
    /// <param name="perImage">The mean of every image's ratio instead of the ratio of all pixels. One image equal to its target makes it infinite.</param>
    public Psnr(double dataRange = 1.0, double logBase = 10.0, bool perImage = false)
        : base(PixelErrors.For(dataRange, logBase))
    {
        (_dataRange, _base, _perImage) = (dataRange, logBase, perImage);
    }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var sums = states[0].ToArray<double>();
        var logError = _perImage ? sums[2] / sums[3] : Math.Log(sums[0] / sums[1]);
        return 10 / Math.Log(_base) * ((2 * Math.Log(_dataRange)) - logError);
    }
}

/// <summary>Squared errors of all pixels and the logarithm of each image's mean of them.</summary>
sealed record PixelErrors : Accumulation<Comparison>
{
    /// <summary>What ratios of that range and base are made of: always the same.</summary>
    public static PixelErrors For(double dataRange, double logBase)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dataRange);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(logBase, 1.0);
        return new();
    }

    public override void Declare(MetricStates states) => states.Add("errors", Reduction.Sum, zeros([4], ScalarType.Float64));

    public override void Check(in Comparison batch)
    {
        SampleTensor.CheckReal(batch.Predictions, batch.Targets);
        var sizes = Raijin.Tensors.HostTensor.Sizes(batch.Predictions);
        if (sizes.Length == 0) ShapeMismatchException.Throw("predictions", "[B, ...]", ShapeText.Of(batch.Predictions));
        SampleTensor.CheckWeights(batch.Weights, sizes[0]);
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        if (batch.Predictions.NumberOfElements == 0) return;
        var each = Of(batch.Predictions, batch.Targets).to(ScalarType.Float64);                                    // [B]
        double pixels = batch.Predictions.NumberOfElements / each.shape[0];
        var weights = batch.Weights is { } given ? given.to(ScalarType.Float64, each.device) : ones_like(each);
        var images = weights.sum();
        states[0].Value.add_(stack([(each * weights).sum() * pixels, images * pixels, where(weights.eq(0), 0.0, each.log() * weights).sum(), images]));
    }

    /// <summary>The mean squared error of each image, [B].</summary>
    public static Tensor Of(Tensor predictions, Tensor targets)
    {
        var error = SampleTensor.Floating(predictions) - SampleTensor.Floating(targets).to(predictions.device);
        return ImageTensor.MeanOfEach(error.square());
    }

    /// <summary>10 log_b(R² / MSE) of each image, [B]; the caller owns it.</summary>
    public Tensor Ratios(Tensor predictions, Tensor targets, double dataRange, double logBase)
    {
        Check(new(predictions, targets));
        using var scope = NewDisposeScope();
        return ((2 * Math.Log(dataRange)) - Of(predictions, targets).log()).mul(10 / Math.Log(logBase)).MoveToOuterDisposeScope();
    }
}
