// Exact distances to the nearest edge, an axis at a time: along a line the nearest of value ⊕ step over all its pixels, where ⊕ is + for squares and
// for taxicab and max for chessboard. Seen from a pixel the steps only grow, so looking outwards ends once a step alone is no better: that many
// pixels as the edge is far, and at the last axis for the pixels asked for only.

namespace Raijin.Metrics;

/// <summary>Distances from pixels to a set of them.</summary>
/// <param name="sizes">1 to 3 spatial sizes.</param>
/// <param name="distance">How far two pixels are.</param>
/// <param name="spacing">How far neighbours are along each axis; empty: 1.</param>
sealed class DistanceField(int[] sizes, PixelDistance distance, ValueList<double> spacing)
{
    /// <summary>Pixels of the field.</summary>
    public int Pixels { get; } = sizes.Aggregate(1, (a, b) => checked(a * b));

    /// <summary>The distance from <paramref name="from"/>'s pixels to the nearest of <paramref name="to"/>'s that a share of them stays below; 0 if there is none.</summary>
    public double Farthest(ReadOnlySpan<bool> from, ReadOnlySpan<bool> to, double percentile)
    {
        var nearest = new double[Pixels];
        for (var i = 0; i < nearest.Length; i++) nearest[i] = to[i] ? 0 : double.PositiveInfinity;
        var stride = Pixels;
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            stride /= sizes[axis];
            Along(nearest, sizes[axis], stride, spacing.Count == 0 ? 1 : spacing[axis], axis == sizes.Length - 1 ? from : default);
        }

        var distances = new List<double>();
        var largest = 0.0;
        for (var i = 0; i < from.Length; i++)
        {
            if (!from[i]) continue;
            var d = distance == PixelDistance.Euclidean ? Math.Sqrt(nearest[i]) : nearest[i];
            largest = Math.Max(largest, d);
            if (percentile < 100) distances.Add(d);
        }
        if (percentile == 100 || distances.Count == 0) return largest;
        distances.Sort();
        var rank = percentile / 100 * (distances.Count - 1);
        var below = (int)Math.Floor(rank);
        var (lower, upper) = (distances[below], distances[Math.Min(below + 1, distances.Count - 1)]);
        return lower + (upper - lower) * (rank - below);
    }

    // Lines of `size` pixels, `stride` apart; where `wanted` is not empty, its pixels only.
    void Along(double[] values, int size, int stride, double step, ReadOnlySpan<bool> wanted)
    {
        var line = new double[size];
        for (var outer = 0; outer < values.Length; outer += size * stride)
        {
            for (var first = outer; first < outer + stride; first++)
            {
                var any = false;
                for (var i = 0; i < size; i++) any |= !double.IsPositiveInfinity(line[i] = values[first + i * stride]);
                if (!any) continue;
                for (var i = 0; i < size; i++)
                    if (wanted.IsEmpty || wanted[first + i * stride]) values[first + i * stride] = Nearest(line, i, step);
            }
        }
    }

    double Nearest(ReadOnlySpan<double> line, int at, double step)
    {
        var best = line[at];
        for (var k = 1; at - k >= 0 || at + k < line.Length; k++)
        {
            var away = distance == PixelDistance.Euclidean ? k * step * (k * step) : k * step;
            if (away >= best) break;
            if (at - k >= 0) best = Math.Min(best, Joined(line[at - k], away));
            if (at + k < line.Length) best = Math.Min(best, Joined(line[at + k], away));
        }
        return best;
    }

    double Joined(double value, double away) => distance == PixelDistance.Chessboard ? Math.Max(value, away) : value + away;
}
