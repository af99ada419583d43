using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>The bytes of a tensor as the format wants them, row-major on the host: its own memory where it is that already, else a copy that lives as long as this.</summary>
readonly ref struct DenseHostCopy : IDisposable
{
    readonly Tensor _tensor;
    readonly Tensor? _copy;

    public DenseHostCopy(Tensor tensor)
    {
        _tensor = tensor;
        // A conjugated or negated view looks dense, but its bytes are those of its base.
        if (!tensor.is_conj() && !tensor.is_neg() && TensorAccess.TryGetHostMemory(tensor, out var memory))
        {
            Address = memory.Data;
            return;
        }

        using var scope = NewDisposeScope();
        using var untracked = no_grad();
        _copy = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().DetachFromDisposeScope();
        if (!TensorAccess.TryGetHostMemory(_copy, out memory)) throw new NotSupportedException("A tensor that is not strided has no row-major form: convert it with to_dense first.");
        Address = memory.Data;
    }

    /// <summary>Where the bytes are, until this is disposed.</summary>
    public nint Address { get; }

    /// <summary>Whether they are the tensor's own memory, there for as long as the tensor is.</summary>
    public bool IsBorrowed => _copy is null;

    public void Dispose()
    {
        _copy?.Dispose();
        GC.KeepAlive(_tensor);
    }
}
