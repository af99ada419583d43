using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>The last calls of one member, where the others can read them.</summary>
readonly unsafe struct MemberLog(byte* start)
{
    const int Length = 32;

    public static int Bytes => 64 + (Length * sizeof(Entry));

    /// <summary>Calls begun so far; the last <see cref="Length"/> are kept.</summary>
    long* Begun => (long*)start;

    Entry* Entries => (Entry*)(start + 64);

    /// <summary>Notes a call.</summary>
    /// <returns>Its number, for <see cref="End"/>.</returns>
    public long Begin(ulong signature, long sequence, long inputCount, long outputCount)
    {
        var number = *Begun;
        Entries[number % Length] = new() { Signature = signature, Sequence = sequence, InputCount = inputCount, OutputCount = outputCount };
        Volatile.Write(ref *Begun, number + 1);
        return number;
    }

    public void End(long number)
    {
        if (number > *Begun - Length) Entries[number % Length].IsDone = 1;
    }

    /// <summary>A line a call, oldest first. The member may go on meanwhile: what is read is what was there.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        var begun = Volatile.Read(ref *Begun);
        for (var number = Math.Max(0, begun - Length); number < begun; number++)
        {
            var entry = Entries[number % Length];
            text.Append(CultureInfo.InvariantCulture, $"  {entry.Sequence,6}  {CallSignature.Describe(entry.Signature, entry.InputCount, entry.OutputCount)}{(entry.IsDone == 0 ? ", under way" : "")}\n");
        }
        return text.ToString();
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Entry
    {
        public ulong Signature;
        public long Sequence;
        public long InputCount;
        public long OutputCount;
        public long IsDone;
    }
}

/// <summary>What must agree among the members of a call, in one word.</summary>
static class CallSignature
{
    const byte NoType = 255;

    public static ulong Of(in Collective call, ScalarType? dtype) =>
        (ulong)call.Kind | ((ulong)call.Op << 8) | ((ulong)(dtype is { } type ? (byte)type : NoType) << 16)
        | ((ulong)(call.Wire is { } wire ? (byte)wire : NoType) << 24) | ((ulong)(call.Peer + 1) << 32);

    /// <summary>The type of the elements; 255 for none.</summary>
    public static byte DType(ulong signature) => (byte)(signature >> 16);

    /// <summary>The call in words. A count is -1 where there is no tensor.</summary>
    public static string Describe(ulong signature, long inputCount, long outputCount)
    {
        var (dtype, wire) = (DType(signature), (byte)(signature >> 24));
        return new CallSummary(
            (CollectiveKind)(byte)signature, (ReduceOp)(byte)(signature >> 8), dtype == NoType ? null : (ScalarType)dtype, wire == NoType ? null : (ScalarType)wire,
            (int)(signature >> 32) - 1, inputCount, outputCount).Describe();
    }
}
