// Two passes over the memory: extremes and moments with vectors, then bins. About 1 ns an element from cache, one thread, no allocation beyond the
// result: a layer's weights cost less than its forward pass.

using System.Numerics;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>How a tensor's values are distributed: moments, and counts in bins of equal width from the smallest to the largest.</summary>
/// <param name="Count">Values counted: those that are finite.</param>
/// <param name="NonFinite">Values that are NaN or infinite; they are in nothing else here.</param>
/// <param name="Min">The smallest; 0 where nothing was counted.</param>
/// <param name="Max">The largest; 0 where nothing was counted.</param>
/// <param name="Sum">Σ x.</param>
/// <param name="SumOfSquares">Σ x².</param>
/// <param name="Bins">Counts of the bins, [low, high) each, the last one with its end. One bin where all values are equal; none where nothing was counted.</param>
public sealed record TensorHistogram(long Count, long NonFinite, double Min, double Max, double Sum, double SumOfSquares, IReadOnlyList<long> Bins)
{
    /// <summary>Bins of a histogram whose values differ.</summary>
    public const int NumBins = 64;

    /// <summary>The mean; NaN where nothing was counted.</summary>
    public double Mean => Sum / Count;

    /// <summary>Where bin <paramref name="index"/> begins; <c>Edge(Bins.Count)</c> is where the last one ends.</summary>
    public double Edge(int index) => index == Bins.Count ? Max : Min + (Max - Min) * index / Bins.Count;

    /// <summary>Looks at a tensor's values.</summary>
    /// <param name="tensor">Any shape, real dtype, any device (on another than the host it waits for it and copies); borrowed.</param>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    public static unsafe TensorHistogram Of(Tensor tensor)
    {
        if (TensorAccess.TryGetHostMemory(tensor, out var memory) && memory.DType == ScalarType.Float32)
        {
            var histogram = Of((float*)memory.Data, memory.NumElements);
            GC.KeepAlive(tensor);
            return histogram;
        }
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        using var copy = tensor.detach().to(ScalarType.Float32).cpu().contiguous();
        TensorAccess.TryGetHostMemory(copy, out memory);
        var result = Of((float*)memory.Data, memory.NumElements);
        GC.KeepAlive(copy);
        return result;
    }

    static unsafe TensorHistogram Of(float* values, long count)
    {
        var (min, max) = (float.PositiveInfinity, float.NegativeInfinity);
        var (sum, squares) = (0.0, 0.0);
        long finite = 0;
        const int Piece = 1 << 20;
        for (long from = 0; from < count; from += Piece)
            Measure(new ReadOnlySpan<float>(values + from, (int)Math.Min(Piece, count - from)), ref finite, ref min, ref max, ref sum, ref squares);
        if (finite == 0) return new TensorHistogram(0, count, 0, 0, 0, 0, []);

        var bins = new long[min < max ? NumBins : 1];
        if (bins.Length == 1) bins[0] = finite;
        else
            for (long from = 0; from < count; from += Piece)
                FillBins(new ReadOnlySpan<float>(values + from, (int)Math.Min(Piece, count - from)), min, max, bins);
        return new TensorHistogram(finite, count - finite, min, max, sum, squares, bins);
    }

    static void Measure(ReadOnlySpan<float> values, ref long finite, ref float min, ref float max, ref double sum, ref double squares)
    {
        var (lows, highs) = (new Vector<float>(min), new Vector<float>(max));
        var (sums, squared) = (Vector<double>.Zero, Vector<double>.Zero);
        var counts = Vector<int>.Zero;
        var i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var x = new Vector<float>(values[i..]);
            // x - x is zero for finite values only.
            var isFinite = Vector.Equals(x - x, Vector<float>.Zero);
            counts -= isFinite;
            lows = Vector.Min(lows, Vector.ConditionalSelect(isFinite, x, lows));
            highs = Vector.Max(highs, Vector.ConditionalSelect(isFinite, x, highs));
            Vector.Widen(Vector.ConditionalSelect(isFinite, x, Vector<float>.Zero), out var low, out var high);
            sums += low + high;
            squared += low * low + high * high;
        }
        finite += Vector.Sum(counts);
        sum += Vector.Sum(sums);
        squares += Vector.Sum(squared);
        for (var lane = 0; lane < Vector<float>.Count; lane++) (min, max) = (Math.Min(min, lows[lane]), Math.Max(max, highs[lane]));
        foreach (var x in values[i..])
        {
            if (!float.IsFinite(x)) continue;
            finite++;
            (min, max) = (Math.Min(min, x), Math.Max(max, x));
            sum += x;
            squares += (double)x * x;
        }
    }

    static void FillBins(ReadOnlySpan<float> values, double min, double max, long[] bins)
    {
        var scale = bins.Length / (max - min);
        // Neighbouring values often fall into one bin: four tables, so that one increment need not wait for the last.
        Span<int> tables = stackalloc int[4 * NumBins];
        tables.Clear();
        var last = bins.Length - 1;
        for (var i = 0; i < values.Length; i++)
        {
            var x = values[i];
            if (!float.IsFinite(x)) continue;
            tables[(i & 3) * NumBins + Math.Min((int)((x - min) * scale), last)]++;
        }
        for (var bin = 0; bin < bins.Length; bin++) bins[bin] += tables[bin] + tables[NumBins + bin] + tables[2 * NumBins + bin] + tables[3 * NumBins + bin];
    }
}
