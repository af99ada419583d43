namespace Raijin;

/// <summary>Memory at one moment of the profiled steps.</summary>
/// <param name="Time">Since the first profiled step began.</param>
/// <param name="Live">Bytes alive then: the model's parameters and buffers at the beginning, and what libtorch has given out since and not taken back.</param>
/// <param name="Peak">The most that was alive since the moment before.</param>
/// <param name="Tensors">Managed tensor handles alive in the process.</param>
/// <param name="Phase">The phase it is in.</param>
/// <param name="Place">What it is the end of: a phase, or a module's forward pass by its path.</param>
public sealed record MemorySample(TimeSpan Time, long Live, long Peak, long Tensors, ProfilePhase Phase, string Place);

/// <summary>What one phase, or one module in its forward passes, took.</summary>
/// <param name="Name">The phase, or the module's path.</param>
/// <param name="Count">How often it came.</param>
/// <param name="Peak">The most bytes that were alive during it.</param>
/// <param name="PeakRise">The most by which the bytes alive rose above those at its beginning.</param>
/// <param name="Kept">Bytes that were alive at its end and not at its beginning, the mean; for a module its output and what its backward pass needs.</param>
/// <param name="Allocated">Bytes given out during it, taken back or not, the mean.</param>
public sealed record MemoryUse(string Name, long Count, long Peak, long PeakRise, double Kept, double Allocated);

/// <summary>What the engine that divides the model among ranks held when a phase ended, by its books.</summary>
/// <param name="Phase">The phase, where it ended last in the profiled steps.</param>
/// <param name="Bytes">By kind of buffer; kinds of which nothing was ever held are left out.</param>
public sealed record PhaseHoldings(ProfilePhase Phase, IReadOnlyList<KeyValuePair<BufferKind, long>> Bytes)
{
    /// <summary>Over all kinds.</summary>
    public long Total => Bytes.Sum(kind => kind.Value);
}

/// <summary>The memory of some steps.</summary>
public sealed record MemoryReport
{
    /// <summary>Whether libtorch's allocators were counted to the byte. Otherwise bytes are the C library's heap at each moment, or 0 where it does not tell, and peaks between moments are missed.</summary>
    public required bool IsCounted { get; init; }

    /// <summary>Bytes of parameters and buffers when profiling began.</summary>
    public required long ModelBytes { get; init; }

    /// <summary>The most that was alive.</summary>
    public required long Peak { get; init; }

    /// <summary>The phase in which that was.</summary>
    public required ProfilePhase PeakPhase { get; init; }

    /// <summary>The phases, in the order in which they first came.</summary>
    public required IReadOnlyList<MemoryUse> Phases { get; init; }

    /// <summary>The modules, by their rise, the largest first.</summary>
    public required IReadOnlyList<MemoryUse> Modules { get; init; }

    /// <summary>What was held of each kind of buffer at the end of the phases of a step, in their order; empty where no engine divides the model.</summary>
    public required IReadOnlyList<PhaseHoldings> Holdings { get; init; }

    /// <summary>The timeline.</summary>
    public required IReadOnlyList<MemorySample> Timeline { get; init; }

    /// <summary>Moments that found no room in the timeline; they count in everything else.</summary>
    public required long LostSamples { get; init; }
}
