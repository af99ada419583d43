// The samples of one binary problem in the order of their scores: float32 scores without weights, the usual case, as 32-bit integers in buckets
// (RankedFloats), others as 64-bit integers with a weight each. A positive outranks the negatives before its group of equal scores, and half of
// those within it.

using System.Buffers;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>Samples of one binary problem in rising order of their scores.</summary>
abstract class RankedSamples : IDisposable
{
    /// <summary>Ranks samples; dispose it to give its memory back.</summary>
    /// <param name="parts">Where they are: together they are the samples.</param>
    /// <param name="problem">Which of them.</param>
    /// <param name="workers">How many threads at most.</param>
    public static RankedSamples Of(ReadOnlySpan<ScoredRows> parts, in Problem problem, int workers)
    {
        ScoredRows? only = null;
        foreach (var part in parts)
        {
            if (part.Count == 0) continue;
            if (only is not null || part.Weights is not null || part.Scores.dtype != ScalarType.Float32) return RankedDoubles.Rank(parts, problem, workers);
            only = part;
        }
        return only is null ? new RankedDoubles([], [], 0) : RankedFloats.Rank(only.Value, problem, workers);
    }

    /// <summary>Chance that a positive's score is above a negative's, equal ones counting half: the area under the ROC curve. NaN where a class is missing.</summary>
    public abstract RankedArea Area();

    /// <summary>The counts at every different score.</summary>
    public abstract CurveCounts ToCounts();

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>Scores of any precision and weight: 64-bit integers, and with each its weight, negative for a negative sample.</summary>
sealed class RankedDoubles(ulong[] keys, double[] weights, int count) : RankedSamples
{
    public static RankedDoubles Rank(ReadOnlySpan<ScoredRows> parts, in Problem problem, int workers)
    {
        var count = 0;
        foreach (var part in parts) count = checked(count + (part.Count * (problem.EndColumn - problem.FirstColumn)));
        var gatherer = new Gatherer(ArrayPool<ulong>.Shared.Rent(count), ArrayPool<double>.Shared.Rent(count));
        foreach (var part in parts)
        {
            if (part.Count == 0) continue;
            if (part.Scores.dtype == ScalarType.Float32) part.Visit<float, Gatherer>(problem, 0, part.Count, ref gatherer);
            else part.Visit<double, Gatherer>(problem, 0, part.Count, ref gatherer);
        }

        var (keys, weights) = (gatherer.Keys, gatherer.Weights);
        for (var i = 0; i < gatherer.Count; i++) keys[i] -= gatherer.Low;
        var (keyScratch, weightScratch) = (ArrayPool<ulong>.Shared.Rent(count), ArrayPool<double>.Shared.Rent(count));
        var sorted = RadixSort.Sort(keys, keyScratch, weights, weightScratch, gatherer.Count, RadixSort.Bits(gatherer.High - gatherer.Low), Math.Min(workers, RadixSort.Workers(count)));
        ArrayPool<ulong>.Shared.Return(ReferenceEquals(sorted.Keys, keys) ? keyScratch : keys);
        ArrayPool<double>.Shared.Return(ReferenceEquals(sorted.Items, weights) ? weightScratch : weights);
        for (var i = 0; i < gatherer.Count; i++) sorted.Keys[i] += gatherer.Low;
        return new(sorted.Keys, sorted.Items, gatherer.Count);
    }

    public override RankedArea Area()
    {
        double positives = 0, negatives = 0, area = 0;
        for (var i = 0; i < count;)
        {
            var (positive, negative) = Group(ref i);
            area += positive * (negatives + (negative / 2));
            (positives, negatives) = (positives + positive, negatives + negative);
        }
        return new(positives == 0 || negatives == 0 ? double.NaN : area / (positives * negatives), positives, negatives);
    }

    public override CurveCounts ToCounts()
    {
        var different = 0;
        for (var i = 0; i < count; different++) Group(ref i);
        var (thresholds, tps, fps) = (new double[different], new double[different], new double[different]);
        var (at, tp, fp) = (0, 0.0, 0.0);
        for (int i = count - 1; i >= 0; i--)
        {
            if (weights[i] > 0) tp += weights[i];
            else fp -= weights[i];
            if (i > 0 && keys[i] == keys[i - 1]) continue;
            (thresholds[at], tps[at], fps[at]) = (ScoreCode.Score(keys[i]), tp, fp);
            at++;
        }
        return new(thresholds, tps, fps, tp, fp);
    }

    /// <summary>Weights of the group of equal scores that starts at <paramref name="i"/>, which goes to its end.</summary>
    (double Positive, double Negative) Group(ref int i)
    {
        var (positive, negative, key) = (0.0, 0.0, keys[i]);
        for (; i < count && keys[i] == key; i++)
        {
            if (weights[i] > 0) positive += weights[i];
            else negative -= weights[i];
        }
        return (positive, negative);
    }

    public override void Dispose()
    {
        ArrayPool<ulong>.Shared.Return(keys);
        ArrayPool<double>.Shared.Return(weights);
    }

    struct Gatherer(ulong[] keys, double[] weights) : IScoreVisitor<float>, IScoreVisitor<double>
    {
        public readonly ulong[] Keys = keys;
        public readonly double[] Weights = weights;
        public int Count;
        public ulong Low = ulong.MaxValue;
        public ulong High;

        public void Visit(float score, bool positive, double weight) => Visit((double)score, positive, weight);

        public void Visit(double score, bool positive, double weight)
        {
            var key = ScoreCode.Of(score);
            (Low, High) = (Math.Min(Low, key), Math.Max(High, key));
            (Keys[Count], Weights[Count]) = (key, positive ? weight : -weight);
            Count++;
        }
    }
}

/// <summary>An area under a ROC curve, and the weights of the two classes.</summary>
readonly record struct RankedArea(double Value, double Positives, double Negatives);
