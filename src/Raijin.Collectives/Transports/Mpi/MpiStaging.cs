using System.Runtime.InteropServices;

namespace Raijin.Collectives;

/// <summary>The memory that a group's reductions cross in, two of each kind by turns: kept from call to call, as large as the largest needed.</summary>
sealed unsafe class MpiStaging(int size) : IDisposable
{
    const nuint Alignment = 64;

    readonly void*[] _incoming = new void*[2];
    readonly void*[] _coded = new void*[2];
    readonly void*[] _outgoing = new void*[2];
    readonly MpiParts[] _sent = [new(size), new(size)];
    readonly MpiParts[] _received = [new(size), new(size)];
    readonly MpiParts[] _handedOut = [new(size), new(size)];
    long _bytes;
    long _codedBytes;

    /// <summary>What the other ranks sent.</summary>
    public nint Incoming(int slot) => (nint)_incoming[slot];

    /// <summary>What this rank sends, in the type it crosses in.</summary>
    public nint Coded(int slot) => (nint)_coded[slot];

    /// <summary>What is handed out, in the type it crosses in.</summary>
    public nint Outgoing(int slot) => (nint)_outgoing[slot];

    public MpiParts Sent(int slot) => _sent[slot];

    public MpiParts Received(int slot) => _received[slot];

    public MpiParts HandedOut(int slot) => _handedOut[slot];

    /// <summary>Makes room for chunks of <paramref name="bytes"/>. Nothing is under way.</summary>
    public void Grow(long bytes, bool coded)
    {
        if (bytes > _bytes) Resize(_incoming, _bytes = bytes);
        if (!coded || bytes <= _codedBytes) return;
        Resize(_coded, _codedBytes = bytes);
        Resize(_outgoing, bytes);
    }

    public void Dispose()
    {
        foreach (var memory in (void*[][])[_incoming, _coded, _outgoing])
            for (var slot = 0; slot < 2; slot++) NativeMemory.AlignedFree(memory[slot]);
        foreach (var parts in (MpiParts[])[.. _sent, .. _received, .. _handedOut]) parts.Dispose();
    }

    static void Resize(void*[] memory, long bytes)
    {
        for (var slot = 0; slot < 2; slot++)
        {
            NativeMemory.AlignedFree(memory[slot]);
            memory[slot] = NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        }
    }
}
