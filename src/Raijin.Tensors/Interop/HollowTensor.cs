using System.Diagnostics;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// A flat host tensor without memory of its own: memory of others is laid under it and taken away again, and every view of it sees the same. While there is none nobody may touch its values; its size stays, so that views can
/// be made at any time.
/// </summary>
public sealed class HollowTensor : IDisposable
{
    readonly long _bytes;

    /// <summary>Makes one; there is no memory yet.</summary>
    /// <exception cref="PlatformNotSupportedException"><see cref="TensorStorage.CanExchange"/> is false.</exception>
    public HollowTensor(long numElements, ScalarType dtype)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(numElements);
        using var none = no_grad();
        Tensor = empty(numElements, dtype).DetachFromDisposeScope();
        _bytes = numElements * Tensor.element_size();
        // What it has goes with the tensor that it is exchanged with.
        using (var nothing = empty(0, dtype).DetachFromDisposeScope()) TensorStorage.Exchange(Tensor, nothing);
        TensorStorage.Refer(Tensor, 0, _bytes);
    }

    /// <summary>[numElements]; belongs to this object.</summary>
    public Tensor Tensor { get; }

    /// <summary>Whether there is memory under it.</summary>
    public bool HasMemory { get; private set; }

    /// <summary>Lays memory under it, which must stay where it is until <see cref="Empty"/>.</summary>
    /// <param name="memory">Dense host memory; borrowed.</param>
    /// <param name="byteOffset">Where in it the values begin; a multiple of the element's size.</param>
    public void Fill(Tensor memory, long byteOffset)
    {
        if (!TensorAccess.TryGetHostMemory(memory, out var host)) throw new ArgumentException($"{memory.dtype} on {memory.device} is no dense host memory.", nameof(memory));
        ArgumentOutOfRangeException.ThrowIfNegative(byteOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(byteOffset + _bytes, host.NumElements * memory.element_size(), nameof(byteOffset));
        Debug.Assert(!HasMemory, "memory is laid under it once at a time");
        TensorStorage.Refer(Tensor, host.Data + (nint)byteOffset, _bytes);
        HasMemory = true;
    }

    /// <summary>Takes the memory away.</summary>
    public void Empty()
    {
        TensorStorage.Refer(Tensor, 0, _bytes);
        HasMemory = false;
    }

    /// <summary>Frees the tensor; views of it have no values.</summary>
    public void Dispose()
    {
        if (Tensor.IsInvalid) return;
        Empty();
        Tensor.Dispose();
    }
}
