// N, M boxes; every op is differentiable, so that 1 - Boxes.GiouOfPairs(a, b) is the loss.
// Yu et al. 2016 (IoU), arXiv:1608.01471; Rezatofighi et al. 2019 (GIoU), arXiv:1902.09630; Zheng et al. 2020 (DIoU, CIoU), arXiv:1911.08287.

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Arithmetic of axis-parallel boxes, on any device, with gradients.</summary>
/// <remarks>
/// Boxes are [N, 4], floating, as left, top, right, bottom unless a <see cref="BoxFormat"/> says otherwise; integers and halves are calculated in float32.
/// Boxes without area overlap nothing: their IoU is 0, where torchvision's is NaN. Denominators are held above 1e-12, not shifted by 1e-7, so boxes
/// given as shares of the image score as those in pixels do.
/// </remarks>
public static class Boxes
{
    const double Tiny = 1e-12;

    /// <summary>The same boxes as other numbers.</summary>
    /// <param name="boxes">[..., 4]; borrowed.</param>
    /// <param name="from">What they are.</param>
    /// <param name="to">What they shall be.</param>
    public static Tensor Convert(Tensor boxes, BoxFormat from, BoxFormat to)
    {
        ThrowUnlessBoxes(boxes, nameof(boxes), anyRank: true);
        using var scope = NewDisposeScope();
        // Back and forth would round the corners.
        if (from == to) return Real(boxes).clone().MoveToOuterDisposeScope();
        var (a, b, c, d) = Columns(Real(boxes));
        (a, b, c, d) = from switch
        {
            BoxFormat.Xyxy => (a, b, c - a, d - b),
            BoxFormat.Xywh => (a, b, c, d),
            BoxFormat.Cxcywh => (a - c * 0.5, b - d * 0.5, c, d),
            _ => throw new ArgumentOutOfRangeException(nameof(from), from, null),
        };
        (a, b, c, d) = to switch
        {
            BoxFormat.Xyxy => (a, b, a + c, b + d),
            BoxFormat.Xywh => (a, b, c, d),
            BoxFormat.Cxcywh => (a + c * 0.5, b + d * 0.5, c, d),
            _ => throw new ArgumentOutOfRangeException(nameof(to), to, null),
        };
        return stack([a, b, c, d], -1).MoveToOuterDisposeScope();
    }

    /// <summary>Width · height, [...].</summary>
    /// <param name="boxes">[..., 4]; borrowed.</param>
    /// <param name="format">What their numbers mean.</param>
    public static Tensor Area(Tensor boxes, BoxFormat format = BoxFormat.Xyxy)
    {
        ThrowUnlessBoxes(boxes, nameof(boxes), anyRank: true);
        using var scope = NewDisposeScope();
        var (a, b, c, d) = Columns(Real(boxes));
        return (format == BoxFormat.Xyxy ? (c - a) * (d - b) : c * d).MoveToOuterDisposeScope();
    }

    /// <summary>Intersection over union of each with each: |A ∩ B| / |A ∪ B|, in [0, 1].</summary>
    /// <param name="a">[N, 4]; borrowed.</param>
    /// <param name="b">[M, 4]; borrowed.</param>
    /// <returns>[N, M].</returns>
    public static Tensor Iou(Tensor a, Tensor b) => OfAll(BoxOverlap.Iou, a, b);

    /// <summary>Generalized IoU of each with each: IoU - (|hull| - |A ∪ B|) / |hull| with the smallest box around both, in (-1, 1].</summary>
    /// <inheritdoc cref="Iou"/>
    public static Tensor Giou(Tensor a, Tensor b) => OfAll(BoxOverlap.Giou, a, b);

    /// <summary>Distance IoU of each with each: IoU - ρ² / c², the squared distance of the middles over the squared diagonal of the smallest box around both, in (-1, 1].</summary>
    /// <inheritdoc cref="Iou"/>
    public static Tensor Diou(Tensor a, Tensor b) => OfAll(BoxOverlap.Diou, a, b);

    /// <summary>Complete IoU of each with each: DIoU - α·v with v = 4/π² (atan w/h - atan w'/h')², α = v / (1 - IoU + v), which has no gradient.</summary>
    /// <inheritdoc cref="Iou"/>
    public static Tensor Ciou(Tensor a, Tensor b) => OfAll(BoxOverlap.Ciou, a, b);

    /// <summary>Intersection over union of each with its partner.</summary>
    /// <param name="a">[N, 4]; borrowed.</param>
    /// <param name="b">[N, 4]; borrowed.</param>
    /// <returns>[N].</returns>
    public static Tensor IouOfPairs(Tensor a, Tensor b) => OfPairs(BoxOverlap.Iou, a, b);

    /// <summary>Generalized IoU of each with its partner; 1 less it is the loss.</summary>
    /// <inheritdoc cref="IouOfPairs"/>
    public static Tensor GiouOfPairs(Tensor a, Tensor b) => OfPairs(BoxOverlap.Giou, a, b);

