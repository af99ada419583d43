// n positions seen, W columns of scores, T thresholds

using System.Diagnostics;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>What all curves are made from; those of equal task and thresholds share one in a collection.</summary>
abstract record CurveAccumulation(Classification Task) : ScoredAccumulation(Task, ScoreForm.Ranking)
{
    /// <summary>The exact one, or the binned one where there are thresholds.</summary>
    public static CurveAccumulation Of(Classification task, Thresholds? thresholds)
    {
        ArgumentNullException.ThrowIfNull(task);
        return thresholds is null ? new KeptScores(task) : new BinnedScores(task, thresholds);
    }

    /// <summary>The counts of each column: a class against the rest, a label, or binary's only one.</summary>
    public abstract CurveCounts[] PerClass(MetricStates states);

    /// <summary>The counts of all columns as if they were one.</summary>
    public abstract CurveCounts Pooled(MetricStates states);

    /// <summary>The area under each column's ROC curve.</summary>
    public virtual RankedArea[] Areas(MetricStates states) => [.. PerClass(states).Select(c => new RankedArea(c.AreaUnderRoc(), c.Positives, c.Negatives))];

    /// <summary>The area under the ROC curve of all columns as if they were one.</summary>
    public virtual double PooledArea(MetricStates states) => Pooled(states).AreaUnderRoc();

    /// <summary>Thresholds of logits as the probabilities they stand for.</summary>
    protected CurveCounts InProbabilities(CurveCounts counts)
    {
        if (!Task.Logits || Task.Kind == ClassificationKind.Multiclass) return counts;
        foreach (ref var threshold in counts.Thresholds.AsSpan()) threshold = 1 / (1 + Math.Exp(-threshold));
        return counts;
    }
}

/// <summary>
/// Exact: every score is kept, with its label. float32 scores that weigh 1 (half precision fits them) take 4 · W + 2 · L bytes a position; others are
/// kept as float64 with their weight, 8 · W + 10 · L, so that nothing is narrowed.
/// </summary>
sealed record KeptScores : CurveAccumulation
{
    public KeptScores(Classification task)
        : base(task)
    {
        if (task.Kind == ClassificationKind.Multiclass && task.Classes > short.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(task), task.Classes, $"An exact curve keeps the scores of at most {short.MaxValue:n0} classes: use a binned one.");
    }

    public override void Declare(MetricStates states)
    {
        long[] labels = Task.Kind == ClassificationKind.Multilabel ? [0, Task.Classes] : [0];
        states.Add("scores", Reduction.Concatenate, empty([0, Task.Width], ScalarType.Float32));
        states.Add("labels", Reduction.Concatenate, empty(labels, ScalarType.Int16));
        states.Add("scores64", Reduction.Concatenate, empty([0, Task.Width], ScalarType.Float64));
        states.Add("labels64", Reduction.Concatenate, empty(labels, ScalarType.Int16));
        states.Add("weights64", Reduction.Concatenate, empty(labels, ScalarType.Float64));
        DeclareFaults(states);
    }

    protected override void AddBlock(MetricStates states, ScoreBlock block)
    {
        // Positions without a label that counts go; of multilabel all stay, for its labels are left out one by one.
        Span<short> labels = stackalloc short[block.Labels.Length];
        var kept = 0;
        for (var row = 0; row < block.Rows; row++)
        {
            if (LabelWidth == 1 && block.Labels[row] < 0) continue;
            if (kept < row)
            {
                block.Row(row).CopyTo(block.Row(kept));
                block.RowLabels(row).CopyTo(block.RowLabels(kept));
                block.RowWeights(row).CopyTo(block.RowWeights(kept));
            }
            kept++;
        }
        var scores = block.Scores[..(kept * block.Width)];
        var cells = kept * LabelWidth;
        for (var i = 0; i < cells; i++) labels[i] = (short)block.Labels[i];
        if (block.Weighted || block.DType == ScalarType.Float64)
        {
            states[2].Append<double>(scores);
            states[3].Append<short>(labels[..cells]);
            states[4].Append<double>(block.Weights[..cells]);
            return;
        }
        Span<float> singles = stackalloc float[scores.Length];
        for (var i = 0; i < scores.Length; i++) singles[i] = (float)scores[i];
        states[0].Append<float>(singles);
        states[1].Append<short>(labels[..cells]);
    }

