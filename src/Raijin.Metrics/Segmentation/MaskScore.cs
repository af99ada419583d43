using Raijin.Metrics;

namespace Raijin;

/// <summary>What scores made of counted pixels have in common: their shapes, their background, and how samples are averaged.</summary>
/// <remarks>
/// Shapes are those of <see cref="SegmentationFormat"/>. Classes out of range and masks of other values than 0 and 1 are reported by Compute. Metrics of equal classes, format, level
/// and ignored class share their states in a <see cref="MetricCollection"/>. Samplewise the states keep 24 bytes a class and sample until a reset; global ones don't grow.
/// </remarks>
public abstract class MaskScore : ScalarMetric<Comparison>
{
    readonly int _classes;
    readonly int _first;

    private protected MaskScore(int classes, bool includeBackground, AggregationLevel level, SegmentationFormat format, long? ignoreIndex)
        : base(new MaskCounts(new SegmentationInput(classes, format, ignoreIndex), level))
    {
        _classes = classes;
        // Of an only class nothing would be left.
        _first = includeBackground || classes == 1 ? 0 : 1;
    }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The counts of a sample, or of all, for each class that is scored: shared, predicted, true.</summary>
    private protected IEnumerable<ArraySegment<double>> Rows(MetricStates states)
    {
        var counts = states[0].ToArray<double>();
        var width = _classes * MaskCounts.Each;
        for (var at = 0; at < counts.Length; at += width) yield return new(counts, at + _first * MaskCounts.Each, width - _first * MaskCounts.Each);
    }

    /// <summary>The mean over samples of a class's score, where it has one.</summary>
    private protected IReadOnlyList<double> MeanOfEach(Func<ArraySegment<double>, double> score)
    {
        ThrowIfEmpty();
        var rows = Rows(States).ToList();
        return [.. Enumerable.Range(0, _classes - _first).Select(c => Mean(rows.Select(r => score(r.Slice(c * MaskCounts.Each, MaskCounts.Each)))))];
    }

    /// <summary>The mean of those that are numbers; NaN if none is.</summary>
    private protected static double Mean(IEnumerable<double> values)
    {
        var (sum, count) = (0.0, 0);
        foreach (var value in values)
        {
            if (double.IsNaN(value)) continue;
            sum += value;
            count++;
        }
        return count == 0 ? double.NaN : sum / count;
    }

    /// <summary>The counts of each class of a row.</summary>
    private protected static IEnumerable<ArraySegment<double>> Classes(ArraySegment<double> row)
    {
        for (var at = 0; at < row.Count; at += MaskCounts.Each) yield return row.Slice(at, MaskCounts.Each);
    }
}
