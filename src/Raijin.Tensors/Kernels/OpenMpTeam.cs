using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>
/// The OpenMP threads that libtorch's operators run on. After an operator they spin for some milliseconds in wait of the next one: they take up a
/// kernel at once, while threads of our own would have to fight them for the cores.
/// </summary>
sealed unsafe class OpenMpTeam : KernelTeam
{
    // void GOMP_parallel(void (*fn)(void*), void* data, unsigned num_threads, unsigned flags), what `#pragma omp parallel` compiles to; LLVM's and Intel's runtimes export it too.
    readonly delegate* unmanaged[Cdecl]<delegate* unmanaged[Cdecl]<nint, void>, nint, uint, uint, void> _parallel;

    OpenMpTeam(nint parallel) =>
        _parallel = (delegate* unmanaged[Cdecl]<delegate* unmanaged[Cdecl]<nint, void>, nint, uint, uint, void>)parallel;

    /// <summary>The team of the OpenMP runtime that libtorch is linked to; null where it has none or exports none of this interface.</summary>
    public static OpenMpTeam? Find() => NativeExports.OfTorch("GOMP_parallel") is var parallel and not 0 ? new(parallel) : null;

    public override void Run(KernelJob job, int threads)
    {
        if (threads <= 1)
        {
            job.Execute();
            return;
        }

        var handle = GCHandle.Alloc(job);
        _parallel(&Execute, GCHandle.ToIntPtr(handle), (uint)threads, 0);
        handle.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static void Execute(nint job) => ((KernelJob)GCHandle.FromIntPtr(job).Target!).Execute();
}