    /// <summary>Distance IoU of each with its partner; 1 less it is the loss.</summary>
    /// <inheritdoc cref="IouOfPairs"/>
    public static Tensor DiouOfPairs(Tensor a, Tensor b) => OfPairs(BoxOverlap.Diou, a, b);

    /// <summary>Complete IoU of each with its partner; 1 less it is the loss.</summary>
    /// <inheritdoc cref="IouOfPairs"/>
    public static Tensor CiouOfPairs(Tensor a, Tensor b) => OfPairs(BoxOverlap.Ciou, a, b);

    /// <inheritdoc cref="Raijin.MeanAveragePrecision"/>
    /// <param name="predictions">What was found, an image an entry; borrowed.</param>
    /// <param name="targets">What is there, an image an entry; borrowed.</param>
    /// <param name="format">What the boxes' numbers mean.</param>
    /// <param name="iouType">Boxes or masks.</param>
    public static MeanAveragePrecisionResult MeanAveragePrecision(
        IReadOnlyList<Detections> predictions, IReadOnlyList<GroundTruth> targets, BoxFormat format = BoxFormat.Xyxy, IouType iouType = IouType.Boxes)
    {
        using var metric = new MeanAveragePrecision(format, iouType);
        return metric.Of(predictions, targets);
    }

    internal static Tensor OfAll(BoxOverlap kind, Tensor a, Tensor b)
    {
        ThrowUnlessBoxes(a, nameof(a), anyRank: false);
        ThrowUnlessBoxes(b, nameof(b), anyRank: false);
        using var scope = NewDisposeScope();
        return Overlap(kind, Real(a).unsqueeze(1), Real(b).unsqueeze(0)).MoveToOuterDisposeScope();
    }

    static Tensor OfPairs(BoxOverlap kind, Tensor a, Tensor b)
    {
        ThrowUnlessBoxes(a, nameof(a), anyRank: false);
        ThrowUnlessBoxes(b, nameof(b), anyRank: false);
        if (HostTensor.Sizes(a)[0] != HostTensor.Sizes(b)[0]) ShapeMismatchException.Throw(nameof(b), $"[{a.shape[0]}, 4], a partner for each of a", $"[{b.shape[0]}, 4]");
        using var scope = NewDisposeScope();
        return Overlap(kind, Real(a), Real(b)).MoveToOuterDisposeScope();
    }

    static Tensor Overlap(BoxOverlap kind, Tensor a, Tensor b)
    {
        var (left, top, right, bottom) = Columns(a);
        var (otherLeft, otherTop, otherRight, otherBottom) = Columns(b);
        var (width, height) = (right - left, bottom - top);
        var (otherWidth, otherHeight) = (otherRight - otherLeft, otherBottom - otherTop);
        var shared = (minimum(right, otherRight) - maximum(left, otherLeft)).clamp_min(0) * (minimum(bottom, otherBottom) - maximum(top, otherTop)).clamp_min(0);
        var union = width * height + otherWidth * otherHeight - shared;
        var iou = shared / union.clamp_min(Tiny);
        if (kind == BoxOverlap.Iou) return iou;

        var (hullWidth, hullHeight) = (maximum(right, otherRight) - minimum(left, otherLeft), maximum(bottom, otherBottom) - minimum(top, otherTop));
        if (kind == BoxOverlap.Giou)
        {
            var hull = hullWidth * hullHeight;
            return iou - (hull - union) / hull.clamp_min(Tiny);
        }
        var distance = ((left + right - otherLeft - otherRight) * 0.5).square() + ((top + bottom - otherTop - otherBottom) * 0.5).square();
        var diou = iou - distance / (hullWidth.square() + hullHeight.square()).clamp_min(Tiny);
        if (kind == BoxOverlap.Diou) return diou;

        var v = 4 / (Math.PI * Math.PI) * (atan(width / height.clamp_min(Tiny)) - atan(otherWidth / otherHeight.clamp_min(Tiny))).square();
        var weight = (v / (1 - iou + v).clamp_min(Tiny)).detach();
        return diou - weight * v;
    }

    static (Tensor A, Tensor B, Tensor C, Tensor D) Columns(Tensor boxes) => (boxes.select(-1, 0), boxes.select(-1, 1), boxes.select(-1, 2), boxes.select(-1, 3));

    static Tensor Real(Tensor boxes) => boxes.dtype is ScalarType.Float32 or ScalarType.Float64 ? boxes : boxes.to(ScalarType.Float32);

    static void ThrowUnlessBoxes(Tensor boxes, string name, bool anyRank)
    {
        var sizes = HostTensor.Sizes(boxes);
        if (sizes.Length == 0 || sizes[^1] != 4 || (!anyRank && sizes.Length != 2))
            ShapeMismatchException.Throw(name, anyRank ? "[..., 4]" : "[N, 4]", ShapeText.Of(boxes));
    }
}
