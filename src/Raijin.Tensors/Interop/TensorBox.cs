using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// A wrapper's <c>Handle</c> is a box that refers to a tensor. A module keeps its boxes; what they refer to can be exchanged: a parameter becomes a tensor of the meta device while nobody holds its
/// values, and is itself again afterwards. <c>set_data</c> can't do that across kinds of devices.
/// </summary>
public static unsafe class TensorBox
{
    /// <summary>A second wrapper of the same tensor. The caller owns it, outside every scope.</summary>
    public static Tensor Alias(Tensor tensor)
    {
        TensorGuard.ThrowIfFreed(tensor);
        nint box;
        StableAbi.NewTensorHandle(tensor.Handle, &box);
        GC.KeepAlive(tensor);
        return Tensor.UnsafeCreateTensor(box).DetachFromDisposeScope();
    }

    /// <summary>Has <paramref name="box"/> refer to what <paramref name="tensor"/> refers to; lets go of what it referred to.</summary>
    public static void Point(Tensor box, Tensor tensor)
    {
        TensorGuard.ThrowIfFreed(box);
        TensorGuard.ThrowIfFreed(tensor);
        StableAbi.AssignTensor(tensor.Handle, box.Handle);
        GC.KeepAlive(box);
        GC.KeepAlive(tensor);
    }
}
