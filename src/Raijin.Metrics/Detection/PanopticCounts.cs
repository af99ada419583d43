// B samples, P pixels of a sample, S ≤ P segments of a sample.
// Segments are numbered by sorting: the pixels' keys sorted, a number for each run, and scattered back. So every tensor has a size that is known
// beforehand and nothing is read back: [B, P] holds an entry for each segment, or for each pair of overlapping ones, and empty ones behind.

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>For each category the sum of IoUs and the numbers of right, wrong and missing segments, [C, 4].</summary>
/// <param name="Categories">Things first, then stuff, each rising.</param>
/// <param name="Things">How many of them are things.</param>
/// <param name="AllowUnknown">Whether predictions of other categories are void.</param>
/// <param name="Modified">Whether stuff is scored by all its overlaps, over its true segments.</param>
sealed record PanopticCounts(ValueList<long> Categories, int Things, bool AllowUnknown, bool Modified) : Accumulation<Comparison>
{
    const long MaxInstances = 1L << 32;

    const int CategoryFault = 0;
    const int InstanceFault = 1;

    public static PanopticCounts Of(IReadOnlyList<long> things, IReadOnlyList<long> stuffs, bool allowUnknown, bool modified)
    {
        ArgumentNullException.ThrowIfNull(things);
        ArgumentNullException.ThrowIfNull(stuffs);
        if (things.Count + stuffs.Count == 0) throw new ArgumentException("There is no category: name things, stuffs or both.", nameof(things));
        if (things.Intersect(stuffs).ToList() is { Count: > 0 } both) throw new ArgumentException($"Categories {string.Join(", ", both)} are both things and stuff: name each once.", nameof(stuffs));
        long[] first = [.. things.Distinct().Order()];
        return new(new([.. first, .. stuffs.Distinct().Order()]), first.Length, allowUnknown, modified);
    }

    public override void Declare(MetricStates states)
    {
        states.Add("segments", Reduction.Sum, zeros([Categories.Count, 4], ScalarType.Float64));
        states.AddFaults("categories of predictions among things and stuffs", "instances in [0, 4294967296)");
    }

    public override void Check(in Comparison batch)
    {
        if (batch.Weights is not null) ShapeMismatchException.Throw("weights", "none: segments count once", ShapeText.Of(batch.Weights));
        var predictions = HostTensor.Sizes(batch.Predictions);
        var targets = HostTensor.Sizes(batch.Targets);
        if (predictions.Length < 3 || predictions[^1] != 2 || !predictions.SequenceEqual(targets) || !batch.Predictions.is_integral() || !batch.Targets.is_integral())
            ShapeMismatchException.Throw("predictions", "[B, …, 2] integer categories and instances, as targets", $"{ShapeText.Of(batch.Predictions)} beside {ShapeText.Of(batch.Targets)}");
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        if (batch.Targets.NumberOfElements == 0) return;
        var of = Segments(states, batch.Predictions, AllowUnknown);
        var truth = Segments(states, batch.Targets, allowUnknown: true);
        var pixels = of.Number.shape[1];
        var pairs = Runs(of.Number * pixels + truth.Number);
        var one = ones_like(pairs, ScalarType.Float64);
        Tensor Count(Tensor number, Tensor values) => zeros_like(one).scatter_add_(1, number, values);
        Tensor Name(Tensor number, Tensor values) => zeros_like(number).scatter_(1, number, values);

        // Of segments: their pixels, those void in the other, their category.
        var (area, trueArea) = (Count(of.Number, one), Count(truth.Number, one));
        var (isVoid, isTrueVoid) = (of.Category.eq(Categories.Count).to(ScalarType.Float64), truth.Category.eq(Categories.Count).to(ScalarType.Float64));
        var (inVoid, trueInVoid) = (Count(of.Number, isTrueVoid), Count(truth.Number, isVoid));
        var (category, trueCategory) = (Name(of.Number, of.Category), Name(truth.Number, truth.Category));

        // Of pairs.
        var shared = Count(pairs, one);
        var (left, right) = (Name(pairs, of.Number), Name(pairs, truth.Number));
        var pairCategory = trueCategory.gather(1, right);
        var alike = shared.gt(0).logical_and(pairCategory.eq(category.gather(1, left))).logical_and(pairCategory.ne(Categories.Count));
        var union = (area - inVoid).gather(1, left) + (trueArea - trueInVoid).gather(1, right) - shared;
        var iou = (shared / union.clamp_min(1)).where(alike, zeros_like(shared));
        var matches = iou.gt(0.5);
        var counted = matches;
        if (Modified)
        {
            var isStuff = pairCategory.ge(Things);
            matches = matches.logical_and(isStuff.logical_not());
            counted = matches.logical_or(isStuff.logical_and(alike));
        }
        var match = matches.to(ScalarType.Float64);

        var wrong = Unmatched(area, category, inVoid, Count(left, match));
        var missing = Unmatched(trueArea, trueCategory, trueInVoid, Count(right, match));
        var found = ByCategory(pairCategory, match);
        if (Modified) found += ByCategory(trueCategory, trueArea.gt(0).logical_and(trueCategory.ge(Things)).to(ScalarType.Float64));
        states[0].Value.add_(stack([ByCategory(pairCategory, iou * counted), found, ByCategory(category, wrong), ByCategory(trueCategory, missing)], 1));

        Tensor Unmatched(Tensor areas, Tensor categories, Tensor voids, Tensor matched)
        {
            var some = areas.gt(0).logical_and(matched.eq(0)).logical_and(voids.le(areas * 0.5));
            return (Modified ? some.logical_and(categories.lt(Things)) : some).to(ScalarType.Float64);
        }

        // What is void falls into the row behind the last.
        Tensor ByCategory(Tensor categories, Tensor values) =>
            zeros(Categories.Count + 1, ScalarType.Float64, values.device).scatter_add_(0, categories.reshape(-1), values.reshape(-1)).narrow(0, 0, Categories.Count);
    }

