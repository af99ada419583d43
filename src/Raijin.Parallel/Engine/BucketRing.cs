using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>
/// A few buffers, large enough for the largest bucket, in which gradients are reduced one after another. They are lent in turn: the k-th loan of every rank is the same buffer, so ranks reduce them in place.
/// </summary>
sealed class BucketRing : IDisposable
{
    readonly Tensor[] _buffers;
    readonly bool[] _lent;
    readonly Dictionary<Tensor, int> _views = new(ReferenceEqualityComparer.Instance);
    int _next;

    /// <param name="context">The engine's.</param>
    /// <param name="bytes">Of the largest bucket.</param>
    /// <param name="count">How many buffers.</param>
    public BucketRing(EngineContext context, long bytes, int count)
    {
        _buffers = [.. Enumerable.Range(0, count).Select(_ => context.Gradients.Group.Allocate(bytes, ScalarType.Byte).DetachFromDisposeScope())];
        _lent = new bool[count];
        context.Ledger.Allocated(BufferKind.Bucket, bytes * count);
    }

    /// <summary>Whether the next buffer in turn is at home.</summary>
    public bool CanLease => !_lent[_next];

    /// <summary>The next buffer in turn, as a flat tensor; to be given back.</summary>
    public Tensor Lease(long numElements, ScalarType dtype)
    {
        if (!CanLease) throw new InvalidOperationException("Every bucket is being reduced: complete the oldest first.");
        using var none = no_grad();
        _lent[_next] = true;
        using var range = _buffers[_next].narrow(0, 0, numElements * Width(dtype));
        var view = Tensors.Aten.ViewAs(range, dtype).DetachFromDisposeScope();
        _views.Add(view, _next);
        _next = (_next + 1) % _buffers.Length;
        return view;
    }

    public void Return(Tensor lease)
    {
        _views.Remove(lease, out var index);
        _lent[index] = false;
        lease.Dispose();
    }

    static long Width(ScalarType type) => type switch
    {
        ScalarType.Float64 => 8,
        ScalarType.BFloat16 or ScalarType.Float16 => 2,
        _ => 4,
    };

    public void Dispose()
    {
        foreach (var view in _views.Keys) view.Dispose();
        foreach (var buffer in _buffers) buffer.Dispose();
    }
}
