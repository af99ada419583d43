// n positions, W scores a position, K terms: what is averaged separately, a label or a class

using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>Losses of scores, summed with their weights for each of some terms.</summary>
/// <param name="Task">What is classified.</param>
/// <param name="Form">What scores are read as.</param>
/// <param name="Terms">K.</param>
abstract record MeanLoss(Classification Task, ScoreForm Form, int Terms) : ScoredAccumulation(Task, Form)
{
    public override void Declare(MetricStates states)
    {
        states.Add("loss", Reduction.Sum, zeros([Terms], ScalarType.Float64));
        states.Add("weight", Reduction.Sum, zeros([Terms], ScalarType.Float64));
        DeclareFaults(states);
    }

    /// <summary>The weighted mean over all terms; NaN where nothing counts.</summary>
    public static double Mean(MetricStates states) => states[0].ToArray<double>().Sum() / states[1].ToArray<double>().Sum();

    /// <summary>The weighted mean of each term.</summary>
    public static IReadOnlyList<double> PerTerm(MetricStates states) => [.. states[0].ToArray<double>().Zip(states[1].ToArray<double>(), (loss, weight) => loss / weight)];

    protected override void AddBlock(MetricStates states, ScoreBlock block)
    {
        var losses = states[0].Span<double>();
        var weights = states[1].Span<double>();
        for (var row = 0; row < block.Rows; row++)
        {
            var scores = block.Row(row);
            for (var term = 0; term < Terms; term++)
            {
                var cell = LabelWidth == 1 ? row : (row * LabelWidth) + term;
                if (block.Labels[cell] < 0) continue;
                losses[term] += block.Weights[cell] * Loss(scores, block.Labels[cell], term, block.DType);
                weights[term] += block.Weights[cell];
            }
        }
    }

    protected override void AddRows(MetricStates states, ScoreRows rows)
    {
        var losses = Losses(rows).masked_fill(rows.Counted.logical_not(), 0);
        states[0].Value.add_((losses * rows.Weights).sum(dim: 0));
        states[1].Value.add_(rows.Weights.expand(losses.shape).sum(dim: 0));
    }

    /// <summary>The loss of a term.</summary>
    /// <param name="scores">[W].</param>
    /// <param name="label">The position's class, or 0 or 1.</param>
    /// <param name="term">Which term.</param>
    /// <param name="dtype">What the scores came as.</param>
    protected abstract double Loss(ReadOnlySpan<double> scores, int label, int term, ScalarType dtype);

    /// <summary>The losses of all terms, [n, K] float64; of positions that don't count anything.</summary>
    protected abstract Tensor Losses(ScoreRows rows);
}
