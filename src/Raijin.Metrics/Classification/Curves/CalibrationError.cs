// n positions seen, M bins

using Raijin.Charts;
using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>How the gaps of the bins become one error.</summary>
public enum CalibrationNorm
{
    /// <summary>Σ share · |accuracy - confidence|: the expected calibration error.</summary>
    L1,

    /// <summary>√ Σ share · (accuracy - confidence)².</summary>
    L2,

    /// <summary>The largest |accuracy - confidence|.</summary>
    Max,
}

/// <summary>Samples whose confidence is much the same.</summary>
/// <param name="Confidence">Their mean confidence; NaN for an empty bin.</param>
/// <param name="Accuracy">The share of them that is right; NaN for an empty bin.</param>
/// <param name="Share">Their share of all samples.</param>
public readonly record struct CalibrationBin(double Confidence, double Accuracy, double Share);

/// <summary>
/// How far confidences are from how often they are right, over bins of like confidence (Guo et al. 2017, arXiv:1706.04599). In [0, 1], less is better.
/// </summary>
/// <remarks>
/// Binary: the confidence is the probability of class 1, right where the label is 1, as in scikit-learn's <c>calibration_curve</c>. Multiclass: that of the
/// most probable class, the first of equals, right where it is the label. Scores are probabilities, or logits with the task's <c>logits</c>. Multilabel has none.
/// <para>
/// Bins of equal width are (m/M, (m+1)/M], the first one with 0, as in the paper and in scikit-learn; torchmetrics' are [m/M, (m+1)/M) with one more for 1,
/// which differs for confidences on an edge only. Memory is constant. Bins of equal mass (scikit-learn's <c>quantile</c>) keep every confidence, 24 bytes a sample.
/// Where nothing counts the error is NaN.
/// </para>
/// </remarks>
public sealed class CalibrationError : ScalarMetric<Comparison>, IPlot
{
    readonly int _bins;
    readonly CalibrationNorm _norm;
    readonly bool _equalMass;

    /// <summary>The error over so many bins.</summary>
    /// <param name="task">Binary or multiclass.</param>
    /// <param name="bins">M.</param>
    /// <param name="norm">How the gaps of the bins become one error.</param>
    /// <param name="equalMass">Bins of as many samples each instead of equal width.</param>
    public CalibrationError(Classification task, int bins = 15, CalibrationNorm norm = CalibrationNorm.L1, bool equalMass = false)
        : base(Gathered(task, bins, equalMass)) => (_bins, _norm, _equalMass) = (bins, norm, equalMass);

    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <summary>The reliability diagram's numbers.</summary>
    /// <inheritdoc cref="Metric{TResult}.Compute"/>
    public IReadOnlyList<CalibrationBin> Bins()
    {
        ThrowIfEmpty();
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        return BinsOf(States);
    }

    /// <summary>The reliability diagram: accuracy over confidence beside the diagonal, above how the samples are spread.</summary>
    /// <inheritdoc/>
    public Chart Plot(string? title = null)
    {
        var all = Bins();
        var bins = all.Where(b => b.Share > 0).ToList();
        // Bars over the same axis as the diagram's; bins of equal mass are all as high, so their confidences are shown.
        Chart spread = _equalMass
            ? new LineChart { XLabel = "confidence", YLabel = "share", Curves = [new Curve("", [.. bins.Select(b => b.Confidence)], [.. bins.Select(b => b.Share)]) { Color = 0 }] }
            : new HistogramChart { XLabel = "confidence", YLabel = "share", Edges = [.. Enumerable.Range(0, _bins + 1).Select(b => (double)b / _bins)], Counts = [.. all.Select(b => b.Share)] };
        return new Panels
        {
            Title = title ?? "Calibration",
            Columns = 1,
            Charts =
            [
                new LineChart
                {
                    XLabel = "confidence",
                    YLabel = "accuracy",
                    Curves = [new Curve("", [0, 1], [0, 1]) { Style = CurveStyle.Faint }, new Curve("", [.. bins.Select(b => b.Confidence)], [.. bins.Select(b => b.Accuracy)]) { Color = 0 }],
                },
                spread,
            ],
        };
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var bins = BinsOf(states).Where(b => b.Share > 0).ToList();
        if (bins.Count == 0) return double.NaN;
        return _norm switch
        {
            CalibrationNorm.L1 => bins.Sum(b => b.Share * Math.Abs(b.Accuracy - b.Confidence)),
            CalibrationNorm.L2 => Math.Sqrt(bins.Sum(b => b.Share * (b.Accuracy - b.Confidence) * (b.Accuracy - b.Confidence))),
            _ => bins.Max(b => Math.Abs(b.Accuracy - b.Confidence)),
        };
    }

    CalibrationBin[] BinsOf(MetricStates states)
    {
        var sums = states[0].ToArray<double>();
        if (_equalMass) sums = EqualMass(sums);
        var total = 0.0;
        for (var bin = 0; bin < _bins; bin++) total += sums[3 * bin];
        return [.. Enumerable.Range(0, _bins).Select(b => new CalibrationBin(sums[(3 * b) + 1] / sums[3 * b], sums[(3 * b) + 2] / sums[3 * b], total > 0 ? sums[3 * b] / total : 0))];
    }

