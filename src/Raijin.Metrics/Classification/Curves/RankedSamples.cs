// The samples of one binary problem in the order of their scores. float32 scores without weights, the usual case, are one array of 32-bit integers:
// a score's code above its label's bit. One radix sort of it, and one pass over the sorted integers gives the area: a positive outranks the
// negatives before its group of equal scores, and half of those within it.

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
        return only is null ? new RankedDoubles([], [], 0) : (RankedSamples?)RankedFloats.TryRank(only.Value, problem, workers) ?? RankedDoubles.Rank(parts, problem, workers);
    }

    /// <summary>Chance that a positive's score is above a negative's, equal ones counting half: the area under the ROC curve. NaN where a class is missing.</summary>
    public abstract RankedArea Area();

    /// <summary>The counts at every different score.</summary>
    public abstract CurveCounts ToCounts();

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>float32 scores that weigh 1 each.</summary>
sealed class RankedFloats : RankedSamples
{
    readonly ScoreCode _code;
    readonly uint[] _keys;
    readonly int _count;
    readonly int _workers;

    RankedFloats(ScoreCode code, uint[] keys, int count, int workers) => (_code, _keys, _count, _workers) = (code, keys, count, workers);

    /// <summary>Ranks float32 scores without weights; null where a code and a label don't fit 32 bits.</summary>
    public static RankedFloats? TryRank(ScoredRows rows, Problem problem, int workers)
    {
        var threads = Math.Min(workers, RadixSort.Workers(rows.Count));
        var surveys = new Survey[threads];
        RadixSort.Run(threads, worker =>
        {
            var survey = new Survey();
            rows.Visit<float, Survey>(problem, RadixSort.Start(rows.Count, worker, threads), RadixSort.Start(rows.Count, worker + 1, threads), ref survey);
            surveys[worker] = survey;
        });
        var all = surveys.Aggregate((a, b) => a.With(b));
        var code = all.ToCode();
        if (!code.LeavesRoomForLabel) return null;

        var starts = new int[threads];
        for (var i = 1; i < threads; i++) starts[i] = starts[i - 1] + surveys[i - 1].Count;
        var (keys, scratch) = (ArrayPool<uint>.Shared.Rent(all.Count), ArrayPool<uint>.Shared.Rent(all.Count));
        RadixSort.Run(threads, worker =>
        {
            var packer = new Packer(code, keys.AsSpan(starts[worker]));
            rows.Visit<float, Packer>(problem, RadixSort.Start(rows.Count, worker, threads), RadixSort.Start(rows.Count, worker + 1, threads), ref packer);
        });
        var sorted = RadixSort.Sort(keys, scratch, all.Count, 1 + Bits((ulong)code.Count - 1), threads);
        ArrayPool<uint>.Shared.Return(ReferenceEquals(sorted, keys) ? scratch : keys);
        return new RankedFloats(code, sorted, all.Count, threads);
    }

    public override RankedArea Area()
    {
        var parts = new Part[_workers];
        RadixSort.Run(_workers, worker => parts[worker] = Rank(_keys.AsSpan(GroupStart(worker), GroupStart(worker + 1) - GroupStart(worker))));
        var (positives, negatives, twice) = (0L, 0L, 0.0);
        foreach (var part in parts)
        {
            twice += part.Twice + (2.0 * negatives * part.Positives);
            (positives, negatives) = (positives + part.Positives, negatives + part.Negatives);
        }
        return new(positives == 0 || negatives == 0 ? double.NaN : twice / (2.0 * positives * negatives), positives, negatives);
    }

    /// <summary>Where a worker's share starts, put off to the next different score.</summary>
    int GroupStart(int worker)
    {
        var start = RadixSort.Start(_count, worker, _workers);
        while (start > 0 && start < _count && _keys[start] >> 1 == _keys[start - 1] >> 1) start++;
        return start;
    }

    /// <summary>Positives, negatives, and twice the number of pairs ranked right. Within a group of equal scores the negatives come first.</summary>
    static Part Rank(ReadOnlySpan<uint> keys)
    {
        long positives = 0, before = 0, twice = 0, seen = 0;
        var group = uint.MaxValue;
        foreach (var key in keys)
        {
            var label = (long)(key & 1);
            before = key >> 1 == group ? before : seen;
            group = key >> 1;
            twice += (before + seen) & -label;
            positives += label;
            seen += 1 - label;
        }
        return new(positives, seen, twice);
    }

    public override CurveCounts ToCounts()
    {
        var different = _count == 0 ? 0 : 1;
        for (var i = 1; i < _count; i++) different += _keys[i] >> 1 == _keys[i - 1] >> 1 ? 0 : 1;
        var (thresholds, tps, fps) = (new double[different], new double[different], new double[different]);
        var (at, tp, fp) = (0, 0L, 0L);
        for (var i = _count - 1; i >= 0; i--)
        {
            var label = _keys[i] & 1;
            (tp, fp) = (tp + label, fp + 1 - label);
            if (i > 0 && _keys[i] >> 1 == _keys[i - 1] >> 1) continue;
            (thresholds[at], tps[at], fps[at]) = (_code.Score(_keys[i] >> 1), tp, fp);
            at++;
        }
        return new(thresholds, tps, fps, tp, fp);
    }

    public override void Dispose() => ArrayPool<uint>.Shared.Return(_keys);

    internal static int Bits(ulong value) => 64 - System.Numerics.BitOperations.LeadingZeroCount(value);

    readonly record struct Part(long Positives, long Negatives, long Twice);

    /// <summary>How many scores there are and between which they lie.</summary>
    struct Survey() : IScoreVisitor<float>
    {
        public int Count;
        float _low = float.PositiveInfinity;
        float _high = float.NegativeInfinity;
        uint _leastMagnitude = uint.MaxValue;

        public void Visit(float score, bool positive, double weight)
        {
            Count++;
            _low = float.MinNative(_low, score);
            _high = float.MaxNative(_high, score);
            // 0 wraps to the largest.
            _leastMagnitude = Math.Min(_leastMagnitude, (uint)ScoreCode.Magnitude(score) - 1);
        }

        public readonly Survey With(Survey other) => new()
        {
            Count = checked(Count + other.Count),
            _low = Math.Min(_low, other._low),
            _high = Math.Max(_high, other._high),
            _leastMagnitude = Math.Min(_leastMagnitude, other._leastMagnitude),
        };

        public readonly ScoreCode ToCode() => Count == 0 ? new ScoreCode(0, 0, 1) : new ScoreCode(_low, _high, (int)Math.Min(_leastMagnitude, int.MaxValue - 1) + 1);
    }

    ref struct Packer(ScoreCode code, Span<uint> keys) : IScoreVisitor<float>
    {
        readonly ScoreCode _code = code;
        readonly Span<uint> _keys = keys;
        int _count;

        public void Visit(float score, bool positive, double weight) => _keys[_count++] = (_code.Of(score) << 1) | (positive ? 1u : 0u);
    }
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
        var sorted = RadixSort.Sort(keys, keyScratch, weights, weightScratch, gatherer.Count, RankedFloats.Bits(gatherer.High - gatherer.Low), Math.Min(workers, RadixSort.Workers(count)));
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
