using System.Numerics;
using System.Runtime.InteropServices;

namespace Raijin.Metrics;

/// <summary>Loops over numbers of the host that kernels share, by vectors.</summary>
static class VectorLoops
{
    /// <summary>The numbers as float64.</summary>
    public static void Widen<T>(ReadOnlySpan<T> from, Span<double> to)
        where T : unmanaged, INumber<T>
    {
        var done = 0;
        if (typeof(T) == typeof(double))
        {
            MemoryMarshal.Cast<T, double>(from).CopyTo(to);
            return;
        }
        if (typeof(T) == typeof(float))
        {
            var narrow = MemoryMarshal.Cast<T, Vector<float>>(from);
            var wide = MemoryMarshal.Cast<double, Vector<double>>(to);
            for (var i = 0; i < narrow.Length; i++) Vector.Widen(narrow[i], out wide[2 * i], out wide[2 * i + 1]);
            done = narrow.Length * Vector<float>.Count;
        }
        for (var i = done; i < from.Length; i++) to[i] = double.CreateTruncating(from[i]);
    }

    /// <summary>Whether none is NaN or infinite: 0·x is 0 of finite numbers only.</summary>
    public static bool AreFinite<T>(ReadOnlySpan<T> values)
        where T : unmanaged, INumber<T>
    {
        var vectors = MemoryMarshal.Cast<T, Vector<T>>(values);
        var zeros = Vector<T>.Zero;
        foreach (var vector in vectors) zeros += vector * Vector<T>.Zero;
        var zero = Vector.Sum(zeros);
        for (var i = vectors.Length * Vector<T>.Count; i < values.Length; i++) zero += values[i] * T.Zero;
        return zero == T.Zero;
    }

    /// <summary>Σ a.</summary>
    public static double Sum(ReadOnlySpan<double> a)
    {
        var vectors = MemoryMarshal.Cast<double, Vector<double>>(a);
        var (even, odd) = (Vector<double>.Zero, Vector<double>.Zero);
        for (var i = 0; i + 1 < vectors.Length; i += 2)
        {
            even += vectors[i];
            odd += vectors[i + 1];
        }
        var sum = Vector.Sum(even + odd);
        for (var i = vectors.Length / 2 * 2 * Vector<double>.Count; i < a.Length; i++) sum += a[i];
        return sum;
    }

    /// <summary>Σ a·b.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var vectorsA = MemoryMarshal.Cast<double, Vector<double>>(a);
        var vectorsB = MemoryMarshal.Cast<double, Vector<double>>(b);
        var (even, odd) = (Vector<double>.Zero, Vector<double>.Zero);
        for (var i = 0; i + 1 < vectorsA.Length; i += 2)
        {
            even += vectorsA[i] * vectorsB[i];
            odd += vectorsA[i + 1] * vectorsB[i + 1];
        }
        var sum = Vector.Sum(even + odd);
        for (var i = vectorsA.Length / 2 * 2 * Vector<double>.Count; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
