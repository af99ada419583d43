using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Reaches a parameter's gradient without making a wrapper for it: <c>parameter.grad</c> allocates a managed tensor with a finalizer at each
/// read, this is a few loads. On platforms that do not export libc10's C++ entry points the same answers come through <c>parameter.grad</c>.
/// </summary>
public static unsafe class GradientAccess
{
    // TensorImpl::grad() const gives a reference to the at::Tensor inside the autograd metadata, or to a static undefined tensor.
    // An at::Tensor is one word, the TensorImpl*; a reference to it is what the C ABI takes as a tensor handle.
    static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, nint> Grad =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, nint>)NativeExports.OfC10("_ZNK3c1010TensorImpl4gradEv");
    static readonly nint UndefinedImpl = NativeExports.OfC10("_ZN3c1019UndefinedTensorImpl10_singletonE");

    /// <summary>Whether the direct route is there: libtorch on Linux. Elsewhere each answer costs a wrapper.</summary>
    public static bool IsDirect => Grad != null && UndefinedImpl != 0;

    /// <summary>Looks at the gradient of <paramref name="parameter"/>.</summary>
    /// <param name="parameter">Borrowed. Keep it, and do not clear its gradient, while the address is in use.</param>
    /// <param name="gradient">The gradient's memory, when the result is <see cref="HostMemoryKind.Dense"/>.</param>
    /// <exception cref="ObjectDisposedException">The parameter was freed.</exception>
    public static HostMemoryKind Inspect(Tensor parameter, out HostMemory gradient)
    {
        TensorGuard.ThrowIfFreed(parameter);
        if (IsDirect)
        {
            var kind = TensorAccess.Inspect(Grad(*(nint*)parameter.Handle), out gradient);
            GC.KeepAlive(parameter);
            return kind;
        }
        using var wrapper = parameter.grad;
        gradient = default;
        return wrapper is null ? HostMemoryKind.None : TensorAccess.Inspect(wrapper.Handle, out gradient);
    }

    /// <summary>Looks at the gradient behind a bare handle of a live parameter; only where <see cref="IsDirect"/>.</summary>
    internal static HostMemoryKind Inspect(nint parameterHandle, out HostMemory gradient) =>
        TensorAccess.Inspect(Grad(*(nint*)parameterHandle), out gradient);

    /// <summary>The gradient's memory by the parameter's bare handle, for loops that pinned their parameters' handles before.</summary>
    /// <param name="parameterHandle"><c>Tensor.Handle</c> of a live parameter.</param>
    /// <param name="data">Address of element 0.</param>
    /// <param name="numel">Elements, row-major without gaps.</param>
    /// <param name="dtype">Their type.</param>
    /// <returns>False when there is no gradient, or not as dense host memory (<see cref="Inspect(Tensor, out HostMemory)"/> says which).</returns>
    /// <exception cref="PlatformNotSupportedException"><see cref="IsDirect"/> is false.</exception>
    public static bool TryGetGradientPointer(nint parameterHandle, out nint data, out long numel, out ScalarType dtype)
    {
        ThrowUnlessDirect();
        var kind = TensorAccess.Inspect(Grad(*(nint*)parameterHandle), out var memory);
        (data, numel, dtype) = memory;
        return kind == HostMemoryKind.Dense;
    }

    /// <summary>Whether the parameter has a gradient, whatever its layout or device.</summary>
    /// <exception cref="ObjectDisposedException">The parameter was freed.</exception>
    public static bool HasGradient(Tensor parameter)
    {
        TensorGuard.ThrowIfFreed(parameter);
        if (IsDirect)
        {
            var has = *(nint*)Grad(*(nint*)parameter.Handle) != UndefinedImpl;
            GC.KeepAlive(parameter);
            return has;
        }
        using var wrapper = parameter.grad;
        return wrapper is not null;
    }

    /// <summary>Makes <paramref name="gradient"/> the parameter's gradient: the same tensor, into which a later pass adds in place.</summary>
    /// <param name="parameter">A leaf that requires a gradient; borrowed.</param>
    /// <param name="gradient">Of the parameter's shape, dtype and device; a reference is counted.</param>
    /// <exception cref="ObjectDisposedException">One of them was freed.</exception>
    public static void SetGradient(Tensor parameter, Tensor gradient)
    {
        TensorGuard.ThrowIfFreed(parameter);
        TensorGuard.ThrowIfFreed(gradient);
        // A leaf that requires a gradient has autograd metadata: the reference is to its own slot.
        if (IsDirect && parameter.requires_grad)
        {
            StableAbi.AssignTensor(gradient.Handle, Grad(*(nint*)parameter.Handle));
            GC.KeepAlive(parameter);
            GC.KeepAlive(gradient);
        }
        else parameter.grad = gradient;
    }

    /// <summary>Copies the parameter's gradient into <paramref name="slot"/>, or adds it there.</summary>
    /// <param name="parameter">Borrowed; it has a gradient.</param>
    /// <param name="slot">As many elements, of the gradient's dtype or another; borrowed. Where it is the gradient's own memory nothing is done.</param>
    /// <param name="add">Whether to add instead of to copy.</param>
    /// <exception cref="ObjectDisposedException">One of them was freed.</exception>
    public static void MoveTo(Tensor parameter, Tensor slot, bool add)
    {
        if (Inspect(parameter, out var from) == HostMemoryKind.Dense && TensorAccess.TryGetHostMemory(slot, out var to))
        {
            if (from.Data == to.Data) return;
            if (!add && from.DType == to.DType && from.NumElements == to.NumElements)
            {
                var bytes = from.NumElements * slot.ElementSize;
                Buffer.MemoryCopy((void*)from.Data, (void*)to.Data, bytes, bytes);
                GC.KeepAlive(parameter);
                GC.KeepAlive(slot);
                return;
            }
        }
        using var none = no_grad();
        using var gradient = parameter.grad!;
        if (add) slot.add_(gradient);
        else slot.copy_(gradient);
    }

    /// <summary>Sets the parameter's gradient to none and releases its memory, unless a wrapper of it is still held somewhere.</summary>
    /// <exception cref="ObjectDisposedException">The parameter was freed.</exception>
    public static void ClearGradient(Tensor parameter)
    {
        TensorGuard.ThrowIfFreed(parameter);
        if (IsDirect)
        {
            ClearGradient(parameter.Handle);
            GC.KeepAlive(parameter);
        }
        else parameter.grad = null;
    }

    /// <summary>The same by bare handle.</summary>
    /// <exception cref="PlatformNotSupportedException"><see cref="IsDirect"/> is false.</exception>
    public static void ClearGradient(nint parameterHandle)
    {
        ThrowUnlessDirect();
        var gradient = Grad(*(nint*)parameterHandle);
        // Without autograd metadata the reference is to a tensor shared by the whole process: it must not be written.
        if (*(nint*)gradient == UndefinedImpl) return;
        // An undefined at::Tensor is the singleton's address, and copying it counts no reference.
        var undefined = UndefinedImpl;
        StableAbi.AssignTensor((nint)(&undefined), gradient);
    }

    static void ThrowUnlessDirect()
    {
        if (!IsDirect)
            throw new PlatformNotSupportedException(
                "This libtorch does not export c10::TensorImpl::grad; pass the parameter's Tensor instead of its handle.");
    }
}
