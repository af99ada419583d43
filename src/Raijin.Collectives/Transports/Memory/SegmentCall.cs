using System.Runtime.CompilerServices;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>A call on its way through the segment: a machine that goes on until it must wait for a word of another member.</summary>
abstract unsafe class SegmentCall(SegmentTransport owner) : PendingCollective
{
    // A position's low bits count chunks, the others calls.
    const int ChunkBits = 24;

    /// <summary>Past every chunk of a call.</summary>
    protected const long LastChunk = (1L << ChunkBits) - 1;

    long* _word;
    long _target;
    TensorHold _input;
    TensorHold _output;

    protected SegmentTransport Owner { get; } = owner;

    protected GroupBlock Block => Owner.Block;

    public bool IsComplete { get; protected set; }

    /// <summary>The call's number in its member's log.</summary>
    public long LogNumber { get; protected set; }

    /// <summary>Goes on as far as possible.</summary>
    /// <returns>Whether it is complete.</returns>
    public abstract bool Advance();

    /// <summary>Gives the object back for a later call.</summary>
    public abstract void Recycle();

    /// <summary>
    /// Holds the memory of a call that others may read where it lies. A member that fails frees its tensors while others still reduce them: of a call that never completes the memory stays.
    /// </summary>
    protected void Hold(in Collective call)
    {
        if (!Owner.SharesAllMemory) return;
        _input = TensorHold.Take(call.Input);
        _output = ReferenceEquals(call.Input, call.Output) ? default : TensorHold.Take(call.Output);
    }

    /// <summary>Lets the memory of a complete call go.</summary>
    protected void LetGo()
    {
        _input.Release();
        _output.Release();
        _input = _output = default;
    }

    public sealed override bool Poll()
    {
        if (!IsComplete) Owner.Advance();
        if (!IsComplete)
        {
            Owner.ThrowIfStuck(this);
            // Looking for the dead may have gone on.
            if (!IsComplete) return false;
        }
        Owner.TakeBack(this);
        return true;
    }

    public sealed override void Pause(TimeSpan atMost) => Owner.Pause(_word, _target, atMost);

    protected static long Position(long call, long chunk = 0) => (call << ChunkBits) + chunk;

    /// <summary>Whether a word has got so far; if not, it is what this call waits for.</summary>
    protected bool Reached(ref long word, long target)
    {
        if (Volatile.Read(ref word) >= target) return true;
        _word = (long*)Unsafe.AsPointer(ref word);
        _target = target;
        return false;
    }
}
