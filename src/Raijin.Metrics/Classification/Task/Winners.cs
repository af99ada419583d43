// The largest of each row of scores, the first of equals, in two passes of vectors: the maximum, then where it first stands. A row that a vector
// holds whole (up to 16 floats) is read with the next row's scores behind it, which are masked away.

using System.Numerics;
using System.Runtime.Intrinsics;

namespace Raijin.Metrics;

/// <summary>Which class wins: kernels over scores in memory.</summary>
static class Winners
{
    /// <summary>The first largest of each row; -1 where a score is NaN.</summary>
    /// <param name="scores">[rows, width], row-major.</param>
    /// <param name="width">Scores of a row.</param>
    /// <param name="winners">[rows].</param>
    public static void OfRows<T>(ReadOnlySpan<T> scores, int width, Span<int> winners)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var row = 0;
        if (width < Vector512<T>.Count)
        {
            var live = Vector512.LessThan(Vector512<T>.Indices, Vector512.Create(T.CreateTruncating(width)));
            var nothing = Vector512.Create(T.NegativeInfinity);
            for (; row < winners.Length && (row * width) + Vector512<T>.Count <= scores.Length; row++)
            {
                var x = Vector512.ConditionalSelect(live, Vector512.Create(scores[(row * width)..]), nothing);
                winners[row] = Vector512.EqualsAll(x, x)
                    ? BitOperations.TrailingZeroCount(Vector512.Equals(x, Vector512.Create(Largest(x))).ExtractMostSignificantBits())
                    : -1;
            }
        }
        for (; row < winners.Length; row++) winners[row] = OfRow(scores.Slice(row * width, width));
    }

    /// <summary>The first largest of each position's scores, which lie <paramref name="stride"/> apart; -1 where one is NaN.</summary>
    /// <param name="scores">Class c of position p at c · stride + p.</param>
    /// <param name="classes">Scores of a position.</param>
    /// <param name="stride">Elements from class to class.</param>
    /// <param name="winners">One for each position; at most <see cref="TaskInput.Block"/>.</param>
    public static void OfColumns<T>(ReadOnlySpan<T> scores, int classes, int stride, Span<int> winners)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var at = 0;
        if (typeof(T) == typeof(float))
        {
            for (; at + Vector512<T>.Count <= winners.Length; at += Vector512<T>.Count)
            {
                var best = Vector512.Create(scores[at..]);
                var winner = Vector512<int>.Zero;
                for (var c = 1; c < classes; c++)
                {
                    // Once NaN, the best stays NaN.
                    var x = Vector512.Create(scores[((c * stride) + at)..]);
                    var better = Vector512.GreaterThan(x, best) | ~Vector512.Equals(x, x);
                    best = Vector512.ConditionalSelect(better, x, best);
                    winner = Vector512.ConditionalSelect(better.AsInt32(), Vector512.Create(c), winner);
                }
                winner |= ~Vector512.Equals(best, best).AsInt32();
                winner.CopyTo(winners[at..]);
            }
        }
        for (; at < winners.Length; at++)
        {
            var (best, winner) = (scores[at], 0);
            for (var c = 1; c < classes; c++)
            {
                var x = scores[(c * stride) + at];
                if (!(x > best || T.IsNaN(x))) continue;
                (best, winner) = (x, c);
            }
            winners[at] = T.IsNaN(best) ? -1 : winner;
        }
    }

    /// <summary>Where the label is among the k largest of a position's scores, it is what was predicted. Of equal scores the first class comes first.</summary>
    /// <param name="scores">Class c of position p at p · row + c · column.</param>
    /// <param name="row">Elements from position to position.</param>
    /// <param name="column">Elements from class to class.</param>
    /// <param name="classes">Scores of a position.</param>
    /// <param name="k">How many count.</param>
    /// <param name="labels">One for each position, or negative.</param>
    /// <param name="winners">The first largest; changed to the label.</param>
    public static void Refine<T>(ReadOnlySpan<T> scores, int row, int column, int classes, int k, ReadOnlySpan<int> labels, Span<int> winners)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var i = 0; i < winners.Length; i++)
        {
            var label = labels[i];
            if (label < 0 || winners[i] < 0) continue;
            var own = scores[(i * row) + (label * column)];
            var rank = 0;
            for (var c = 0; c < label; c++) rank += scores[(i * row) + (c * column)] >= own ? 1 : 0;
            for (var c = label + 1; c < classes; c++) rank += scores[(i * row) + (c * column)] > own ? 1 : 0;
            if (rank < k) winners[i] = label;
        }
    }

    static int OfRow<T>(ReadOnlySpan<T> row)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var lanes = Vector512<T>.Count;
        if (row.Length < lanes)
        {
            var (best, winner) = (row[0], 0);
            for (var c = 0; c < row.Length; c++)
            {
                if (T.IsNaN(row[c])) return -1;
                if (row[c] > best) (best, winner) = (row[c], c);
            }
            return winner;
        }
        // The last vector overlaps the one before it: neither the maximum nor a NaN minds.
        var last = row.Length - lanes;
        var largest = Vector512.Create(row[last..]);
        var numbers = Vector512.Equals(largest, largest);
        for (var c = 0; c < last; c += lanes)
        {
            var x = Vector512.Create(row[c..]);
            numbers &= Vector512.Equals(x, x);
            largest = Vector512.MaxNative(largest, x);
        }
        if (numbers.AsUInt64() != Vector512<ulong>.AllBitsSet) return -1;
        var target = Vector512.Create(Largest(largest));
        for (var c = 0; c < last; c += lanes)
        {
            var found = Vector512.Equals(Vector512.Create(row[c..]), target).ExtractMostSignificantBits();
            if (found != 0) return c + BitOperations.TrailingZeroCount(found);
        }
        return last + BitOperations.TrailingZeroCount(Vector512.Equals(Vector512.Create(row[last..]), target).ExtractMostSignificantBits());
    }

    static T Largest<T>(Vector512<T> x)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var half = Vector256.MaxNative(x.GetLower(), x.GetUpper());
        var quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        if (typeof(T) == typeof(float))
        {
            var four = quarter.AsSingle();
            four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
            return Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2))).As<float, T>().ToScalar();
        }
        return T.MaxNative(quarter[0], quarter[1]);
    }
}
