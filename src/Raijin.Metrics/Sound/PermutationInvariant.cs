// B recordings, S speakers, … what a speaker's signal is, P = S! permutations

using Raijin.Metrics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Any score of separated sources under the best assignment of predictions to targets: a separator may give the speakers in any order. The mean of each recording's.
/// </summary>
/// <remarks>
/// Predictions and targets [B, S, …]. The score of an assignment is the mean of its S pairs' scores. Up to 6 speakers all S! assignments are compared where the
/// tensors lie; beyond that the best one is found on the host by shortest augmenting paths, for which a device is waited for. Yu et al. 2017, Kolbæk et al. 2017. Which is better
/// is what you say: <see cref="HigherIsBetter"/>.
/// </remarks>
/// <param name="score">Of predictions [B, …] and targets [B, …] of one speaker each, the score of each recording, [B]; such as <c>(p, t) =&gt; Sound.SiSdr(p, t)</c>. Give the
/// same delegate to metrics that shall share their states.</param>
/// <param name="higherIsBetter">Whether the largest score is looked for, or the least.</param>
public sealed class PermutationInvariant(Func<Tensor, Tensor, Tensor> score, bool higherIsBetter = true)
    : ScalarMetric<Comparison>(new PermutationScores(score ?? throw new ArgumentNullException(nameof(score)), Jointly: false, higherIsBetter))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => higherIsBetter;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => PermutationScores.Mean(states);
}

/// <summary>The same for a score of all speakers together, such as <c>(p, t) =&gt; Sound.SaSdr(p, t)</c>, which is not a mean over pairs.</summary>
/// <remarks>Predictions and targets [B, S, …], at most 6 speakers: every assignment is scored.</remarks>
/// <param name="score">Of predictions [N, S, …] and targets [N, S, …], the score of each recording, [N], or of each of its speakers, [N, S].</param>
/// <param name="higherIsBetter">Whether the largest score is looked for, or the least.</param>
public sealed class JointPermutationInvariant(Func<Tensor, Tensor, Tensor> score, bool higherIsBetter = true)
    : ScalarMetric<Comparison>(new PermutationScores(score ?? throw new ArgumentNullException(nameof(score)), Jointly: true, higherIsBetter))
{
    /// <inheritdoc/>
    public override bool? HigherIsBetter => higherIsBetter;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => PermutationScores.Mean(states);
}

/// <summary>The best assignment of each recording. The caller owns both tensors; gradients flow through the score.</summary>
/// <param name="Score">[B].</param>
/// <param name="Permutation">[B, S] int64: which prediction belongs to each target.</param>
public readonly record struct BestPermutation(Tensor Score, Tensor Permutation);

sealed record PermutationScores(Func<Tensor, Tensor, Tensor> Score, bool Jointly, bool HigherIsBetter) : MeanScores<Comparison>
{
    const int MaxEnumerated = 6;

    public override void Check(in Comparison batch)
    {
        SampleTensor.CheckAlike(batch.Predictions, batch.Targets);
        if (SampleTensor.IsComplex(batch.Predictions) != SampleTensor.IsComplex(batch.Targets))
            ShapeMismatchException.Throw("predictions", $"complex or real as the targets {ShapeText.Of(batch.Targets)}", ShapeText.Of(batch.Predictions));
        var sizes = HostTensor.Sizes(batch.Predictions);
        if (sizes.Length < 3 || sizes[1] == 0 || (Jointly && sizes[1] > MaxEnumerated))
            ShapeMismatchException.Throw("predictions", $"[B, S, ...] with S at least 1{(Jointly ? $" and at most {MaxEnumerated}" : "")}", ShapeText.Of(batch.Predictions));
        SampleTensor.CheckWeights(batch.Weights, sizes[0]);
    }

    protected override Tensor Scores(in Comparison batch) => Find(batch.Predictions, batch.Targets.to(batch.Predictions.device)).Score;

    protected override Tensor? Weights(in Comparison batch) => batch.Weights;

    public BestPermutation Best(Tensor predictions, Tensor targets)
    {
        Check(new(predictions, targets));
        using var scope = NewDisposeScope();
        var best = Find(predictions, targets.to(predictions.device));
        return new(best.Score.MoveToOuterDisposeScope(), best.Permutation.MoveToOuterDisposeScope());
    }

