using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Hooks through libtorch's exported C++ entry points, with objects laid out by hand after the Itanium C++ ABI: a
/// <c>PostAccumulateGradHook</c> with a vtable of managed functions, and a libstdc++ <c>std::function</c>. No cost beyond the callback itself.
/// </summary>
/// <remarks>
/// Each object holds a GCHandle to its managed side; libtorch destroys the object with the tensor's autograd metadata, or when it is replaced,
/// and that frees the handle. No C++ exception may come out of the entry points: their conditions are checked before.
/// </remarks>
sealed unsafe class ItaniumHooks : HookRoute
{
    // (tensor, unique_ptr by address: moved from). A tensor has one such hook; setting replaces.
    static readonly delegate* unmanaged[Cdecl]<nint, HookObject**, void> SetReadyHook =
        (delegate* unmanaged[Cdecl]<nint, HookObject**, void>)NativeExports.OfTorch(
            "_ZN5torch8autograd4impl23set_post_acc_grad_hooksERKN2at10TensorBaseESt10unique_ptrINS0_22PostAccumulateGradHookESt14default_deleteIS7_EE");

    // (tensor): the address of the unique_ptr in its metadata, or of an empty one.
    static readonly delegate* unmanaged[Cdecl]<nint, HookObject**> GetReadyHook =
        (delegate* unmanaged[Cdecl]<nint, HookObject**>)NativeExports.OfTorch("_ZN5torch8autograd4impl19post_acc_grad_hooksERKN2at6TensorE");

    // (this, function by address: moved from) → position.
    static readonly delegate* unmanaged[Cdecl]<nint, FunctionObject*, uint> RegisterHook =
        (delegate* unmanaged[Cdecl]<nint, FunctionObject*, uint>)NativeExports.OfTorch("_ZNK2at10TensorBase14_register_hookESt8functionIFS0_RKS0_EE");

    static readonly nint UndefinedImpl = NativeExports.OfC10("_ZN3c1019UndefinedTensorImpl10_singletonE");

    static readonly nint* ReadyVTable = MakeReadyVTable();

    readonly Lock _gate = new();

    /// <summary>Whether every entry point is there. The layouts are those of libstdc++, hence Linux.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && SetReadyHook != null && GetReadyHook != null && RegisterHook != null && UndefinedImpl != 0;

    public override IDisposable OnReady(Tensor parameter, Action<Tensor> callback)
    {
        lock (_gate)
        {
            var present = *GetReadyHook(parameter.Handle);
            ReadyCallbacks callbacks;
            if (present != null && present->VTable == ReadyVTable) callbacks = (ReadyCallbacks)GCHandle.FromIntPtr(present->Managed).Target!;
            else
            {
                callbacks = new ReadyCallbacks(parameter);
                var hook = (HookObject*)NativeMemory.Alloc((nuint)sizeof(HookObject));
                *hook = new HookObject { VTable = ReadyVTable, Managed = GCHandle.ToIntPtr(GCHandle.Alloc(callbacks)) };
                SetReadyHook(parameter.Handle, &hook);
            }
            GC.KeepAlive(parameter);
            return callbacks.Add(callback, () => Detach(callbacks));
        }
    }

    void Detach(ReadyCallbacks callbacks)
    {
        lock (_gate)
        {
            if (!callbacks.IsEmpty || callbacks.Parameter.IsInvalid) return;
            HookObject* none = null;
            SetReadyHook(callbacks.Parameter.Handle, &none);
            GC.KeepAlive(callbacks.Parameter);
        }
    }

    public override Tensor OnGradient(Tensor tensor, Func<Tensor, Tensor?> callback)
    {
        var function = new FunctionObject
        {
            Managed = GCHandle.ToIntPtr(GCHandle.Alloc(callback)),
            Manager = &ManageFunction,
            Invoker = &InvokeFunction,
        };
        RegisterHook(tensor.Handle, &function);
        GC.KeepAlive(tensor);
        // What is left after the move: an empty function, or a copy of ours.
        if (function.Manager != null) function.Manager(&function, &function, FunctionOperation.Destroy);
        return tensor;
    }

