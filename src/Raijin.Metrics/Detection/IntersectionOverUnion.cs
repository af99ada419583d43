// N found and M true boxes of an image

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>What the means of boxes' overlaps have in common.</summary>
/// <remarks>
/// The mean over every pair of a found and a true box of an image (with <c>respectLabels</c> of the same class), not over matched pairs: that is
/// <see cref="MeanAveragePrecision"/>. In an image with nothing found each true box counts as 0, and in one where nothing is there each found box.
/// 0 where no pair counts. Sums are float64. Higher is better. As torchmetrics, but for empty images when labels are not respected (there they count as
/// the number of boxes squared).
/// </remarks>
public abstract class MeanOverlap : ScalarMetric<DetectionBatch>
{
    readonly int _classes;

    private protected MeanOverlap(BoxOverlap kind, BoxFormat format, double? threshold, bool respectLabels, int classes)
        : base(new OverlapSums(kind, format, threshold, respectLabels, classes))
    {
        _classes = classes;
    }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The mean of each class's pairs, by the true box's label (in images where nothing is there, the found box's); 0 where a class has none.</summary>
    /// <exception cref="InvalidOperationException">The metric was made without a number of classes, or nothing was accumulated yet.</exception>
    public IReadOnlyList<double> PerClass()
    {
        ThrowIfEmpty();
        if (_classes == 0) throw new InvalidOperationException($"This {GetType().Name} doesn't tell classes apart: make it with their number, classes: C.");
        var rows = States[0].ToArray<double>();
        return [.. Enumerable.Range(0, _classes).Select(c => Ratio(rows[2 * c], rows[2 * c + 1]))];
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var rows = states[0].ToArray<double>();
        var (sum, count) = (0.0, 0.0);
        for (var c = 0; c < rows.Length / 2; c++) (sum, count) = (sum + rows[2 * c], count + rows[2 * c + 1]);
        return Ratio(sum, count);
    }

    static double Ratio(double sum, double count) => count == 0 ? 0 : sum / count;
}

/// <summary>Mean intersection over union of boxes: |A ∩ B| / |A ∪ B|, in [0, 1].</summary>
/// <param name="format">What the boxes' numbers mean.</param>
/// <param name="threshold">Pairs that overlap less don't count; null: all do.</param>
/// <param name="respectLabels">Whether only pairs of the same class count.</param>
/// <param name="classes">How many classes <see cref="MeanOverlap.PerClass"/> tells apart, labels in [0, C); 0: none, and any labels.</param>
/// <inheritdoc cref="MeanOverlap"/>
public sealed class IntersectionOverUnion(BoxFormat format = BoxFormat.Xyxy, double? threshold = null, bool respectLabels = true, int classes = 0)
    : MeanOverlap(BoxOverlap.Iou, format, threshold, respectLabels, classes);

/// <summary>Mean generalized IoU of boxes, <see cref="Boxes.Giou"/>, in (-1, 1].</summary>
/// <inheritdoc cref="IntersectionOverUnion"/>
public sealed class GeneralizedIntersectionOverUnion(BoxFormat format = BoxFormat.Xyxy, double? threshold = null, bool respectLabels = true, int classes = 0)
    : MeanOverlap(BoxOverlap.Giou, format, threshold, respectLabels, classes);

/// <summary>Mean distance IoU of boxes, <see cref="Boxes.Diou"/>, in (-1, 1].</summary>
/// <inheritdoc cref="IntersectionOverUnion"/>
public sealed class DistanceIntersectionOverUnion(BoxFormat format = BoxFormat.Xyxy, double? threshold = null, bool respectLabels = true, int classes = 0)
    : MeanOverlap(BoxOverlap.Diou, format, threshold, respectLabels, classes);

/// <summary>Mean complete IoU of boxes, <see cref="Boxes.Ciou"/>, in (-2, 1].</summary>
/// <inheritdoc cref="IntersectionOverUnion"/>
public sealed class CompleteIntersectionOverUnion(BoxFormat format = BoxFormat.Xyxy, double? threshold = null, bool respectLabels = true, int classes = 0)
    : MeanOverlap(BoxOverlap.Ciou, format, threshold, respectLabels, classes);

sealed record OverlapSums(BoxOverlap Kind, BoxFormat Format, double? Threshold, bool RespectLabels, int Classes) : Accumulation<DetectionBatch>
{
    public override void Declare(MetricStates states)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Classes);
        states.Add("overlaps", Reduction.Sum, zeros([Math.Max(Classes, 1), 2], ScalarType.Float64));
        if (Classes > 0) states.AddFaults($"labels in [0, {Classes})");
    }

    public override void Check(in DetectionBatch batch) => DetectionShapes.Check(in batch, IouType.Boxes, scores: false);

    protected internal override void Add(MetricStates states, in DetectionBatch batch)
    {
        var sums = states[0].Value;
        for (var i = 0; i < batch.Predictions.Count; i++)
        {
            var (found, there) = (batch.Predictions[i], batch.Targets[i]);
            var (n, m) = (HostTensor.Sizes(found.Labels)[0], HostTensor.Sizes(there.Labels)[0]);
            if (n == 0 && m == 0) continue;
            var labels = (m > 0 ? there.Labels : found.Labels).to(ScalarType.Int64, sums.device);
            var counts = ones(labels.shape[0], ScalarType.Float64, sums.device);
            var overlaps = zeros_like(counts);
            if (n > 0 && m > 0)
            {
                var each = Boxes.OfAll(Kind, Corners(found.Boxes!, sums.device), Corners(there.Boxes!, sums.device));
                var counted = RespectLabels ? found.Labels.to(ScalarType.Int64, sums.device).unsqueeze(1).eq(labels) : ones_like(each, ScalarType.Bool);
                if (Threshold is { } threshold) counted = counted.logical_and(each.ge(threshold));
                overlaps = each.where(counted, zeros_like(each)).sum(dim: 0);
                counts = counted.sum(dim: 0, type: ScalarType.Float64);
            }
            var rows = stack([overlaps, counts], 1);
            if (Classes == 0) labels = zeros_like(labels);
            else
            {
                var wrong = labels.lt(0).logical_or(labels.ge(Classes));
                states.Faults!.Note(0, wrong, labels);
                rows = rows.where(wrong.logical_not().unsqueeze(1), zeros_like(rows));
                labels = labels.clamp(0, Classes - 1);
            }
            sums.index_add_(0, labels, rows, 1);
        }
    }

    Tensor Corners(Tensor boxes, Device device) => Boxes.Convert(boxes.to(ScalarType.Float64, device), Format, BoxFormat.Xyxy);
}