    // The category's position of each pixel (C: void), and the number of its segment.
    (Tensor Category, Tensor Number) Segments(MetricStates states, Tensor maps, bool allowUnknown)
    {
        var device = states[0].Value.device;
        var pixels = maps.to(ScalarType.Int64, device).reshape(maps.shape[0], -1, 2);
        var (label, instance) = (pixels.select(2, 0), pixels.select(2, 1));
        var category = full_like(label, Categories.Count);
        for (var c = 0; c < Categories.Count; c++) category.masked_fill_(label.eq(Categories[c]), c);
        if (!allowUnknown) states.Faults!.Note(CategoryFault, category.eq(Categories.Count), label);
        var isThing = category.lt(Things);
        var wrong = isThing.logical_and(instance.lt(0).logical_or(instance.ge(MaxInstances)));
        states.Faults!.Note(InstanceFault, wrong, instance);
        instance = instance.where(isThing.logical_and(wrong.logical_not()), zeros_like(instance));
        return (category, Runs(category * MaxInstances + instance));
    }

    // The same number for the same key, 0, 1, … in each sample.
    static Tensor Runs(Tensor keys)
    {
        var (sorted, order) = keys.sort(1);
        var size = keys.shape[1];
        var starts = sorted.narrow(1, 1, size - 1).ne(sorted.narrow(1, 0, size - 1)).to(ScalarType.Int64);
        var numbers = cat([zeros_like(order.narrow(1, 0, 1)), starts], 1).cumsum(1);
        return zeros_like(order).scatter_(1, order, numbers);
    }

    /// <summary>Panoptic, segmentation and recognition quality of each category; NaN where it was not met.</summary>
    public static IReadOnlyList<(double Pq, double Sq, double Rq)> Qualities(MetricStates states)
    {
        var rows = states[0].ToArray<double>();
        var qualities = new (double, double, double)[rows.Length / 4];
        for (var c = 0; c < qualities.Length; c++)
        {
            var (iou, right, wrong, missing) = (rows[4 * c], rows[4 * c + 1], rows[4 * c + 2], rows[4 * c + 3]);
            var segments = right + 0.5 * wrong + 0.5 * missing;
            var (sq, rq) = (right > 0 ? iou / right : 0, right / segments);
            qualities[c] = segments > 0 ? (sq * rq, sq, rq) : (double.NaN, double.NaN, double.NaN);
        }
        return qualities;
    }

    public static double Mean(IEnumerable<double> values) => values.DefaultIfEmpty(double.NaN).Average();
}
