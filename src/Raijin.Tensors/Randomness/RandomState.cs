using System.Buffers.Binary;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// The state of the random generators: what a checkpoint saves so that a resumed run draws what the uninterrupted one would have drawn.
/// </summary>
public sealed class RandomState
{
    // CPUGeneratorImplState of ATen: initial seed (8), left (4), seeded (4), next (8), 624 words of 8, 3 doubles, a flag, the cached normals.
    const int CpuBytes = 5056;
    const int LeftAt = 8, SeededAt = 12, NextAt = 16, WordsAt = 24, NumWords = 624;
    // Philox: seed (8), offset (8).
    const int CudaBytes = 16;

    /// <summary>A state read back from a checkpoint. Whether it is a good one is found out before it is restored.</summary>
    /// <param name="cpu">State of libtorch's CPU generator.</param>
    /// <param name="cuda">State of each GPU's default generator, in the order of the devices; empty without.</param>
    /// <param name="own">Where our own stream stands.</param>
    public RandomState(byte[] cpu, IReadOnlyList<byte[]> cuda, RandomPosition own)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(cuda);
        (Cpu, Cuda, Own) = (cpu, cuda, own);
    }

    /// <summary>State of libtorch's CPU generator (5,056 bytes).</summary>
    public byte[] Cpu { get; }

    /// <summary>State of each GPU's default generator (16 bytes), in the order of the devices.</summary>
    public IReadOnlyList<byte[]> Cuda { get; }

    /// <summary>Where our own stream stands.</summary>
    public RandomPosition Own { get; }

    /// <summary>Reads the process's generators: libtorch's default ones and <see cref="Seed.Stream"/>.</summary>
    public static RandomState Capture()
    {
        using var scope = NewDisposeScope();
        return new RandomState(ToBytes(get_rng_state()), CudaGenerators.Capture(), Seed.Stream.Position);
    }

    /// <summary>Puts the process's generators back to this state.</summary>
    /// <exception cref="ArgumentException">
    /// The state is not one of a generator of this libtorch, or it holds another number of GPUs than there are; nothing was changed.
    /// </exception>
    public void Restore()
    {
        ThrowIfInvalid();
        if (Cuda.Count != CudaGenerators.Count)
            throw new ArgumentException($"The random state was captured with {Cuda.Count} GPUs, but there are {CudaGenerators.Count}.");
        using var scope = NewDisposeScope();
        set_rng_state(tensor(Cpu));
        CudaGenerators.Restore(Cuda);
        // Whoever holds the stream goes on with it, unless it stands elsewhere.
        if (Seed.Stream.Position != Own) Seed.Stream = new RandomStream(Own);
    }

    /// <summary>Whether the generators stand at the same place in both.</summary>
    internal bool IsAt(RandomState other) =>
        Own == other.Own && Cpu.AsSpan().SequenceEqual(other.Cpu) && Cuda.Count == other.Cuda.Count && Cuda.Zip(other.Cuda).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));

    internal static byte[] ToBytes(Tensor state) => state.data<byte>().ToArray();

    /// <summary>Refuses what libtorch would answer by ending the process: it checks a state inside a function that must not throw.</summary>
    internal void ThrowIfInvalid()
    {
        if (Cpu.Length != CpuBytes) Throw($"it has {Cpu.Length} bytes instead of {CpuBytes}");
        var left = BinaryPrimitives.ReadInt32LittleEndian(Cpu.AsSpan(LeftAt));
        var seeded = BinaryPrimitives.ReadInt32LittleEndian(Cpu.AsSpan(SeededAt));
        var next = BinaryPrimitives.ReadUInt64LittleEndian(Cpu.AsSpan(NextAt));
        if (left is <= 0 or > NumWords || next > NumWords || seeded != 1)
            Throw($"its position is impossible (left = {left}, next = {next}, seeded = {seeded})");
        for (var i = 0; i < NumWords; i++)
            if (BinaryPrimitives.ReadUInt64LittleEndian(Cpu.AsSpan(WordsAt + 8 * i)) > uint.MaxValue) Throw($"its word {i} has more than 32 bits");
        for (var i = 0; i < Cuda.Count; i++)
        {
            if (Cuda[i].Length != CudaBytes) Throw($"that of GPU {i} has {Cuda[i].Length} bytes instead of {CudaBytes}");
            if (BinaryPrimitives.ReadUInt64LittleEndian(Cuda[i].AsSpan(8)) % 4 != 0) Throw($"that of GPU {i} stands at an offset that is no multiple of 4");
        }
    }

    static void Throw(string fault) => throw new ArgumentException($"This is not a random state of libtorch 2.10: {fault}.");
}
