// N rows of the source, B rows asked for, R bytes a row.
// Cost: B·R bytes read and written once; no index tensor on the host path. Shuffled rows of a large source are cache misses, and a row of a
// few kilobytes ends before the processor's own prefetcher has found its stride: fetching the rows to come while copying this one makes one
// thread faster here than libtorch's index_select on two.

using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Gathers rows of one tensor into a fresh tensor: <c>result[i] = source[rows[i]]</c>. On dense host memory it copies row by row; anywhere
/// else it is libtorch's <c>index_select</c>.
/// </summary>
/// <remarks>Safe to use from several threads at once. Shares the source's storage: later changes of the source are seen.</remarks>
public sealed unsafe class RowGather : IDisposable
{
    const int Line = 64;
    const int LongRow = 32 << 10;
    const int FetchAhead = 6 << 10;

    readonly Tensor _source;
    readonly long[] _shape;
    readonly ScalarType _dtype;
    readonly bool _onHost;
    readonly long _rowBytes;

    /// <summary>Prepares to gather from <paramref name="source"/>.</summary>
    /// <param name="source">
    /// [N, …], any dtype, layout and device; borrowed. One with gaps between its elements is copied once, here.
    /// </param>
    /// <exception cref="ShapeMismatchException">A scalar: it has no rows.</exception>
    public RowGather(Tensor source)
    {
        TensorGuard.ThrowIfFreed(source);
        _shape = source.shape;
        if (_shape.Length == 0) ShapeMismatchException.Throw(nameof(source), "a tensor of at least one dim", "a scalar");
        using (no_grad())
        using (var dense = source.contiguous())
            _source = dense.detach().DetachFromDisposeScope();
        _dtype = source.dtype;
        NumRows = _shape[0];
        _onHost = TensorAccess.TryGetHostMemory(_source, out _);
        _rowBytes = NumRows == 0 ? 0 : _source.NumberOfElements / NumRows * _source.ElementSize;
    }

    /// <summary>Rows of the source, N.</summary>
    public long NumRows { get; }

    /// <summary>The source: [N, …]; borrowed, lives as long as this.</summary>
    public Tensor Source => _source;

    /// <summary>The rows, in the order given, each as often as it is given.</summary>
    /// <param name="rows">Row numbers, 0 to N − 1.</param>
    /// <returns>[B, …], same dtype and device, owned by the caller's scope.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A row that the source does not have.</exception>
    /// <exception cref="ObjectDisposedException">This was disposed.</exception>
    public Tensor Rows(ReadOnlySpan<long> rows)
    {
        foreach (var row in rows)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(row, nameof(rows));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, NumRows, nameof(rows));
        }

        return _onHost ? Copy(rows) : Select(rows);
    }

    Tensor Copy(ReadOnlySpan<long> rows)
    {
        if (!TensorAccess.TryGetHostMemory(_source, out var source)) ObjectDisposedException.ThrowIf(true, this);
        var shape = (long[])_shape.Clone();
        shape[0] = rows.Length;
        var result = empty(shape, _dtype);
        TensorAccess.TryGetHostMemory(result, out var target);

        if (_rowBytes is >= Line and <= LongRow)
            CopyAhead((byte*)source.Data, (byte*)target.Data, rows);
        else
            CopyPlain((byte*)source.Data, (byte*)target.Data, rows);
        GC.KeepAlive(_source);
        GC.KeepAlive(result);
        return result;
    }

    // While row i is copied, line by line, the same lines of the row that is FetchAhead bytes away are fetched.
    void CopyAhead(byte* source, byte* target, ReadOnlySpan<long> rows)
    {
        var bytes = _rowBytes;
        var ahead = (int)Math.Max(1, FetchAhead / bytes);
        for (var i = 0; i < rows.Length; i++, target += bytes)
        {
            var from = source + rows[i] * bytes;
            var next = source + rows[Math.Min(i + ahead, rows.Length - 1)] * bytes;
            var last = bytes - Line;
            for (nint at = 0; at < last; at += Line)
            {
                if (Sse.IsSupported) Sse.Prefetch0(next + at);
                Vector512.Load(from + at).Store(target + at);
            }
            // The last line ends with the row, and so may overlap the one before.
            if (Sse.IsSupported) Sse.Prefetch0(next + last);
            Vector512.Load(from + last).Store(target + last);
        }
    }

    void CopyPlain(byte* source, byte* target, ReadOnlySpan<long> rows)
    {
        var bytes = _rowBytes;
        foreach (var row in rows)
        {
            Buffer.MemoryCopy(source + row * bytes, target, bytes, bytes);
            target += bytes;
        }
    }

    Tensor Select(ReadOnlySpan<long> rows)
    {
        using var index = tensor(rows.ToArray(), device: _source.device);
        return _source.index_select(0, index);
    }

    /// <summary>Lets go of the source.</summary>
    public void Dispose() => _source.Dispose();
}
