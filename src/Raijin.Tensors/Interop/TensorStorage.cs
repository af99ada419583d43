using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// The memory under a tensor, which all its views share: it can be exchanged for another's, and every view, those that autograd saved too, sees what lies there then.
/// </summary>
public static unsafe class TensorStorage
{
    // A TensorImpl begins with its vtable and its reference counts; the pointer to the StorageImpl follows.
    const int StorageOffset = 16;

    // A StorageImpl (c10/core/StorageImpl.h): vtable, reference counts, DataPtr { address, what frees it: two words, device }, bytes.
    const int AddressWord = 2, BytesWord = 6;
    static readonly int[] ExchangedWords = [AddressWord, AddressWord + 1, AddressWord + 2, BytesWord];

    /// <summary>Whether memory can be exchanged: a libtorch whose storages look as they are known to. Tried once, on two small tensors.</summary>
    public static bool CanExchange { get; } = Try();

    /// <summary>
    /// Exchanges the memory under two tensors of one device. Both keep their shapes: while a tensor has less memory than it needs, nobody may touch its values.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException"><see cref="CanExchange"/> is false.</exception>
    /// <exception cref="ArgumentException">They are on different devices.</exception>
    public static void Exchange(Tensor a, Tensor b)
    {
        TensorGuard.ThrowIfFreed(a);
        TensorGuard.ThrowIfFreed(b);
        if (!CanExchange)
            throw new PlatformNotSupportedException("This libtorch lays its storages out in an unknown way: memory can't be exchanged under a tensor, which dividing parameters (stage 3) needs. Use the libtorch that the project pins, or stage 2.");
        if (a.device_type != b.device_type || a.device_index != b.device_index) throw new ArgumentException($"Memory of {a.device} can't lie under a tensor of {b.device}.", nameof(b));
        Swap(Words(a), Words(b));
        GC.KeepAlive(a);
        GC.KeepAlive(b);
    }

    /// <summary>Has a tensor that owns no memory refer to some, or to none (0). It says that it has <paramref name="bytes"/> in any case.</summary>
    internal static void Refer(Tensor tensor, nint address, long bytes)
    {
        TensorGuard.ThrowIfFreed(tensor);
        (Words(tensor)[AddressWord], Words(tensor)[BytesWord]) = (address, (nint)bytes);
        GC.KeepAlive(tensor);
    }

    static nint* Words(Tensor tensor) => *(nint**)(*(nint*)tensor.Handle + StorageOffset);

    static void Swap(nint* a, nint* b)
    {
        foreach (var word in ExchangedWords) (a[word], b[word]) = (b[word], a[word]);
    }

    static bool Try()
    {
        if (!Environment.Is64BitProcess) return false;
        using var none = no_grad();
        using var a = tensor(new[] { 1f, 2f }).DetachFromDisposeScope();
        using var b = tensor(new[] { 3f, 4f, 5f }).DetachFromDisposeScope();
        if (!Looks(a, 8) || !Looks(b, 12)) return false;
        Swap(Words(a), Words(b));
        var isExchanged = a.data<float>()[0] == 3f && b.data<float>()[1] == 2f && Looks(a, 12) && Looks(b, 8);
        Swap(Words(a), Words(b));
        return isExchanged;
    }

    static bool Looks(Tensor tensor, nint bytes) =>
        TensorAccess.TryGetHostMemory(tensor, out var memory) && Words(tensor)[AddressWord] == memory.Data && Words(tensor)[BytesWord] == bytes;
}