    protected override void AddRows(MetricStates states, ScoreRows rows)
    {
        var labels = rows.Labels.masked_fill(rows.Counted.logical_not(), TaskInput.LeftOut);
        var weights = rows.Weights;
        if (Task.Kind != ClassificationKind.Multilabel) (labels, weights) = (labels.squeeze(1), weights.squeeze(1));
        if (rows.Weighted || rows.Scores.dtype == ScalarType.Float64)
        {
            states[2].Append(rows.Scores);
            states[3].Append(labels);
            states[4].Append(weights);
            return;
        }
        states[0].Append(rows.Scores);
        states[1].Append(labels);
    }

    public override CurveCounts[] PerClass(MetricStates states) => Each(states, ranked => InProbabilities(ranked.ToCounts()));

    public override CurveCounts Pooled(MetricStates states) => All(states, ranked => InProbabilities(ranked.ToCounts()));

    public override RankedArea[] Areas(MetricStates states) => Each(states, ranked => ranked.Area());

    public override double PooledArea(MetricStates states) => All(states, ranked => ranked.Area().Value);

    /// <summary>Of classes j (row) and k (column): the area that j's scores make among the samples of the two. The diagonal is NaN.</summary>
    public RankedArea[,] PairwiseAreas(MetricStates states)
    {
        Debug.Assert(Task.Kind == ClassificationKind.Multiclass);
        var parts = Parts(states);
        var areas = new RankedArea[Task.Classes, Task.Classes];
        RadixSort.Run(Math.Min(Environment.ProcessorCount, Task.Classes), Task.Classes, j =>
        {
            for (var k = 0; k < Task.Classes; k++)
            {
                if (k == j) continue;
                using var ranked = RankedSamples.Of(parts, new Problem(j, j + 1, k), 1);
                areas[j, k] = ranked.Area();
            }
        });
        return areas;
    }

    /// <summary>What was kept, on the host, in the open scope.</summary>
    public ScoredRows[] Parts(MetricStates states)
    {
        var byClass = Task.Kind == ClassificationKind.Multiclass;
        return
        [
            new(states[0].Value.cpu(), states[1].Value.cpu(), null, byClass),
            new(states[2].Value.cpu(), states[3].Value.cpu(), states[4].Value.cpu(), byClass),
        ];
    }

    // One column has all threads, several have one each.
    T[] Each<T>(MetricStates states, Func<RankedSamples, T> result)
    {
        var parts = Parts(states);
        var results = new T[Task.Width];
        var workers = Task.Width == 1 ? Environment.ProcessorCount : 1;
        RadixSort.Run(Math.Min(Environment.ProcessorCount, Task.Width), Task.Width, column =>
        {
            using var ranked = RankedSamples.Of(parts, Problem.Of(column), workers);
            results[column] = result(ranked);
        });
        return results;
    }

    T All<T>(MetricStates states, Func<RankedSamples, T> result)
    {
        using var ranked = RankedSamples.Of(Parts(states), new Problem(0, Task.Width), Environment.ProcessorCount);
        return result(ranked);
    }
}

/// <summary>Binned: for each column the weight of positives and of negatives between two thresholds. Memory is 16 · W · (T + 1) bytes, whatever is seen.</summary>
sealed record BinnedScores(Classification Task, Thresholds Thresholds) : CurveAccumulation(Task)
{
    /// <summary>As many even steps as float32 tells apart with room to spare.</summary>
    const int MaxSteps = 1 << 20;

    // What scores of each precision are compared with, rising.
    readonly double[] _double = Cuts(Task, Thresholds, ScalarType.Float64);
    readonly double[] _single = Cuts(Task, Thresholds, ScalarType.Float32);
    readonly double[] _half = Cuts(Task, Thresholds, ScalarType.Float16);
    readonly double[] _bfloat = Cuts(Task, Thresholds, ScalarType.BFloat16);

    // Even cuts are found by multiplication, give or take one; 0 where they are not even: those are found by halving.
    readonly int _steps = AreLogits(Task) || Thresholds.Count is < 2 or > MaxSteps || !Thresholds.Equals(Thresholds.Uniform(Thresholds.Count)) ? 0 : Thresholds.Count - 1;

    int Bins => Thresholds.Count + 1;

    public override void Declare(MetricStates states)
    {
        states.Add("bins", Reduction.Sum, zeros([Task.Width, Bins, 2], ScalarType.Float64));
        DeclareFaults(states);
    }

