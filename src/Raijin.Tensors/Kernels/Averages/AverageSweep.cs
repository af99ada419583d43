using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// The kernels at work on many tensors and their averages: one pass over memory for all of them, shared by the threads unit by unit. Where a tensor lies is asked of libtorch at each visit.
/// </summary>
sealed unsafe class AverageSweep : KernelJob, IDisposable
{
    // Below this many elements the work is done before another thread would have taken it up.
    const int AloneBelow = 2 * WorkPlan.UnitElements;

    readonly IReadOnlyList<Tensor> _tensors;
    readonly int _threads;
    readonly WorkPlan _plan;
    Entry* _entries;
    Job _job;
    double _share;
    int _next;

    /// <param name="tensors">Borrowed.</param>
    /// <param name="averages">Where each one's dense fp32 average begins; 0 for those that kernels do not know.</param>
    /// <param name="threads">Threads that share a pass.</param>
    public AverageSweep(IReadOnlyList<Tensor> tensors, IReadOnlyList<nint> averages, int threads)
    {
        _tensors = tensors;
        _plan = new([.. tensors.Select((t, i) => averages[i] == 0 ? 0 : t.numel())]);
        _threads = _plan.Units * WorkPlan.UnitElements < AloneBelow ? 1 : threads;
        _entries = (Entry*)NativeMemory.AllocZeroed((nuint)tensors.Count, (nuint)sizeof(Entry));
        for (var i = 0; i < tensors.Count; i++) _entries[i].Average = (float*)averages[i];
    }

    public enum Job
    {
        /// <summary>Moves the averages.</summary>
        Update,

        /// <summary>Exchanges averages and weights.</summary>
        SwapIn,

        /// <summary>Exchanges them back.</summary>
        SwapBack,
    }

    struct Entry
    {
        public nint Handle;
        public float* Average;

        // Written by every visitor of a pass, with the same value.
        public bool Done;

        // Whether the last exchange in was done here: then the one back is.
        public bool Exchanged;
    }

    /// <summary>Whether the last pass worked on a tensor: fp32 or bf16 in contiguous host memory.</summary>
    public bool Did(int tensor) => _entries[tensor].Done;

    /// <summary>Whether it worked on all of them.</summary>
    public bool DidAll
    {
        get
        {
            for (var i = 0; i < _tensors.Count; i++)
                if (!_entries[i].Done) return false;
            return true;
        }
    }

    public void Run(Job job, double share = 0)
    {
        for (var i = 0; i < _tensors.Count; i++)
        {
            TensorGuard.ThrowIfFreed(_tensors[i], "averaged weights");
            (_entries[i].Handle, _entries[i].Done) = (_tensors[i].Handle, false);
        }

        (_job, _share, _next) = (job, share, 0);
        KernelTeam.Shared.Run(this, _threads);
        if (job != Job.SwapIn) return;
        for (var i = 0; i < _tensors.Count; i++) _entries[i].Exchanged = _entries[i].Done;
    }

    public override void Execute()
    {
        for (var unit = Interlocked.Increment(ref _next) - 1; unit < _plan.Units; unit = Interlocked.Increment(ref _next) - 1)
        {
            var ranges = _plan.Unit(unit);
            while (ranges.MoveNext())
            {
                ref var entry = ref _entries[ranges.Tensor];
                if (TensorAccess.Inspect(entry.Handle, out var memory) != HostMemoryKind.Dense || memory.NumElements != _plan.Counts[ranges.Tensor]
                    || memory.DType is not (ScalarType.Float32 or ScalarType.BFloat16) || (_job == Job.SwapBack && !entry.Exchanged)) continue;
                entry.Done = true;
                Execute(entry.Average, (void*)memory.Data, memory.DType == ScalarType.BFloat16, ranges.Offset, ranges.Count);
            }
        }
    }

    void Execute(float* average, void* weights, bool bfloat16, nint start, nint count)
    {
        if (_job == Job.Update)
            AverageKernel.Update(average, weights, bfloat16, start, count, _share);
        else if (!bfloat16)
            AverageKernel.Swap(average, (float*)weights, start, count);
        else if (_job == Job.SwapIn)
            AverageKernel.SwapIn(average, (ushort*)weights, start, count);
        else
            AverageKernel.SwapBack(average, (ushort*)weights, start, count);
    }

    public void Dispose()
    {
        NativeMemory.Free(_entries);
        _entries = null;
    }
}
