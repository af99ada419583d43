// B samples, C classes, P pixels of a sample

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>How predictions and targets of segmentation are read.</summary>
/// <param name="Classes">C, of which 0 is the background.</param>
/// <param name="Format">How classes are given.</param>
/// <param name="IgnoreIndex">Pixels whose target class is this are left out; null for none.</param>
sealed record SegmentationInput(int Classes, SegmentationFormat Format, long? IgnoreIndex)
{
    const int ClassFault = 0;
    const int MaskFault = 1;

    public void ThrowUnlessValid()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Classes);
        if (IgnoreIndex is not null && Format == SegmentationFormat.OneHot)
            throw new ArgumentException("Pixels are ignored by their target's class; one-hot targets have none: give classes, SegmentationFormat.Index or Mixed.");
    }

    public void Declare(MetricStates states) => states.AddFaults($"classes in [0, {Classes})", "masks of 0 and 1");

    public void Check(in Comparison batch)
    {
        if (batch.Weights is not null) ShapeMismatchException.Throw("weights", "none: segmentation counts every pixel", ShapeText.Of(batch.Weights));
        var predictions = HostTensor.Sizes(batch.Predictions);
        var targets = HostTensor.Sizes(batch.Targets);
        var fits = Format switch
        {
            SegmentationFormat.Index => predictions.Length >= 2 && predictions.SequenceEqual(targets) && batch.Predictions.is_integral() && batch.Targets.is_integral(),
            _ when SampleTensor.IsComplex(batch.Predictions) || SampleTensor.IsComplex(batch.Targets) => false,
            SegmentationFormat.OneHot => predictions.Length >= 3 && predictions.SequenceEqual(targets) && predictions[1] == Classes,
            _ => predictions.Length > targets.Length ? Fit(predictions, targets, batch.Targets) : Fit(targets, predictions, batch.Predictions),
        };
        if (fits) return;
        var expected = Format switch
        {
            SegmentationFormat.Index => "[B, …] integer classes for predictions and targets",
            SegmentationFormat.OneHot => $"[B, {Classes}, …] for predictions and targets",
            _ => $"[B, {Classes}, …] beside [B, …] integer classes",
        };
        ShapeMismatchException.Throw("predictions", expected, $"{ShapeText.Of(batch.Predictions)} beside {ShapeText.Of(batch.Targets)}");
    }

    bool Fit(ReadOnlySpan<long> masks, ReadOnlySpan<long> classes, Tensor ofClasses) =>
        classes.Length >= 2 && masks.Length == classes.Length + 1 && masks[1] == Classes && masks[0] == classes[0] && masks[2..].SequenceEqual(classes[1..]) && ofClasses.is_integral();

    /// <summary>Both as classes [B, …], and which pixels count; null where one of them is masks.</summary>
    public (Tensor Predictions, Tensor Targets, Tensor Counted)? AsClasses(MetricStates states, in Comparison batch)
    {
        if (IsMasks(batch.Predictions, batch.Targets) || IsMasks(batch.Targets, batch.Predictions)) return null;
        var device = states[0].Value.device;
        var (predictions, targets) = (ToClasses(batch.Predictions, batch.Targets, device), ToClasses(batch.Targets, batch.Predictions, device));
        var counted = Counted(states, predictions, targets);
        return (predictions.clamp(0, Classes - 1), targets.clamp(0, Classes - 1), counted);
    }

    /// <summary>Both as masks [B, C, …], bool; pixels that don't count are in none.</summary>
    public (Tensor Predictions, Tensor Targets) AsMasks(MetricStates states, in Comparison batch)
    {
        var device = states[0].Value.device;
        var of = arange(Classes, device: device);
        if (AsClasses(states, in batch) is var (predictions, targets, counted))
            return (One(predictions, of).logical_and(counted.unsqueeze(1)), One(targets, of).logical_and(counted.unsqueeze(1)));
        var (a, b) = (Side(batch.Predictions, batch.Targets, isTarget: false), Side(batch.Targets, batch.Predictions, isTarget: true));
        return (a.Counted ?? b.Counted) is { } some ? (a.Masks.logical_and(some.unsqueeze(1)), b.Masks.logical_and(some.unsqueeze(1))) : (a.Masks, b.Masks);

        (Tensor Masks, Tensor? Counted) Side(Tensor side, Tensor other, bool isTarget)
        {
            if (IsMasks(side, other))
            {
                var masks = side.to(device);
                states.Faults!.Note(MaskFault, masks.ne(0).logical_and(masks.ne(1)), masks);
                return (masks.ne(0), null);
            }
            var classes = ToClasses(side, other, device);
            var known = Counted(states, isTarget ? null : classes, isTarget ? classes : null);
            return (One(classes, of), known);
        }
    }

    Tensor Counted(MetricStates states, Tensor? predictions, Tensor? targets)
    {
        var ignored = targets is not null && IgnoreIndex is { } index ? targets.eq(index) : null;
        Tensor? known = null;
        foreach (var classes in (Tensor?[])[predictions, targets])
        {
            if (classes is null) continue;
            var wrong = classes.lt(0).logical_or(classes.ge(Classes));
            if (ignored is not null) wrong = wrong.logical_and(ignored.logical_not());
            states.Faults!.Note(ClassFault, wrong, classes);
            known = known is null ? wrong.logical_not() : known.logical_and(wrong.logical_not());
        }
        return ignored is null ? known! : known!.logical_and(ignored.logical_not());
    }

    // Whether it is [B, C, …] of masks, not of scores.
    bool IsMasks(Tensor side, Tensor other) => IsWide(side, other) && !side.is_floating_point();

    bool IsWide(Tensor side, Tensor other) => Format == SegmentationFormat.OneHot || (Format == SegmentationFormat.Mixed && side.dim() > other.dim());

    Tensor ToClasses(Tensor side, Tensor other, Device device) => IsWide(side, other) ? side.to(device).argmax(1) : side.to(ScalarType.Int64, device);

    static Tensor One(Tensor classes, Tensor of)
    {
        var shape = new long[classes.dim() + 1];
        Array.Fill(shape, 1);
        shape[1] = of.shape[0];
        return classes.unsqueeze(1).eq(of.reshape(shape));
    }
}
