// Batches go in by blocks small enough for the cache: two passes over a block read memory once. A block's sums are taken around its first value, so
// that a large mean costs nothing, and folded in as any other batch.

using System.Numerics;
using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>Adds a batch to the packed moments, output by output.</summary>
readonly struct MomentsKernel(PairKind kind) : IRowKernel
{
    const int Block = 1024;

    public void Run<T>(MetricStates states, HostRows<T> rows)
        where T : unmanaged, INumber<T>
    {
        rows = rows.Finite(states.Faults!);
        var state = states[0].Span<double>();
        Span<double> a = stackalloc double[Block];
        Span<double> b = stackalloc double[Block];
        Span<double> weights = stackalloc double[rows.Weights.IsEmpty ? 0 : Block];
        for (var output = 0; output < rows.Outputs; output++)
        {
            for (var start = 0; start < rows.Count; start += Block)
            {
                var count = Math.Min(Block, rows.Count - start);
                Column(rows.Predictions, start, a[..count], rows.Outputs, output);
                Column(rows.Targets, start, b[..count], rows.Outputs, output);
                if (kind == PairKind.ErrorsAndTargets)
                    for (var i = 0; i < count; i++) a[i] -= b[i];
                if (weights.IsEmpty)
                {
                    Fold(state, rows.Outputs, output, Of(a[..count], b[..count]));
                    continue;
                }
                var kept = 0;
                for (var i = 0; i < count; i++)
                {
                    var weight = rows.Weight(start + i);
                    if (weight == 0) continue;
                    (a[kept], b[kept], weights[kept++]) = (a[i], b[i], weight);
                }
                if (kept > 0) Fold(state, rows.Outputs, output, Of(a[..kept], b[..kept], weights[..kept]));
            }
        }
    }

    static void Column<T>(ReadOnlySpan<T> values, int start, Span<double> into, int outputs, int output)
        where T : unmanaged, INumber<T>
    {
        if (outputs == 1) VectorLoops.Widen(values.Slice(start, into.Length), into);
        else for (var i = 0; i < into.Length; i++) into[i] = double.CreateTruncating(values[(start + i) * outputs + output]);
    }

    static PairMoment Of(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var lanes = Vector<double>.Count;
        var vectorsA = MemoryMarshal.Cast<double, Vector<double>>(a);
        var vectorsB = MemoryMarshal.Cast<double, Vector<double>>(b);
        var (fromA, fromB) = (new Vector<double>(a[0]), new Vector<double>(b[0]));
        var (sumsA, sumsB) = (Vector<double>.Zero, Vector<double>.Zero);
        var (leastA, largestA, leastB, largestB) = (fromA, fromA, fromB, fromB);
        for (var i = 0; i < vectorsA.Length; i++)
        {
            sumsA += vectorsA[i] - fromA;
            sumsB += vectorsB[i] - fromB;
            leastA = Vector.Min(leastA, vectorsA[i]);
            largestA = Vector.Max(largestA, vectorsA[i]);
            leastB = Vector.Min(leastB, vectorsB[i]);
            largestB = Vector.Max(largestB, vectorsB[i]);
        }
        var (sumA, sumB) = (Vector.Sum(sumsA), Vector.Sum(sumsB));
        var (minA, maxA, minB, maxB) = (a[0], a[0], b[0], b[0]);
        for (var lane = 0; lane < lanes; lane++)
        {
            (minA, maxA) = (Math.Min(minA, leastA[lane]), Math.Max(maxA, largestA[lane]));
            (minB, maxB) = (Math.Min(minB, leastB[lane]), Math.Max(maxB, largestB[lane]));
        }
        for (var i = vectorsA.Length * lanes; i < a.Length; i++)
        {
            sumA += a[i] - a[0];
            sumB += b[i] - b[0];
            (minA, maxA) = (Math.Min(minA, a[i]), Math.Max(maxA, a[i]));
            (minB, maxB) = (Math.Min(minB, b[i]), Math.Max(maxB, b[i]));
        }
        var (meanA, meanB) = (a[0] + sumA / a.Length, b[0] + sumB / b.Length);
        var (middleA, middleB) = (new Vector<double>(meanA), new Vector<double>(meanB));
        var (squaresA, squaresB, products) = (Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero);
        for (var i = 0; i < vectorsA.Length; i++)
        {
            var (offA, offB) = (vectorsA[i] - middleA, vectorsB[i] - middleB);
            squaresA += offA * offA;
            squaresB += offB * offB;
            products += offA * offB;
        }
        var (squareA, squareB, co) = (Vector.Sum(squaresA), Vector.Sum(squaresB), Vector.Sum(products));
        for (var i = vectorsA.Length * lanes; i < a.Length; i++)
        {
            var (offA, offB) = (a[i] - meanA, b[i] - meanB);
            squareA += offA * offA;
            squareB += offB * offB;
            co += offA * offB;
        }
        return new(a.Length, a.Length, new(meanA, squareA, minA, maxA), new(meanB, squareB, minB, maxB), co);
    }

    static PairMoment Of(ReadOnlySpan<double> a, ReadOnlySpan<double> b, ReadOnlySpan<double> weights)
    {
        var (weight, sumA, sumB) = (0.0, 0.0, 0.0);
        var (minA, maxA, minB, maxB) = (a[0], a[0], b[0], b[0]);
        for (var i = 0; i < a.Length; i++)
        {
            weight += weights[i];
            sumA += weights[i] * (a[i] - a[0]);
            sumB += weights[i] * (b[i] - b[0]);
            (minA, maxA) = (Math.Min(minA, a[i]), Math.Max(maxA, a[i]));
            (minB, maxB) = (Math.Min(minB, b[i]), Math.Max(maxB, b[i]));
        }
        var (meanA, meanB) = (a[0] + sumA / weight, b[0] + sumB / weight);
        var (squareA, squareB, co) = (0.0, 0.0, 0.0);
        for (var i = 0; i < a.Length; i++)
        {
            var (offA, offB) = (a[i] - meanA, b[i] - meanB);
            squareA += weights[i] * offA * offA;
            squareB += weights[i] * offB * offB;
            co += weights[i] * offA * offB;
        }
        return new(a.Length, weight, new(meanA, squareA, minA, maxA), new(meanB, squareB, minB, maxB), co);
    }

    static void Fold(Span<double> state, int outputs, int output, PairMoment block)
    {
        var before = state[PairMoments.Weight * outputs + output];
        var share = block.Weight / (before + block.Weight);
        var cross = before * share;
        var offA = Variable(state, PairMoments.A, block.A);
        var offB = Variable(state, PairMoments.B, block.B);
        state[PairMoments.Co * outputs + output] += block.Co + offA * offB * cross;
        state[PairMoments.Count * outputs + output] += block.Count;
        state[PairMoments.Weight * outputs + output] += block.Weight;

        double Variable(Span<double> into, int at, Moment moment)
        {
            ref var mean = ref into[(at + PairMoments.MeanOf) * outputs + output];
            ref var least = ref into[(at + PairMoments.LeastOf) * outputs + output];
            ref var largest = ref into[(at + PairMoments.LargestOf) * outputs + output];
            var off = moment.Mean - mean;
            mean += off * share;
            into[(at + PairMoments.SquaresOf) * outputs + output] += moment.Squares + off * off * cross;
            least = Math.Min(least, moment.Least);
            largest = Math.Max(largest, moment.Largest);
            return off;
        }
    }
}
