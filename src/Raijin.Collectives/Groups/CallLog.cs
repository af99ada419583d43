using System.Globalization;
using System.Text;

namespace Raijin.Collectives;

/// <summary>The last calls of one rank in one group.</summary>
sealed class CallLog(int length)
{
    readonly Entry[] _entries = new Entry[length];

    public void Started(in Collective call)
    {
        if (_entries.Length == 0) return;
        var tensor = call.Output ?? call.Input;
        _entries[call.Sequence % _entries.Length] = new(
            call.Sequence, call.Kind, call.Op, tensor?.NumberOfElements ?? 0, tensor is null ? null : (byte)tensor.dtype, call.Peer, IsDone: false, IsUsed: true);
    }

    public void Completed(long sequence)
    {
        if (_entries.Length == 0) return;
        ref var entry = ref _entries[sequence % _entries.Length];
        if (entry.IsUsed && entry.Sequence == sequence) entry = entry with { IsDone = true };
    }

    /// <summary>A line a call, oldest first.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        foreach (var entry in _entries.Where(e => e.IsUsed).OrderBy(e => e.Sequence))
        {
            text.Append(CultureInfo.InvariantCulture, $"  {entry.Sequence,6}  {entry.Kind,-13}");
            if (entry.DType is { } dtype) text.Append(CultureInfo.InvariantCulture, $"  {entry.NumElements:N0} × {(TorchSharp.torch.ScalarType)dtype}");
            if (entry.Peer >= 0) text.Append(CultureInfo.InvariantCulture, $"  rank {entry.Peer}");
            text.AppendLine(entry.IsDone ? "" : "  under way");
        }
        return text.ToString();
    }

    readonly record struct Entry(long Sequence, CollectiveKind Kind, ReduceOp Op, long NumElements, byte? DType, int Peer, bool IsDone, bool IsUsed);
}
