
namespace Raijin.Tensors;

/// <summary>
/// The entry points of libtorch's stable C ABI that we call. Every libtorch from 2.9 exports them on every platform; each returns zero for
/// success. A tensor handle is an <c>at::Tensor*</c>, which is what TorchSharp's <c>Tensor.Handle</c> is too.
/// </summary>
static unsafe class StableAbi
{
    /// <summary>The ABI our stacks are laid out for: libtorch 2.10 (major in the top byte, minor in the next).</summary>
    public const ulong Version = (2UL << 56) | (10UL << 48);

    /// <summary>(operator, overload, stack, version): arguments in schema order are consumed, returns replace them from slot 0.</summary>
    public static readonly delegate* unmanaged[Cdecl]<byte*, byte*, ulong*, ulong, int> CallDispatcher =
        (delegate* unmanaged[Cdecl]<byte*, byte*, ulong*, ulong, int>)Export("torch_call_dispatcher");

    // Called once or twice a tensor: without the transition, which costs more than the call (a small malloc and a count).
    /// <summary>(tensor, out handle): a new owned handle on the same tensor.</summary>
    public static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, nint*, int> NewTensorHandle =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, nint*, int>)Export("aoti_torch_new_tensor_handle");

    public static readonly delegate* unmanaged[Cdecl]<nint, int> DeleteTensor =
        (delegate* unmanaged[Cdecl]<nint, int>)Export("aoti_torch_delete_tensor_object");

    /// <summary>(source, destination): <c>*destination = *source</c>, releasing what the destination held.</summary>
    public static readonly delegate* unmanaged[Cdecl]<nint, nint, int> AssignTensor =
        (delegate* unmanaged[Cdecl]<nint, nint, int>)Export("aoti_torch_assign_tensors");

    public static readonly delegate* unmanaged[Cdecl]<nint, byte*, int> IsDefined =
        (delegate* unmanaged[Cdecl]<nint, byte*, int>)Export("aoti_torch_is_defined");

    public static readonly delegate* unmanaged[Cdecl]<nuint, nint*, int> NewList =
        (delegate* unmanaged[Cdecl]<nuint, nint*, int>)Export("torch_new_list_reserve_size");

    public static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, ulong, int> ListAdd =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, ulong, int>)Export("torch_list_push_back");

    public static readonly delegate* unmanaged[Cdecl]<nint, nuint*, int> ListCount =
        (delegate* unmanaged[Cdecl]<nint, nuint*, int>)Export("torch_list_size");

    public static readonly delegate* unmanaged[Cdecl]<nint, nuint, ulong*, int> ListGet =
        (delegate* unmanaged[Cdecl]<nint, nuint, ulong*, int>)Export("torch_list_get_item");

    /// <summary>Deletes the list, not what its items point at.</summary>
    public static readonly delegate* unmanaged[Cdecl]<nint, int> DeleteList =
        (delegate* unmanaged[Cdecl]<nint, int>)Export("torch_delete_list");

    /// <summary>(UTF-8 text, length, out handle).</summary>
    public static readonly delegate* unmanaged[Cdecl]<byte*, nuint, nint*, int> NewString =
        (delegate* unmanaged[Cdecl]<byte*, nuint, nint*, int>)Export("torch_new_string_handle");

    public static readonly delegate* unmanaged[Cdecl]<nint, int> DeleteString =
        (delegate* unmanaged[Cdecl]<nint, int>)Export("torch_delete_string");

    /// <summary>A symbol that must be there.</summary>
    /// <exception cref="EntryPointNotFoundException">The libtorch in use is not one of the versions bound.</exception>
    public static nint Export(string symbol) => NativeExports.OfTorch(symbol) is var address and not 0
        ? address
        : throw new EntryPointNotFoundException($"libtorch does not export {symbol}: version 2.10 was expected.");
}
