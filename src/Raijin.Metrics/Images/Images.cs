using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// The image metrics as plain functions. Each gives one score an image, [B], owned by the caller; gradients flow through to images of a floating dtype, so
/// that <c>1 - Images.Ssim(output, target).mean()</c> is a loss. Arguments and formulas are those of the metric of the same name.
/// </summary>
public static class Images
{
    /// <summary>Peak signal-to-noise ratio of each image. See <see cref="Raijin.Psnr"/>.</summary>
    public static Tensor Psnr(Tensor predictions, Tensor targets, double dataRange = 1.0, double logBase = 10.0) =>
        PixelErrors.For(dataRange, logBase).Ratios(predictions, targets, dataRange, logBase);

    /// <summary>The same with the seams of block coding counted as error. See <see cref="Raijin.PsnrB"/>.</summary>
    public static Tensor PsnrB(Tensor predictions, Tensor targets, double dataRange = 1.0, int blockSize = 8) =>
        new PsnrBScores(dataRange, blockSize).Evaluate(new(predictions, targets));

    /// <summary>Structural similarity. See <see cref="Raijin.Ssim"/>.</summary>
    public static Tensor Ssim(
        Tensor predictions, Tensor targets, double dataRange = 1.0, ImageWindow? window = null, double k1 = 0.01, double k2 = 0.03, ImageBorder border = ImageBorder.Valid) =>
        new SsimScores(new(dataRange, window, k1, k2, border)).Evaluate(new(predictions, targets));

    /// <summary>Structural similarity and contrast at every position. See <see cref="Raijin.Ssim"/>.</summary>
    public static SsimMaps SsimMaps(
        Tensor predictions, Tensor targets, double dataRange = 1.0, ImageWindow? window = null, double k1 = 0.01, double k2 = 0.03, ImageBorder border = ImageBorder.Valid) =>
        new SsimScores(new(dataRange, window, k1, k2, border)).Maps(predictions, targets);

    /// <summary>Structural similarity over several scales. See <see cref="Raijin.MsSsim"/>.</summary>
    public static Tensor MsSsim(
        Tensor predictions, Tensor targets, double dataRange = 1.0, ImageWindow? window = null, double k1 = 0.01, double k2 = 0.03,
        MsSsimTerms terms = MsSsimTerms.Clamped, params ReadOnlySpan<double> betas) =>
        new MsSsimScores(new(dataRange, window, k1, k2, ImageBorder.Valid), terms, betas).Evaluate(new(predictions, targets));

    /// <summary>Universal quality index. See <see cref="Raijin.Uqi"/>.</summary>
    public static Tensor Uqi(Tensor predictions, Tensor targets, ImageWindow? window = null) =>
        new UqiScores(window ?? ImageWindow.Gaussian()).Evaluate(new(predictions, targets));

    /// <summary>Mean spectral angle in radians. See <see cref="Raijin.Sam"/>.</summary>
    public static Tensor Sam(Tensor predictions, Tensor targets) => new SamScores().Evaluate(new(predictions, targets));

    /// <summary>Relative dimensionless global error of synthesis. See <see cref="Raijin.Ergas"/>.</summary>
    public static Tensor Ergas(Tensor predictions, Tensor targets, double ratio = 4) => new ErgasScores(ratio).Evaluate(new(predictions, targets));

    /// <summary>Relative average spectral error. See <see cref="Raijin.Rase"/>.</summary>
    public static Tensor Rase(Tensor predictions, Tensor targets, int windowSize = 8) => new RaseScores(windowSize).Evaluate(new(predictions, targets));

    /// <summary>Root mean squared error in a sliding window. See <see cref="Raijin.RmseSw"/>.</summary>
    public static Tensor RmseSw(Tensor predictions, Tensor targets, int windowSize = 8) => new RmseSwScores(windowSize).Evaluate(new(predictions, targets));

    /// <summary>Spatial correlation coefficient. See <see cref="Raijin.Scc"/>.</summary>
    public static Tensor Scc(Tensor predictions, Tensor targets, int windowSize = 8) => new SccScores(windowSize).Evaluate(new(predictions, targets));

    /// <summary>Visual information fidelity of images in [0, 255]. See <see cref="Raijin.Vif"/>.</summary>
    public static Tensor Vif(Tensor predictions, Tensor targets, double noise = 2.0) => new VifScores(noise).Evaluate(new(predictions, targets));

    /// <summary>Total variation. See <see cref="Raijin.TotalVariation"/>.</summary>
    public static Tensor TotalVariation(Tensor images) => new TotalVariationScores().Evaluate(new(images));

    /// <summary>Spectral distortion D_λ. See <see cref="Raijin.SpectralDistortion"/>.</summary>
    public static Tensor SpectralDistortion(Tensor fused, Tensor multispectral, double order = 1) => new SpectralDistortionScores(order).Evaluate(new(fused, multispectral));

    /// <summary>Spatial distortion D_s. See <see cref="Raijin.SpatialDistortion"/>.</summary>
    public static Tensor SpatialDistortion(Tensor fused, Tensor multispectral, Tensor panchromatic, Tensor? coarsePanchromatic = null, double order = 1, int windowSize = 7) =>
        new SpatialDistortionScores(order, windowSize).Evaluate(new(fused, multispectral, panchromatic, coarsePanchromatic));

    /// <summary>Quality without a reference. See <see cref="Raijin.Qnr"/>.</summary>
    public static Tensor Qnr(
        Tensor fused, Tensor multispectral, Tensor panchromatic, Tensor? coarsePanchromatic = null, double alpha = 1, double beta = 1, double order = 1, int windowSize = 7) =>
        new QnrScores(alpha, beta, order, windowSize).Evaluate(new(fused, multispectral, panchromatic, coarsePanchromatic));

    /// <summary>The step from each pixel to the one below, and to the one right of it; 0 in the last row and column.</summary>
    /// <param name="images">[B, C, H, W], real; borrowed.</param>
    /// <returns>Two tensors of the images' shape, Float32 or Float64; the caller owns them.</returns>
    /// <exception cref="ShapeMismatchException">They are no images.</exception>
    public static (Tensor Vertical, Tensor Horizontal) Gradients(Tensor images)
    {
        ImageTensor.Check(images);
        using var scope = NewDisposeScope();
        var values = SampleTensor.Floating(images);
        var vertical = nn.functional.pad(values.diff(1, 2), [0, 0, 0, 1]);
        var horizontal = nn.functional.pad(values.diff(1, 3), [0, 1, 0, 0]);
        return (vertical.MoveToOuterDisposeScope(), horizontal.MoveToOuterDisposeScope());
    }
}
