// C categories, N samples. table[t, p] counts the samples of true category t and predicted category p.

using System.Numerics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>How often each pair of categories came: what every measure of association is computed from.</summary>
/// <param name="Classes">C.</param>
/// <param name="Missing">What becomes of NaN.</param>
sealed record CategoryCounts(int Classes, MissingCategories Missing) : Accumulation<Comparison>
{
    public override void Declare(MetricStates states)
    {
        states.Add("table", Reduction.Sum, zeros([Classes, Classes], ScalarType.Float64));
        states.AddFaults($"whole categories in [0, {Classes})");
    }

    public override void Check(in Comparison batch)
    {
        var predicted = HostTensor.Sizes(batch.Predictions);
        var truth = HostTensor.Sizes(batch.Targets);
        if (!IsSeries(predicted, batch.Predictions) || !IsSeries(truth, batch.Targets) || predicted[0] != truth[0])
            ShapeMismatchException.Throw("categories", $"[N] categories or [N, {Classes}] scores for both series", $"{ShapeText.Of(batch.Predictions)} with {ShapeText.Of(batch.Targets)}");
        if (batch.Weights is not null)
            ShapeMismatchException.Throw("weights", "none, as pairs of categories are counted", ShapeText.Of(batch.Weights));
    }

    protected internal override bool TryAddOnHost(MetricStates states, in Comparison batch)
    {
        if (batch.Predictions.dtype != batch.Targets.dtype || !HostTensor.TryOpen(batch.Predictions, out var predicted)) return false;
        using (predicted)
        {
            if (predicted.Dim != 1 || !HostTensor.TryOpen(batch.Targets, out var truth)) return false;
            using (truth)
            {
                if (truth.Dim != 1) return false;
                switch (truth.DType)
                {
                    case ScalarType.Int64:
                        Count(states, predicted.Span<long>(), truth.Span<long>());
                        return true;
                    case ScalarType.Int32:
                        Count(states, predicted.Span<int>(), truth.Span<int>());
                        return true;
                    default:
                        return false;
                }
            }
        }
    }

    protected internal override void Add(MetricStates states, in Comparison batch)
    {
        var (predicted, isPredicted) = Read(states, batch.Predictions);
        var (truth, isTrue) = Read(states, batch.Targets.to(batch.Predictions.device));
        var counts = isPredicted.logical_and(isTrue);
        var cell = (truth * Classes + predicted).masked_fill(counts.logical_not(), 0);
        states[0].Value.reshape(-1).index_add_(0, cell, counts.to(ScalarType.Float64), 1);
    }

    /// <summary>[N] categories, and whether each counts.</summary>
    (Tensor Categories, Tensor Counts) Read(MetricStates states, Tensor series)
    {
        if (series.dim() == 2) series = series.argmax(1);
        var isMissing = series.is_floating_point() ? series.isnan() : zeros_like(series, ScalarType.Bool);
        if (Missing.Replacement is { } replacement)
        {
            series = series.masked_fill(isMissing, replacement);
            isMissing = zeros_like(isMissing);
        }
        var isCategory = series.ge(0).logical_and(series.lt(Classes));
        if (series.is_floating_point()) isCategory = isCategory.logical_and(series.floor().eq(series));
        states.Faults!.Note(0, isCategory.logical_or(isMissing).logical_not(), series);
        return (series.masked_fill(isCategory.logical_not(), 0).to(ScalarType.Int64), isCategory);
    }

    void Count<T>(MetricStates states, ReadOnlySpan<T> predicted, ReadOnlySpan<T> truth)
        where T : unmanaged, IBinaryInteger<T>
    {
        var table = states[0].Span<double>();
        var (wrong, first) = (0L, 0.0);
        for (var i = 0; i < truth.Length; i++)
        {
            var (t, p) = (long.CreateTruncating(truth[i]), long.CreateTruncating(predicted[i]));
            if ((ulong)t < (ulong)Classes && (ulong)p < (ulong)Classes) table[(int)(t * Classes + p)]++;
            else
                foreach (var category in (ReadOnlySpan<long>)[p, t])
                    if ((ulong)category >= (ulong)Classes && wrong++ == 0) first = category;
        }
        states.Faults!.Note(0, wrong, first);
    }

    bool IsSeries(ReadOnlySpan<long> sizes, Tensor series) =>
        !series.is_complex() && series.dtype != ScalarType.Bool && (sizes.Length == 1 || sizes.Length == 2 && sizes[1] == Classes && series.is_floating_point());
}
