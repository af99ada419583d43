// B samples, C channels (3, or 1 for grey), H × W pixels, the same for all of a batch.

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Raijin.Data;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Batches of images. Reading, decoding, transforming and normalising one image after the other, each straight into its place in the batch.</summary>
public static class ImageLoading
{
    /// <summary>A loader of normalised images and their classes.</summary>
    /// <param name="images">The images; a set's own are read on the loader's workers.</param>
    /// <param name="options">How to make batches; give it workers to decode in parallel.</param>
    /// <param name="transforms">What to do with each image; the results must have one size. Its chance belongs to (seed, epoch, sample).</param>
    /// <param name="normalize">How bytes become numbers.</param>
    /// <returns>Inputs [B, C, H, W] float32, labels [B] int64.</returns>
    /// <exception cref="InvalidOptionsException">Names every fault of the options.</exception>
    public static DataLoader<LabeledBatch> Batches(
        this Dataset<LabeledImage> images, LoaderOptions options, ImageTransforms transforms, Normalize normalize)
    {
        ArgumentNullException.ThrowIfNull(normalize);
        return Labeled(images, options, transforms, normalize);
    }

    /// <summary>A loader of images as bytes and their classes: a quarter of the memory, to be normalised on the device.</summary>
    /// <inheritdoc cref="Batches(Dataset{LabeledImage}, LoaderOptions, ImageTransforms, Normalize)" path="/param"/>
    /// <inheritdoc cref="Batches(Dataset{LabeledImage}, LoaderOptions, ImageTransforms, Normalize)" path="/exception"/>
    /// <returns>Inputs [B, 3, H, W] uint8, labels [B] int64.</returns>
    public static DataLoader<LabeledBatch> Batches(this Dataset<LabeledImage> images, LoaderOptions options, ImageTransforms transforms) =>
        Labeled(images, options, transforms, normalize: null);

    /// <summary>A loader of normalised images.</summary>
    /// <inheritdoc cref="Batches(Dataset{LabeledImage}, LoaderOptions, ImageTransforms, Normalize)" path="/param"/>
    /// <inheritdoc cref="Batches(Dataset{LabeledImage}, LoaderOptions, ImageTransforms, Normalize)" path="/exception"/>
    /// <returns>Inputs [B, C, H, W] float32.</returns>
    public static DataLoader<TensorBatch> Batches(this Dataset<RgbImage> images, LoaderOptions options, ImageTransforms transforms, Normalize normalize)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(normalize);
        ArgumentNullException.ThrowIfNull(transforms);
        var writer = PlaneWriter.Of(normalize);
        return Pending(images, request => new(images.Get(request), 0, request.Random()), transforms, normalize)
            .Batches(options, samples => new TensorBatch(Write(samples, transforms, writer)));
    }

    /// <summary>The rows of a set of tensors as images, for transforms; each is copied when it is read.</summary>
    /// <param name="rows">Inputs [N, 1 or 3, H, W] uint8, or float32 from 0 to 1 (rounded to bytes), on the host; labels [N] int64. Borrowed.</param>
    /// <exception cref="ShapeMismatchException">Other inputs or labels.</exception>
    public static Dataset<LabeledImage> Images(this TensorDataset<LabeledBatch> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return new TensorImages(rows);
    }

    static DataLoader<LabeledBatch> Labeled(Dataset<LabeledImage> images, LoaderOptions options, ImageTransforms transforms, Normalize? normalize)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(transforms);
        var writer = PlaneWriter.Of(normalize);
        return Pending(images, Take, transforms, normalize).Batches(options, samples =>
        {
            var labels = new long[samples.Count];
            for (var i = 0; i < labels.Length; i++) labels[i] = samples[i].Label;
            return new LabeledBatch(Write(samples, transforms, writer), tensor(labels));
        });

        Draft Take(SampleRequest request)
        {
            var (image, label) = images.Get(request);
            return new(image, label, request.Random());
        }
    }

    static FunctionDataset<Draft> Pending<T>(Dataset<T> images, Func<SampleRequest, Draft> take, ImageTransforms transforms, Normalize? normalize)
    {
        var steps = $"{transforms}, {(normalize is null ? "bytes" : normalize)}";
        return new(images.Count, take, images.Identity.Length == 0 ? steps : $"{images.Identity}, {steps}");
    }

    static Tensor Write(IReadOnlyList<Draft> samples, ImageTransforms transforms, PlaneWriter writer)
    {
        Tensor? batch = null;
        var (width, height) = (0, 0);
        for (var i = 0; i < samples.Count; i++)
        {
            using var image = samples[i].Image;
            transforms.Apply(image, samples[i].Random);
            if (batch is null)
            {
                (width, height) = (image.Width, image.Height);
                batch = Empty(samples.Count, writer, width, height);
            }
            else if (image.Width != width || image.Height != height)
            {
                ThrowSizes(image, i, width, height);
            }
            var size = writer.Channels * width * height * writer.ElementBytes;
            writer.Write(image.Pixels, batch.bytes.Slice(i * size, size));
        }
        return batch!;
    }

    static Tensor Empty(int count, PlaneWriter writer, int width, int height)
    {
        var bytes = (long)count * writer.Channels * width * height * writer.ElementBytes;
        if (bytes > Array.MaxLength)
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                $"A batch of {count} images of {width} × {height} takes {bytes} bytes; up to {Array.MaxLength} are possible. Lower loader.batchSize or the size of the images."));
        var batch = empty([count, writer.Channels, height, width], writer.DType);
        // Fresh memory costs a fault for every page: with 4 KB ones, a fifth of the time that decoding takes.
        HugePages.Advise(batch);
        return batch;
    }

    [DoesNotReturn]
    static void ThrowSizes(RgbImage image, int at, int width, int height) => ShapeMismatchException.Throw(
        $"image {at} of the batch", $"{width} × {height} pixels, as the first", string.Create(CultureInfo.InvariantCulture, $"{image.Width} × {image.Height}"),
        "End the transforms with one that gives every image one size: a crop, or a resize to height and width.");

    readonly record struct Draft(RgbImage Image, long Label, RandomStream Random);
}
