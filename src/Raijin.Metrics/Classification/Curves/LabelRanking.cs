// B samples, L labels. All three scores are made of two counts for each relevant label j of a sample: how many labels score at least as much, and how
// many of these are relevant.

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// How far down a sample's labels, by falling score, one has to go to have all that are true: the mean over samples, in labels (Tsoumakas et al. 2010). In
/// [number of true labels, L], less is better.
/// </summary>
/// <remarks>
/// Scores [B, L, …] are floating; weights are [B]. Labels that are ignored are left out of their sample's ranking, samples that are left without a label out of
/// the mean; where nothing is left it is NaN. A sample without true labels counts 0. As scikit-learn's <c>coverage_error</c>.
/// </remarks>
/// <param name="task">Multilabel.</param>
public sealed class CoverageError(Classification task) : ScalarMetric<Comparison>(LabelRankings.Of(task))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => LabelRankings.Mean(states, 0);
}

/// <summary>
/// For each true label, the share of true ones among the labels that score at least as much; the mean over a sample's true labels, then over samples. In (0, 1],
/// more is better.
/// </summary>
/// <remarks>Shapes and what is left out are as for <see cref="CoverageError"/>. A sample whose labels are all true, or none, counts 1. As scikit-learn's <c>label_ranking_average_precision_score</c>.</remarks>
/// <param name="task">Multilabel.</param>
public sealed class LabelRankingAveragePrecision(Classification task) : ScalarMetric<Comparison>(LabelRankings.Of(task))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => LabelRankings.Mean(states, 1);
}

/// <summary>The share of pairs of a true and a false label that are not in order, equal scores included; the mean over samples. In [0, 1], less is better.</summary>
/// <remarks>
/// Shapes and what is left out are as for <see cref="CoverageError"/>. A sample whose labels are all true, or none, counts 0. As scikit-learn's
/// <c>label_ranking_loss</c>; torchmetrics orders equal scores as its sort happens to.
/// </remarks>
/// <param name="task">Multilabel.</param>
public sealed class LabelRankingLoss(Classification task) : ScalarMetric<Comparison>(LabelRankings.Of(task))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => false;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => LabelRankings.Mean(states, 2);
}

/// <summary>Sums over samples of the three scores of a ranking of labels, and their weight.</summary>
sealed record LabelRankings(Classification Task) : ScoredAccumulation(Task, ScoreForm.Ranking)
{
    /// <summary>Comparisons of label with label that one tensor holds at most.</summary>
    const long MaxPairs = 1 << 24;

    public static LabelRankings Of(Classification task)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (task.Kind != ClassificationKind.Multilabel) throw new ArgumentException($"Labels are ranked in multilabel tasks, not in {task.Kind}.", nameof(task));
        return new(task);
    }

    public static double Mean(MetricStates states, int score)
    {
        var sums = states[0].ToArray<double>();
        return sums[score] / sums[3];
    }

    public override void Declare(MetricStates states)
    {
        states.Add("sums", Reduction.Sum, zeros([4], ScalarType.Float64));
        DeclareFaults(states);
    }

    public override void Check(in Comparison batch)
    {
        if (TaskLayout.Of(Task, batch, scores: true).WeighsCells)
            ShapeMismatchException.Throw("weights", "[B], one a sample, for labels are ranked within it", ShapeText.Of(batch.Weights!));
    }

    protected override void AddBlock(MetricStates states, ScoreBlock block)
    {
        var sums = states[0].Span<double>();
        for (var row = 0; row < block.Rows; row++)
        {
            var scores = block.Row(row);
            var labels = block.RowLabels(row);
            var (counted, relevant, first) = (0, 0, -1);
            for (var j = 0; j < labels.Length; j++)
            {
                if (labels[j] < 0) continue;
                if (counted++ == 0) first = j;
                relevant += labels[j];
            }
            if (first < 0) continue;
            var (coverage, precision, wrong) = (0, 0.0, 0);
            for (var j = 0; j < labels.Length; j++)
            {
                if (labels[j] != 1) continue;
                var (rank, among) = (0, 0);
                for (var k = 0; k < labels.Length; k++)
                {
                    if (labels[k] < 0 || !(scores[k] >= scores[j])) continue;
                    rank++;
                    among += labels[k];
                }
                coverage = Math.Max(coverage, rank);
                precision += (double)among / rank;
                wrong += rank - among;
            }
            var (weight, mixed) = (block.RowWeights(row)[first], relevant > 0 && relevant < counted);
            sums[0] += weight * coverage;
            sums[1] += weight * (mixed ? precision / relevant : 1);
            sums[2] += mixed ? weight * wrong / ((double)relevant * (counted - relevant)) : 0;
            sums[3] += weight;
        }
    }

    protected override void AddRows(MetricStates states, ScoreRows rows)
    {
        var step = Math.Max(1, MaxPairs / ((long)Task.Classes * Task.Classes));
        var count = rows.Labels.shape[0];
        for (long start = 0; start < count; start += step)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(step, count - start);
            Add(states[0].Value, rows.Scores.narrow(0, start, length), rows.Labels.narrow(0, start, length).eq(1), rows.Counted.narrow(0, start, length), rows.Weights.narrow(0, start, length));
        }
    }

    static void Add(Tensor sums, Tensor scores, Tensor relevant, Tensor counted, Tensor weights)
    {
        relevant = relevant.logical_and(counted);
        var atLeast = scores.unsqueeze(1).ge(scores.unsqueeze(2));                                                  // [n, L, L]: label k scores at least as much as j
        var rank = atLeast.logical_and(counted.unsqueeze(1)).sum(dim: 2).to(ScalarType.Float64);                       // [n, L]
        var among = atLeast.logical_and(relevant.unsqueeze(1)).sum(dim: 2).to(ScalarType.Float64);
        var others = relevant.logical_not();
        var relevants = relevant.sum(dim: 1).to(ScalarType.Float64);                                                   // [n]
        var rest = counted.sum(dim: 1).to(ScalarType.Float64) - relevants;
        var pure = relevants.eq(0).logical_or(rest.eq(0));
        var coverage = rank.masked_fill(others, 0).amax([1]);
        var precision = (among / rank).masked_fill(others, 0).sum(dim: 1) / relevants;
        var loss = (rank - among).masked_fill(others, 0).sum(dim: 1) / (relevants * rest);
        var weight = weights.amax([1]);
        sums.add_(stack([weight * coverage, weight * precision.masked_fill(pure, 1), weight * loss.masked_fill(pure, 0), weight], 1).sum(dim: 0));
    }
}
