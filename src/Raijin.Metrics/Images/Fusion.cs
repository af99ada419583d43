// B scenes, C bands; fused and panchromatic H x W pixels, multispectral H/r x W/r

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Images sharpened by a panchromatic one, beside what they were made from: there is no target in such work.</summary>
/// <param name="Fused">[B, C, H, W], real; borrowed, as the others.</param>
/// <param name="Multispectral">The coarse bands, [B, C, h, w], H a multiple of h and W of w.</param>
/// <param name="Panchromatic">The fine one, [B, 1, H, W], or one for each band, [B, C, H, W].</param>
/// <param name="CoarsePanchromatic">The same at h × w; null: <paramref name="Panchromatic"/> smoothed and resized.</param>
public readonly record struct Fusion(Tensor Fused, Tensor Multispectral, Tensor Panchromatic, Tensor? CoarsePanchromatic = null) : IMetricBatch<Fusion>
{
    /// <inheritdoc/>
    public Tensor? Anchor => Fused;

    /// <inheritdoc/>
    public long Count => Fused.shape[0];

    /// <inheritdoc/>
    public Fusion Select(Tensor indices)
    {
        var chosen = indices.to(Fused.device);
        return new(Fused.index_select(0, chosen), Multispectral.index_select(0, chosen), Panchromatic.index_select(0, chosen), CoarsePanchromatic?.index_select(0, chosen));
    }
}

/// <summary>Updates from fused images as they come.</summary>
public static class FusionUpdates
{
    /// <summary>Accumulates fused images. No value is read back.</summary>
    /// <param name="metric">A metric or a collection.</param>
    /// <param name="fused">[B, C, H, W], real; borrowed, as the others.</param>
    /// <param name="multispectral">[B, C, h, w].</param>
    /// <param name="panchromatic">[B, 1, H, W] or [B, C, H, W].</param>
    /// <param name="coarsePanchromatic">[B, 1, h, w] or [B, C, h, w]; null: made from the fine one.</param>
    /// <exception cref="ShapeMismatchException">A shape or dtype is another; nothing was changed.</exception>
    public static void Update(this IUpdate<Fusion> metric, Tensor fused, Tensor multispectral, Tensor panchromatic, Tensor? coarsePanchromatic = null) =>
        metric.Update(new Fusion(fused, multispectral, panchromatic, coarsePanchromatic));

    /// <summary>The metric of these images alone; what the metric has accumulated is neither used nor changed.</summary>
    /// <inheritdoc cref="Update"/>
    public static TResult Of<TResult>(this Metric<Fusion, TResult> metric, Tensor fused, Tensor multispectral, Tensor panchromatic, Tensor? coarsePanchromatic = null) =>
        metric.Of(new Fusion(fused, multispectral, panchromatic, coarsePanchromatic));
}

/// <summary>
/// Spatial distortion D_s: (1/C Σ_c |Q(multispectral_c, coarse panchromatic) - Q(fused_c, panchromatic)|^q)^(1/q), with Q the index <see cref="Uqi"/>: whether each band relates to the
/// panchromatic image as it did before. [0, 2], lower is better.
/// </summary>
/// <remarks>
/// <see cref="Fusion"/> of images at least 11 pixels wide; the mean of each scene's (torchmetrics takes the means of Q over a whole batch first; for one scene they agree). Without a
/// coarse panchromatic image the fine one is averaged in windows of w pixels, mirrored at the border, and resized bilinearly. Alparone et al. 2008.
/// </remarks>
/// <param name="order">q.</param>
/// <param name="windowSize">w, smaller than the multispectral images.</param>
public sealed class SpatialDistortion(double order = 1, int windowSize = 7) : ScalarMetric<Fusion>(new SpatialDistortionScores(order, windowSize))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => SpatialDistortionScores.Mean(states);
}

/// <summary>Quality without a reference: (1 - D_λ)^α · (1 - D_s)^β of the distortions <see cref="SpectralDistortion"/> and <see cref="SpatialDistortion"/>. Higher is better, 1 at best.</summary>
/// <remarks><see cref="Fusion"/> of images at least 11 pixels wide with at least 2 bands; the mean of each scene's. Alparone et al. 2008.</remarks>
/// <param name="alpha">α, how much the spectral distortion counts; not negative.</param>
/// <param name="beta">β, how much the spatial distortion counts; not negative.</param>
/// <param name="order">The order of the norm in both.</param>
/// <param name="windowSize">w of the spatial distortion.</param>
public sealed class Qnr(double alpha = 1, double beta = 1, double order = 1, int windowSize = 7) : ScalarMetric<Fusion>(new QnrScores(alpha, beta, order, windowSize))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => QnrScores.Mean(states);
}