    BestPermutation Find(Tensor predictions, Tensor targets)
    {
        var speakers = predictions.shape[1];
        if (Jointly)
        {
            var orders = Permutations((int)speakers, predictions.device);                                          // [P, S]
            return Choose(JointScores(predictions, targets, orders), orders);
        }
        var pairs = PairScores(predictions, targets);                                                              // [B, S targets, S predictions]
        if (speakers > MaxEnumerated) return Assign(pairs);
        var permutations = Permutations((int)speakers, pairs.device);                                              // [P, S]
        var chosen = permutations.t().unsqueeze(0).expand(pairs.shape[0], -1, -1);
        return Choose(pairs.gather(2, chosen).mean([1]), permutations);
    }

    BestPermutation Choose(Tensor scores, Tensor permutations)
    {
        var (best, index) = HigherIsBetter ? scores.max(1) : scores.min(1);
        return new(best, permutations.index_select(0, index));
    }

    Tensor PairScores(Tensor predictions, Tensor targets)
    {
        var speakers = predictions.shape[1];
        var scores = new Tensor[speakers * speakers];
        for (var target = 0L; target < speakers; target++)
            for (var prediction = 0L; prediction < speakers; prediction++)
                scores[(target * speakers) + prediction] = Checked(Score(predictions.select(1, prediction), targets.select(1, target)), predictions.shape[0]);
        return stack(scores, 1).reshape(-1, speakers, speakers);
    }

    Tensor JointScores(Tensor predictions, Tensor targets, Tensor permutations)
    {
        var (recordings, speakers, count) = (predictions.shape[0], predictions.shape[1], permutations.shape[0]);
        var permuted = predictions.index_select(1, permutations.flatten()).reshape([recordings * count, speakers, .. predictions.shape[2..]]);
        var scores = Score(permuted, targets.repeat_interleave(count, 0));
        if (scores.shape is not [var n, ..] || n != recordings * count) ThrowScore($"[{recordings * count}] or [{recordings * count}, {speakers}]", scores);
        return scores.reshape(recordings, count, -1).mean([2]);
    }

    static Tensor Checked(Tensor scores, long recordings)
    {
        if (scores.shape is not [var n] || n != recordings) ThrowScore($"[{recordings}], one a recording", scores);
        return scores;
    }

    static void ThrowScore(string expected, Tensor scores) => ShapeMismatchException.Throw("score", expected, ShapeText.Of(scores), "The score function keeps the recordings apart.");

    BestPermutation Assign(Tensor pairs)
    {
        var (recordings, speakers) = (pairs.shape[0], (int)pairs.shape[1]);
        var costs = pairs.detach().to(ScalarType.Float64, CPU).contiguous().data<double>().ToArray();
        var columns = new long[recordings * speakers];
        var columnOf = new int[speakers];
        for (var recording = 0; recording < recordings; recording++)
        {
            LinearAssignment.Solve(costs.AsSpan(recording * speakers * speakers, speakers * speakers), speakers, speakers, columnOf, HigherIsBetter);
            for (var target = 0; target < speakers; target++) columns[(recording * speakers) + target] = columnOf[target];
        }
        var permutation = tensor(columns, [recordings, speakers], device: pairs.device);
        return new(pairs.gather(2, permutation.unsqueeze(2)).mean([1, 2]), permutation);
    }

    /// <summary>All orders of S speakers in lexicographic order, [S!, S] int64, made where they are used.</summary>
    static Tensor Permutations(int speakers, Device device)
    {
        var orders = zeros([1, 1], ScalarType.Int64, device);
        for (var size = 2; size <= speakers; size++)
        {
            // First comes each of the speakers, then an order of the rest: those not below it move up by one.
            var first = arange(size, ScalarType.Int64, device).repeat_interleave(orders.shape[0]).unsqueeze(1);
            var rest = orders.repeat(size, 1);
            orders = cat([first, rest + rest.ge(first).to(ScalarType.Int64)], 1);
        }
        return orders;
    }
}
