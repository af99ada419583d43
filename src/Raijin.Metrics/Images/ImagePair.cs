using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>A score of each image beside its target, averaged over all images.</summary>
abstract record ImageScores : ComparisonScores
{
    /// <summary>The fewest channels that make sense.</summary>
    protected virtual int MinChannels => 1;

    /// <summary>Whether volumes [B, C, D, H, W] are taken beside images.</summary>
    protected virtual bool Volumes => false;

    /// <summary>The fewest pixels along an axis (D or H first).</summary>
    protected virtual int MinSide(int axis) => 1;

    public override void Check(in Comparison batch)
    {
        SampleTensor.CheckReal(batch.Predictions, batch.Targets);
        ImageTensor.Check(batch.Predictions, Volumes, MinChannels);
        var sizes = HostTensor.Sizes(batch.Predictions);
        for (var axis = 0; axis < sizes.Length - 2; axis++)
            if (sizes[axis + 2] < MinSide(axis))
                ShapeMismatchException.Throw(
                    "predictions", $"at least {MinSide(axis)} pixels along dim {axis + 2}", ShapeText.Of(batch.Predictions), "The window does not fit: take a smaller one, or larger images.");
        SampleTensor.CheckWeights(batch.Weights, sizes[0]);
    }
}

/// <summary>What is asked of a tensor of images.</summary>
static class ImageTensor
{
    /// <summary>Refuses a tensor that holds no images.</summary>
    public static void Check(Tensor images, bool volumes = false, int minChannels = 1)
    {
        var sizes = HostTensor.Sizes(images);
        if (SampleTensor.IsComplex(images) || !(sizes.Length == 4 || (volumes && sizes.Length == 5)) || sizes[1] < minChannels)
            ShapeMismatchException.Throw(
                "images", $"[B, C, H, W]{(volumes ? " or [B, C, D, H, W]" : "")}{(minChannels > 1 ? $" with C at least {minChannels}" : "")}, real", ShapeText.Of(images));
    }

    /// <summary>The mean of all but the first dimension.</summary>
    public static Tensor MeanOfEach(Tensor values) => values.reshape(values.shape[0], -1).mean([1]);

    /// <summary>The sum of all but the first dimension.</summary>
    public static Tensor SumOfEach(Tensor values) => values.reshape(values.shape[0], -1).sum(dim: 1);

    /// <summary>Images with their border rows mirrored outwards, the outermost twice: d c b a | a b c d | d c b a.</summary>
    public static Tensor Mirror(Tensor images, int before, int after)
    {
        for (var dim = 2; dim < images.dim(); dim++)
        {
            var size = images.shape[dim];
            images = cat([images.narrow(dim, 0, before).flip(dim), images, images.narrow(dim, size - after, after).flip(dim)], dim);
        }
        return images;
    }
}
