using System.Buffers;

namespace Raijin.Data;

/// <summary>
/// Which pixels each pixel of a resampled row (or column) is made of, and their weights as integers that add up to 2^<see cref="Bits"/>: a
/// triangle as wide as two source pixels, or two target pixels where there are fewer of them.
/// </summary>
ref struct Taps
{
    /// <summary>Fraction bits of a weight. A weight times 255 and a sum of them fit an int.</summary>
    public const int Bits = 22;

    readonly int[] _first, _count, _weights;

    /// <summary>Computes the weights of some of a row's pixels.</summary>
    /// <param name="start">Where the part of the source that becomes the row begins.</param>
    /// <param name="length">How long it is, in source pixels.</param>
    /// <param name="size">Pixels of the row.</param>
    /// <param name="from">The first pixel that is wanted.</param>
    /// <param name="to">The one behind the last.</param>
    /// <param name="available">Source pixels that are there.</param>
    /// <param name="repeat">How often each weight is written.</param>
    public Taps(double start, double length, int size, int from, int to, int available, int repeat)
    {
        var whole = (int)Math.Floor(start);
        var rest = start - whole;
        var limit = (int)Math.Ceiling(rest + length);
        var scale = length / size;
        var support = Math.Max(scale, 1);
        Most = 2 * (int)Math.Ceiling(support) + 1;
        Repeat = repeat;
        _first = ArrayPool<int>.Shared.Rent(to - from);
        _count = ArrayPool<int>.Shared.Rent(to - from);
        _weights = ArrayPool<int>.Shared.Rent((to - from) * Most * repeat);

        Span<double> shares = Most <= 64 ? stackalloc double[Most] : new double[Most];
        for (var i = from; i < to; i++)
        {
            var center = rest + (i + 0.5) * scale;
            var (first, end) = Covered(center, support, limit);
            (first, end) = (Math.Max(first, -whole), Math.Min(end, available - whole));
            double sum = 0;
            for (var x = first; x < end; x++) sum += shares[x - first] = Math.Max(0, 1 - Math.Abs((x - center + 0.5) / support));
            var weights = _weights.AsSpan((i - from) * Most * repeat);
            for (var k = 0; k < end - first; k++) weights.Slice(k * repeat, repeat).Fill((int)(0.5 + shares[k] / sum * (1 << Bits)));
            (_first[i - from], _count[i - from]) = (first + whole, end - first);
        }
    }

    /// <summary>The most pixels that one is made of.</summary>
    public int Most { get; }

    public int Repeat { get; }

    /// <summary>First source pixel of each.</summary>
    public readonly ReadOnlySpan<int> First => _first;

    /// <summary>Source pixels of each.</summary>
    public readonly ReadOnlySpan<int> Count => _count;

    /// <summary>Weights: <see cref="Most"/> × <see cref="Repeat"/> places for each.</summary>
    public readonly ReadOnlySpan<int> Weights => _weights;

    /// <summary>The source pixels, from and up to, that pixels <paramref name="from"/> to <paramref name="to"/> of a row of <paramref name="size"/> look at.</summary>
    public static (int From, int To) Range(int length, int size, int from, int to)
    {
        var scale = (double)length / size;
        var support = Math.Max(scale, 1);
        return (Covered((from + 0.5) * scale, support, length).First, Covered((to - 0.5) * scale, support, length).End);
    }

    static (int First, int End) Covered(double center, double support, int limit) =>
        ((int)Math.Max(0, center - support + 0.5), Math.Min(limit, (int)(center + support + 0.5)));

    public readonly void Dispose()
    {
        ArrayPool<int>.Shared.Return(_first);
        ArrayPool<int>.Shared.Return(_count);
        ArrayPool<int>.Shared.Return(_weights);
    }
}
