using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>What the tensors of images must look like to be compared.</summary>
static class DetectionShapes
{
    /// <summary>Refuses a batch whose tensors don't fit together; allocates nothing when they do.</summary>
    /// <param name="batch">Borrowed.</param>
    /// <param name="iouType">Whether boxes or masks are needed.</param>
    /// <param name="scores">Whether scores are.</param>
    public static void Check(in DetectionBatch batch, IouType iouType, bool scores)
    {
        ArgumentNullException.ThrowIfNull(batch.Predictions);
        ArgumentNullException.ThrowIfNull(batch.Targets);
        if (batch.Predictions.Count != batch.Targets.Count)
            ShapeMismatchException.Throw("targets", $"{batch.Predictions.Count} images, as predictions has", $"{batch.Targets.Count}");
        for (var i = 0; i < batch.Predictions.Count; i++)
        {
            var (found, there) = (batch.Predictions[i], batch.Targets[i]);
            var (n, m) = (Labels(found.Labels, "predictions", i), Labels(there.Labels, "targets", i));
            if (scores) Column(found.Scores, n, "predictions", i, "scores", optional: false);
            Column(there.Crowd, m, "targets", i, "crowd", optional: true);
            Column(there.Areas, m, "targets", i, "areas", optional: true);
            if (iouType == IouType.Masks) Masks(found.Masks, n, there.Masks, m, i);
            else
            {
                FourEach(found.Boxes, n, "predictions", i);
                FourEach(there.Boxes, m, "targets", i);
            }
        }
    }

    static long Labels(Tensor labels, string of, int image)
    {
        var sizes = HostTensor.Sizes(labels);
        if (sizes.Length != 1 || !(labels.is_integral() || sizes[0] == 0)) Throw(of, image, "labels", "[n], integer", labels);
        return sizes[0];
    }

    static void Column(Tensor? values, long count, string of, int image, string name, bool optional)
    {
        if (values is null)
        {
            if (!optional) Throw(of, image, name, $"[{count}]", null);
            return;
        }
        var sizes = HostTensor.Sizes(values);
        if (sizes.Length != 1 || sizes[0] != count) Throw(of, image, name, $"[{count}], as labels has", values);
    }

    static void FourEach(Tensor? boxes, long count, string of, int image)
    {
        if (boxes is null) Throw(of, image, "boxes", $"[{count}, 4]", null);
        var sizes = HostTensor.Sizes(boxes!);
        // No boxes at all are often [0].
        if (sizes is [0] && count == 0) return;
        if (sizes.Length != 2 || sizes[0] != count || sizes[1] != 4) Throw(of, image, "boxes", $"[{count}, 4], as labels has", boxes);
    }

    static void Masks(Tensor? found, long n, Tensor? there, long m, int image)
    {
        if (found is null) Throw("predictions", image, "masks", $"[{n}, H, W]", null);
        if (there is null) Throw("targets", image, "masks", $"[{m}, H, W]", null);
        var a = HostTensor.Sizes(found!);
        var b = HostTensor.Sizes(there!);
        if (a.Length != 3 || a[0] != n || !found!.is_integral()) Throw("predictions", image, "masks", $"[{n}, H, W], bool or integer", found);
        if (b.Length != 3 || b[0] != m || !there!.is_integral()) Throw("targets", image, "masks", $"[{m}, H, W], bool or integer", there);
        if (n > 0 && m > 0 && !a[1..].SequenceEqual(b[1..])) Throw("targets", image, "masks", $"[{m}, {a[1]}, {a[2]}], the pixels of predictions", there);
    }

    static void Throw(string of, int image, string name, string expected, Tensor? actual) =>
        ShapeMismatchException.Throw($"{of}[{image}].{name}", expected, actual is null ? "missing" : ShapeText.Of(actual));
}
