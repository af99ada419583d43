using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>What is alive: the count of live tensors of the process, the figure a leak shows in.</summary>
/// <param name="LiveTensors">Managed tensor handles alive in the process, whatever thread made them.</param>
/// <param name="ThreadTensors">Handles made less handles freed on this thread, in scopes and outside; moves between threads show as differences.</param>
/// <param name="PeakTensors">The most handles that were ever alive at once in the process.</param>
public readonly record struct TensorLedger(long LiveTensors, long ThreadTensors, long PeakTensors)
{
    /// <summary>Reads the ledger now. Costs three loads; no lock and no native call.</summary>
    public static TensorLedger Read() =>
        new(Tensor.TotalCount, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount, Tensor.PeakCount);

    /// <summary>Bytes of native memory in use, which is where CPU tensors live; null where the C library does not tell (glibc does).</summary>
    public static long? NativeBytes => NativeHeap.LiveBytes;

    /// <summary>Live tensors of <paramref name="later"/> less those of <paramref name="earlier"/>: zero over a step that leaks nothing.</summary>
    public static long operator -(TensorLedger later, TensorLedger earlier) => later.LiveTensors - earlier.LiveTensors;

    /// <summary>The same as the operator.</summary>
    public static long Subtract(TensorLedger left, TensorLedger right) => left - right;
}
