using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// A dense tensor of the host as spans, for kernels in safe code: its shape and its memory, read through libtorch's C ABI without an op or an
/// allocation (about 30 ns). Open it with <c>using</c>: the tensor stays alive until then.
/// <code>if (HostTensor.TryOpen(scores, out var view)) using (view) Count(view.Span&lt;float&gt;(), view.Size(1));</code>
/// </summary>
public readonly unsafe ref struct HostTensor
{
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, long*, int> GetDim =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, long*, int>)StableAbi.Export("aoti_torch_get_dim");
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, long**, int> GetSizes =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, long**, int>)StableAbi.Export("aoti_torch_get_sizes");

    readonly Tensor _tensor;
    readonly HostMemory _memory;
    readonly ReadOnlySpan<long> _sizes;

    HostTensor(Tensor tensor, HostMemory memory, ReadOnlySpan<long> sizes)
    {
        _tensor = tensor;
        _memory = memory;
        _sizes = sizes;
    }

    /// <summary>Whether <paramref name="tensor"/> is row-major host memory without gaps, and its view if so.</summary>
    /// <param name="tensor">Borrowed.</param>
    /// <param name="view">Valid until disposed, and as long as nobody frees or resizes the tensor.</param>
    /// <returns>False for another device, a transposed or otherwise strided tensor, a sparse one.</returns>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    public static bool TryOpen(Tensor tensor, out HostTensor view)
    {
        var found = TensorAccess.TryGetHostMemory(tensor, out var memory);
        view = found ? new HostTensor(tensor, memory, Sizes(tensor)) : default;
        return found;
    }

    /// <summary>The sizes of a tensor of any device and layout but sparse, without an allocation. Valid while the tensor lives and keeps its shape.</summary>
    /// <param name="tensor">Borrowed; the caller keeps it alive while it reads.</param>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    public static ReadOnlySpan<long> Sizes(Tensor tensor)
    {
        TensorGuard.ThrowIfFreed(tensor);
        long dim;
        long* sizes;
        if ((GetDim(tensor.Handle, &dim) | GetSizes(tensor.Handle, &sizes)) != 0) return tensor.shape;
        GC.KeepAlive(tensor);
        return new ReadOnlySpan<long>(sizes, (int)dim);
    }

    /// <summary>The type of its elements.</summary>
    public ScalarType DType => _memory.DType;

    /// <summary>How many elements it has.</summary>
    public long NumElements => _memory.NumElements;

    /// <summary>How many dimensions it has.</summary>
    public int Dim => _sizes.Length;

    /// <summary>Its sizes.</summary>
    public ReadOnlySpan<long> Shape => _sizes;

    /// <summary>The size of a dimension; a negative one counts from the last.</summary>
    public long Size(int dim) => _sizes[dim < 0 ? dim + _sizes.Length : dim];

    /// <summary>All elements, row-major, writable: a state that a kernel adds to.</summary>
    /// <typeparam name="T">The element's type: float for Float32, double, Half, long, int, short, sbyte, byte, bool; ushort for the bits of a BFloat16.</typeparam>
    /// <exception cref="InvalidOperationException">The elements are of another type.</exception>
    /// <exception cref="OverflowException">More than 2^31 - 1 elements: walk them with <see cref="Slice{T}"/>.</exception>
    public Span<T> Span<T>()
        where T : unmanaged => Slice<T>(0, checked((int)_memory.NumElements));

    /// <summary>Elements <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/>.</summary>
    /// <inheritdoc cref="Span{T}"/>
    public Span<T> Slice<T>(long start, int count)
        where T : unmanaged
    {
        if (Of<T>() != _memory.DType) throw new InvalidOperationException($"The tensor holds {_memory.DType}, not {typeof(T).Name}.");
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + count, _memory.NumElements);
        return new Span<T>((T*)_memory.Data + start, count);
    }

    /// <summary>The elements' bytes, wherever their number fits a span.</summary>
    public Span<byte> Bytes => new((void*)_memory.Data, checked((int)(_memory.NumElements * ElementBytes)));

    /// <summary>Bytes <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/>, whatever the type.</summary>
    public Span<byte> ByteSlice(long start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + count, _memory.NumElements * ElementBytes);
        return new((byte*)_memory.Data + start, count);
    }

    /// <summary>Whether byte <paramref name="start"/> lies on a multiple of <paramref name="alignment"/>, a power of two.</summary>
    public bool IsAligned(long start, int alignment) => ((_memory.Data + start) & (alignment - 1)) == 0;

    /// <summary>Bytes of one element.</summary>
    public int ElementBytes => _memory.DType switch
    {
        ScalarType.Float64 or ScalarType.Int64 or ScalarType.ComplexFloat32 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        ScalarType.ComplexFloat64 => 16,
        _ => 1,
    };

    /// <summary>Keeps the tensor alive up to here.</summary>
    public void Dispose() => GC.KeepAlive(_tensor);

    static ScalarType Of<T>() =>
        typeof(T) == typeof(float) ? ScalarType.Float32
        : typeof(T) == typeof(double) ? ScalarType.Float64
        : typeof(T) == typeof(long) ? ScalarType.Int64
        : typeof(T) == typeof(int) ? ScalarType.Int32
        : typeof(T) == typeof(Half) ? ScalarType.Float16
        : typeof(T) == typeof(ushort) ? ScalarType.BFloat16
        : typeof(T) == typeof(short) ? ScalarType.Int16
        : typeof(T) == typeof(byte) ? ScalarType.Byte
        : typeof(T) == typeof(sbyte) ? ScalarType.Int8
        : typeof(T) == typeof(bool) ? ScalarType.Bool
        : throw new InvalidOperationException($"No tensor holds {typeof(T).Name}.");
}