abstract record FusionScores : MeanScores<Fusion>
{
    protected FusionScores(double order, int windowSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(windowSize);
        (Order, WindowSize) = (order, windowSize);
    }

    public double Order { get; }

    public int WindowSize { get; }

    protected virtual int MinBands => 1;

    public override void Check(in Fusion batch)
    {
        ImageTensor.Check(batch.Fused, minChannels: MinBands);
        ImageTensor.Check(batch.Multispectral);
        var fine = HostTensor.Sizes(batch.Fused);
        var coarse = HostTensor.Sizes(batch.Multispectral);
        var smallest = Math.Max(WindowSize + 1, SpectralDistortionScores.Window.Size(0));
        if (coarse[0] != fine[0] || coarse[1] != fine[1] || coarse[2] < smallest || coarse[3] < smallest || fine[2] % coarse[2] != 0 || fine[3] % coarse[3] != 0)
            ShapeMismatchException.Throw(
                "multispectral", $"[{fine[0]}, {fine[1]}, h, w] with h, w at least {smallest} and divisors of {fine[2]} and {fine[3]}", ShapeText.Of(batch.Multispectral));
        CheckPanchromatic("panchromatic", batch.Panchromatic, fine);
        if (batch.CoarsePanchromatic is { } given) CheckPanchromatic("coarse panchromatic", given, coarse);
    }

    static void CheckPanchromatic(string name, Tensor image, ReadOnlySpan<long> like)
    {
        ImageTensor.Check(image);
        var sizes = HostTensor.Sizes(image);
        if (sizes[0] != like[0] || (sizes[1] != 1 && sizes[1] != like[1]) || sizes[2] != like[2] || sizes[3] != like[3])
            ShapeMismatchException.Throw(name, $"[{like[0]}, 1 or {like[1]}, {like[2]}, {like[3]}]", ShapeText.Of(image));
    }

    protected sealed override Tensor? Weights(in Fusion batch) => null;

    protected Tensor SpatialDistortion(in Fusion batch)
    {
        var (fused, bands) = (SampleTensor.Floating(batch.Fused), SampleTensor.Floating(batch.Multispectral));
        var fine = SampleTensor.Floating(batch.Panchromatic);
        var coarse = batch.CoarsePanchromatic is { } given ? SampleTensor.Floating(given) : Coarsen(fine, bands.shape[2], bands.shape[3]);
        var before = Quality(bands, coarse.expand_as(bands));                                                      // [B, C]
        var after = Quality(fused, fine.expand_as(fused));
        return SampleTensor.PositivePower(SampleTensor.PositivePower((before - after).abs(), Order).mean([1]), 1 / Order);
    }

    Tensor Coarsen(Tensor image, long height, long width)
    {
        var smooth = ImageWindow.Uniform(WindowSize).Filter(ImageTensor.Mirror(image, WindowSize / 2, (WindowSize - 1) / 2));
        return nn.functional.interpolate(smooth, [height, width], mode: InterpolationMode.Bilinear, align_corners: false);
    }

    static Tensor Quality(Tensor x, Tensor y) => UqiScores.Map(x, y, SpectralDistortionScores.Window).mean([2, 3]);
}

sealed record SpatialDistortionScores(double Order, int WindowSize) : FusionScores(Order, WindowSize)
{
    protected override Tensor Scores(in Fusion batch) => SpatialDistortion(in batch);
}

sealed record QnrScores : FusionScores
{
    public QnrScores(double alpha, double beta, double order, int windowSize)
        : base(order, windowSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(alpha);
        ArgumentOutOfRangeException.ThrowIfNegative(beta);
        (Alpha, Beta) = (alpha, beta);
    }

    public double Alpha { get; }

    public double Beta { get; }

    protected override int MinBands => 2;

    protected override Tensor Scores(in Fusion batch)
    {
        var spectral = SpectralDistortionScores.Distortion(SampleTensor.Floating(batch.Fused), SampleTensor.Floating(batch.Multispectral), Order);
        return (1 - spectral).pow(Alpha) * (1 - SpatialDistortion(in batch)).pow(Beta);
    }
}