    // Sample i of n in rising order stands at i / (n - 1), with weights at (weight before it) / (weight of all but the last); bin m ends with the last
    // sample at m / M or before, and whatever equals it: as if at percentiles interpolated between samples.
    double[] EqualMass(double[] kept)
    {
        var order = Enumerable.Range(0, kept.Length / 3).Where(i => kept[3 * i] > 0).OrderBy(i => kept[(3 * i) + 1]).ThenByDescending(i => kept[3 * i]).ToArray();
        var sums = new double[3 * _bins];
        if (order.Length == 0) return sums;
        var all = order.Sum(i => kept[3 * i]) - kept[3 * order[^1]];
        var (before, bin, last) = (0.0, 0, double.NaN);
        foreach (var i in order)
        {
            var (weight, confidence) = (kept[3 * i], kept[(3 * i) + 1]);
            while (bin < _bins - 1 && before * _bins > (bin + 1) * all && confidence != last) bin++;
            sums[3 * bin] += weight;
            sums[(3 * bin) + 1] += weight * confidence;
            sums[(3 * bin) + 2] += weight * kept[(3 * i) + 2];
            (before, last) = (before + weight, confidence);
        }
        return sums;
    }

    static Accumulation<Comparison> Gathered(Classification task, int bins, bool equalMass)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bins);
        if (task.Kind == ClassificationKind.Multilabel) throw new ArgumentException("Labels of multilabel are not calibrated together: give each its own binary metric.", nameof(task));
        return equalMass ? new KeptConfidences(task) : new BinnedConfidences(task, bins);
    }
}

/// <summary>How sure the model was of each sample, and whether it was right.</summary>
abstract record Confidences(Classification Task) : ScoredAccumulation(Task, ScoreForm.Probability)
{
    protected override void AddBlock(MetricStates states, ScoreBlock block)
    {
        for (var row = 0; row < block.Rows; row++)
        {
            var label = block.Labels[row];
            if (label < 0) continue;
            var scores = block.Row(row);
            if (scores.Length == 1)
            {
                Add(states[0], block.Weights[row], scores[0], label);
                continue;
            }
            var winner = 0;
            for (var c = 1; c < scores.Length; c++)
                if (scores[c] > scores[winner]) winner = c;
            Add(states[0], block.Weights[row], scores[winner], winner == label ? 1 : 0);
        }
    }

    protected override void AddRows(MetricStates states, ScoreRows rows)
    {
        var (confidence, right) = (rows.Scores.squeeze(1), rows.Labels.squeeze(1));
        if (Task.Kind == ClassificationKind.Multiclass)
        {
            var (largest, winner) = rows.Scores.max(1);
            (confidence, right) = (largest, winner.eq(right));
        }
        confidence = confidence.to(ScalarType.Float64).masked_fill(rows.Counted.squeeze(1).logical_not(), 0);
        Add(states[0], rows.Weights.squeeze(1), confidence, right.to(ScalarType.Float64));
    }

    protected abstract void Add(MetricState state, double weight, double confidence, int right);

    protected abstract void Add(MetricState state, Tensor weights, Tensor confidences, Tensor right);
}

/// <summary>Weight, confidence and accuracy summed for each of M bins of equal width.</summary>
sealed record BinnedConfidences(Classification Task, int Bins) : Confidences(Task)
{
    public override void Declare(MetricStates states)
    {
        states.Add("bins", Reduction.Sum, zeros([Bins, 3], ScalarType.Float64));
        DeclareFaults(states);
    }

    protected override void Add(MetricState state, double weight, double confidence, int right)
    {
        var bin = Math.Clamp((int)Math.Ceiling(confidence * Bins) - 1, 0, Bins - 1);
        if (bin > 0 && confidence <= (double)bin / Bins) bin--;
        else if (bin < Bins - 1 && confidence > (double)(bin + 1) / Bins) bin++;
        var sums = state.Span<double>().Slice(3 * bin, 3);
        sums[0] += weight;
        sums[1] += weight * confidence;
        sums[2] += weight * right;
    }

    protected override void Add(MetricState state, Tensor weights, Tensor confidences, Tensor right)
    {
        // Edges within: a confidence on one belongs to the bin that ends there.
        var edges = tensor(Enumerable.Range(1, Bins - 1).Select(i => (double)i / Bins).ToArray(), device: confidences.device);
        var bin = bucketize(confidences, edges);
        state.Value.index_add_(0, bin, stack([weights, weights * confidences, weights * right], 1), 1);
    }
}

/// <summary>Weight, confidence and accuracy of each sample.</summary>
sealed record KeptConfidences(Classification Task) : Confidences(Task)
{
    public override void Declare(MetricStates states)
    {
        states.Add("confidences", Reduction.Concatenate, empty([0, 3], ScalarType.Float64));
        DeclareFaults(states);
    }

    protected override void Add(MetricState state, double weight, double confidence, int right) => state.Append<double>([weight, confidence, right]);

    protected override void Add(MetricState state, Tensor weights, Tensor confidences, Tensor right) => state.Append(stack([weights, confidences, right], 1));
}