    static nint* MakeReadyVTable()
    {
        // Offset to top, type info, then: complete and deleting destructor, operator(), compiled_args, apply_with_saved. Compiled autograd,
        // the user of the last two, does not exist outside Python.
        var table = (nint*)NativeMemory.AllocZeroed(7, (nuint)sizeof(nint));
        table[1] = NativeExports.OfTorch("_ZTIN5torch8autograd22PostAccumulateGradHookE");
        table[2] = (nint)(delegate* unmanaged[Cdecl]<HookObject*, void>)&DestroyReady;
        table[3] = (nint)(delegate* unmanaged[Cdecl]<HookObject*, void>)&DeleteReady;
        table[4] = (nint)(delegate* unmanaged[Cdecl]<HookObject*, nint, void>)&FireReady;
        table[5] = table[6] = (nint)(delegate* unmanaged[Cdecl]<HookObject*, nint, nint, void>)&Nothing;
        return table + 2;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void FireReady(HookObject* self, nint tensor) => ((ReadyCallbacks)GCHandle.FromIntPtr(self->Managed).Target!).Fire();

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void DestroyReady(HookObject* self) => GCHandle.FromIntPtr(self->Managed).Free();

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void DeleteReady(HookObject* self)
    {
        GCHandle.FromIntPtr(self->Managed).Free();
        NativeMemory.Free(self);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void Nothing(HookObject* self, nint first, nint second)
    {
    }

    // TensorBase operator()(TensorBase const&): the result by hidden pointer. An undefined result leaves the gradient as it is.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static nint* InvokeFunction(nint* result, FunctionObject* function, nint gradient)
    {
        *result = UndefinedImpl;
        if (Backward.HasFailed) return result;
        try
        {
            nint handle;
            StableAbi.NewTensorHandle(gradient, &handle);
            using var wrapper = Tensor.UnsafeCreateTensor(handle);
            var callback = (Func<Tensor, Tensor?>)GCHandle.FromIntPtr(function->Managed).Target!;
            var replacement = callback(wrapper);
            if (replacement is not null && !ReferenceEquals(replacement, wrapper)) MoveOut(replacement, result);
        }
        catch (Exception error)
        {
            // The native border: an exception that crosses it ends the process.
            Backward.Keep(error);
        }
        return result;
    }

    // The reference that the result carries is the one of a new handle, whose box is then left undefined and deleted.
    static void MoveOut(Tensor tensor, nint* result)
    {
        TensorGuard.ThrowIfFreed(tensor);
        nint box;
        StableAbi.NewTensorHandle(tensor.Handle, &box);
        GC.KeepAlive(tensor);
        *result = *(nint*)box;
        *(nint*)box = UndefinedImpl;
        StableAbi.DeleteTensor(box);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static byte ManageFunction(FunctionObject* target, FunctionObject* source, FunctionOperation operation)
    {
        switch (operation)
        {
            case FunctionOperation.TypeInfo:
                target->Managed = 0;
                break;
            case FunctionOperation.Address:
                target->Managed = (nint)source;
                break;
            case FunctionOperation.Clone:
                target->Managed = GCHandle.ToIntPtr(GCHandle.Alloc(GCHandle.FromIntPtr(source->Managed).Target));
                break;
            case FunctionOperation.Destroy:
                GCHandle.FromIntPtr(target->Managed).Free();
                break;
        }
        return 0;
    }

    struct HookObject
    {
        public nint* VTable;
        public nint Managed;
    }

    // std::function of libstdc++: 16 bytes of storage (ours in the first 8), the manager, the invoker.
    struct FunctionObject
    {
        public nint Managed;
        public nint Unused;
        public delegate* unmanaged[Cdecl]<FunctionObject*, FunctionObject*, FunctionOperation, byte> Manager;
        public delegate* unmanaged[Cdecl]<nint*, FunctionObject*, nint, nint*> Invoker;
    }

    enum FunctionOperation
    {
        TypeInfo,
        Address,
        Clone,
        Destroy,
    }
}