    protected override void AddBlock(MetricStates states, ScoreBlock block)
    {
        var bins = states[0].Span<double>();
        var cuts = CutsOf(block.DType);
        var steps = block.DType is ScalarType.Float64 or ScalarType.Float32 ? _steps : 0;
        if (block.Width == 1)
        {
            AddColumn(bins, cuts, steps, block.Scores, block.Labels, block.Weights, Task.Kind == ClassificationKind.Multiclass ? 0 : 1);
            return;
        }
        for (var row = 0; row < block.Rows; row++)
        {
            var scores = block.Row(row);
            for (var column = 0; column < scores.Length; column++)
            {
                var cell = LabelWidth == 1 ? row : (row * LabelWidth) + column;
                var label = block.Labels[cell];
                if (label < 0) continue;
                var positive = label == (Task.Kind == ClassificationKind.Multiclass ? column : 1) ? 1 : 0;
                bins[(((column * Bins) + Bin(cuts, steps, scores[column])) * 2) + positive] += block.Weights[cell];
            }
        }
    }

    static void AddColumn(Span<double> bins, double[] cuts, int steps, ReadOnlySpan<double> scores, ReadOnlySpan<int> labels, ReadOnlySpan<double> weights, int positive)
    {
        for (var i = 0; i < scores.Length && i < labels.Length && i < weights.Length; i++)
            if (labels[i] >= 0) bins[(Bin(cuts, steps, scores[i]) * 2) + (labels[i] == positive ? 1 : 0)] += weights[i];
    }

    protected override void AddRows(MetricStates states, ScoreRows rows)
    {
        var device = rows.Scores.device;
        var cuts = tensor(CutsOf(rows.Scores.dtype), device: device);
        var bin = bucketize(rows.Scores.to(ScalarType.Float64).contiguous(), cuts, right: true);                                       // [n, W]
        var columns = arange(Task.Width, ScalarType.Int64, device);
        var positive = Task.Kind == ClassificationKind.Multiclass ? rows.Labels.eq(columns) : rows.Labels;                            // [n, W]
        var cell = ((columns * Bins + bin) * 2) + positive.to(ScalarType.Int64);
        states[0].Value.view(-1).index_add_(0, cell.reshape(-1), rows.Weights.expand(cell.shape).reshape(-1), 1);
    }

    public override CurveCounts[] PerClass(MetricStates states)
    {
        var bins = states[0].ToArray<double>();
        return [.. Enumerable.Range(0, Task.Width).Select(column => ToCounts(bins.AsSpan(column * Bins * 2, Bins * 2)))];
    }

    public override CurveCounts Pooled(MetricStates states) => ToCounts(states[0].Value.sum(dim: 0).cpu().data<double>().ToArray());

    public bool Equals(BinnedScores? other) => other is not null && Task == other.Task && Thresholds.Equals(other.Thresholds);

    public override int GetHashCode() => HashCode.Combine(Task, Thresholds);

    CurveCounts ToCounts(ReadOnlySpan<double> bins)
    {
        var (thresholds, tps, fps) = (new double[Thresholds.Count], new double[Thresholds.Count], new double[Thresholds.Count]);
        var (tp, fp) = (0.0, 0.0);
        for (var i = 0; i < thresholds.Length; i++)
        {
            var bin = Thresholds.Count - i;
            (tp, fp) = (tp + bins[(2 * bin) + 1], fp + bins[2 * bin]);
            (thresholds[i], tps[i], fps[i]) = (Thresholds[bin - 1], tp, fp);
        }
        return new(thresholds, tps, fps, tp + bins[1], fp + bins[0]);
    }

    /// <summary>How many cuts a score reaches.</summary>
    static int Bin(double[] cuts, int steps, double score)
    {
        if (steps == 0 || score is not (>= 0 and <= 1)) return Search(cuts, score);
        var guess = double.ConvertToIntegerNative<int>(score * steps);
        if (score < cuts[guess]) return guess;
        return guess < steps && score >= cuts[guess + 1] ? guess + 2 : guess + 1;
    }

    static int Search(double[] cuts, double score)
    {
        var (low, high) = (0, cuts.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (score >= cuts[middle]) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    static bool AreLogits(Classification task) => task.Logits && task.Kind != ClassificationKind.Multiclass;

    double[] CutsOf(ScalarType scores) => scores switch
    {
        ScalarType.Float64 => _double,
        ScalarType.Float32 => _single,
        ScalarType.Float16 => _half,
        _ => _bfloat,
    };

    static double[] Cuts(Classification task, Thresholds thresholds, ScalarType scores) =>
    [
        .. thresholds.Select(t => AreLogits(task) ? Math.Log(t / (1 - t)) : t).Select(t => scores switch
        {
            ScalarType.Float64 => t,
            ScalarType.Float32 => (float)t,
            _ => HostNumbers.Round(t, scores),
        }),
    ];
}
