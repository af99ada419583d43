using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Holds a tensor's memory for somebody who works on it beyond the call he was given it in: its owner may free the tensor meanwhile, the memory stays until the hold is released. About 30 ns; no wrapper,
/// so nothing counts it as a live tensor.
/// </summary>
readonly unsafe struct TensorHold
{
    readonly nint _handle;

    TensorHold(nint handle) => _handle = handle;

    /// <summary>Takes hold of a tensor's memory; of nothing for null.</summary>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    public static TensorHold Take(Tensor? tensor)
    {
        if (tensor is null) return default;
        TensorGuard.ThrowIfFreed(tensor);
        nint handle;
        if (StableAbi.NewTensorHandle(tensor.Handle, &handle) != 0) throw new InvalidOperationException("libtorch made no new handle of the tensor.");
        GC.KeepAlive(tensor);
        return new TensorHold(handle);
    }

    /// <summary>Lets go. Once.</summary>
    public void Release()
    {
        if (_handle != 0) StableAbi.DeleteTensor(_handle);
    }
}
