// B images of one channel, H x W pixels in blocks of k x k

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// PSNR that counts the seams of block coding as error: 10 · log10(R² / (MSE + BEF)), the mean of each image's. Higher is better.
/// BEF = log2(k) / log2(min(H, W)) · (d_seam - d_inside) where that difference of mean squared steps across and inside blocks is positive, else 0.
/// </summary>
/// <remarks>
/// Gray images [B, 1, H, W]. Yim and Bovik 2011, "Quality assessment of deblocked images". For one image it equals torchmetrics'; of several, that adds up the
/// effects of a batch as if it were one image and divides by the seams of one, so that its result depends on the batch size.
/// </remarks>
/// <param name="dataRange">R, the largest minus the smallest value a pixel may have.</param>
/// <param name="blockSize">k, the edge of the coder's blocks.</param>
public sealed class PsnrB(double dataRange = 1.0, int blockSize = 8) : ScalarMetric<Comparison>(new PsnrBScores(dataRange, blockSize))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => PsnrBScores.Mean(states);
}

sealed record PsnrBScores : ImageScores
{
    public PsnrBScores(double dataRange, int blockSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dataRange);
        ArgumentOutOfRangeException.ThrowIfLessThan(blockSize, 2);
        (DataRange, BlockSize) = (dataRange, blockSize);
    }

    public double DataRange { get; }

    public int BlockSize { get; }

    protected override int MinSide(int axis) => 2;

    public override void Check(in Comparison batch)
    {
        base.Check(in batch);
        if (batch.Predictions.shape[1] != 1) ShapeMismatchException.Throw("predictions", "gray images [B, 1, H, W]", ShapeText.Of(batch.Predictions));
    }

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        var error = ImageTensor.MeanOfEach((predictions - targets).square());
        return (DataRange * DataRange / (error + BlockingEffect(predictions))).log10().mul(10);
    }

    Tensor BlockingEffect(Tensor images)
    {
        var (height, width) = (images.shape[2], images.shape[3]);
        var (seamAcross, stepsAcross) = Steps(images, 3);
        var (seamDown, stepsDown) = Steps(images, 2);
        // The paper's counts; its "- 1" makes them fractions where the blocks do not fill the image.
        var seamsAcross = (height * ((double)width / BlockSize)) - 1;
        var seamsDown = (width * ((double)height / BlockSize)) - 1;
        var seam = (seamAcross + seamDown) / (seamsAcross + seamsDown);
        var inside = (stepsAcross - seamAcross + stepsDown - seamDown) / ((height * (width - 1)) - seamsAcross + (width * (height - 1)) - seamsDown);
        return (seam - inside).relu() * (Math.Log2(BlockSize) / Math.Log2(Math.Min(height, width)));
    }

    /// <summary>The squared steps between neighbours along a dimension: of those across seams, and of all; each [B].</summary>
    (Tensor Seams, Tensor All) Steps(Tensor images, int dim)
    {
        var size = images.shape[dim];
        var steps = (images.narrow(dim, 1, size - 1) - images.narrow(dim, 0, size - 1)).square();
        return (ImageTensor.SumOfEach(steps.slice(dim, Math.Min(BlockSize - 1, size - 1), size - 1, BlockSize)), ImageTensor.SumOfEach(steps));
    }
}
