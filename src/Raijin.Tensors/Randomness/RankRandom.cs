using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// The randomness of one rank among several in a process. libtorch's default generator belongs to the process: threads that seed it and draw from
/// it get each other's numbers. A rank that is a thread draws from here, and gets what it would get as a process of its own.
/// </summary>
public sealed class RankRandom : IDisposable
{
    /// <summary>Seeds the generators of a rank, as <see cref="Seed.Everything"/> seeds those of a process.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="rank">Which rank; not negative.</param>
    public RankRandom(long seed, int rank)
    {
        Generator = new Generator((ulong)Seed.OfRank(seed, rank));
        Stream = new RandomStream((ulong)seed, (ulong)rank);
    }

    /// <summary>For libtorch's ops that take a generator.</summary>
    public Generator Generator { get; }

    /// <summary>For everything else.</summary>
    public RandomStream Stream { get; private set; }

    /// <summary>Reads both.</summary>
    public RandomState Capture()
    {
        using var scope = NewDisposeScope();
        return new RandomState(RandomState.ToBytes(Generator.get_state()), [], Stream.Position);
    }

    /// <summary>Puts both back.</summary>
    /// <exception cref="ArgumentException">It is not a state of a generator of this libtorch; nothing was changed.</exception>
    public void Restore(RandomState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.ThrowIfInvalid();
        using var scope = NewDisposeScope();
        Generator.set_state(tensor(state.Cpu));
        Stream = new RandomStream(state.Own);
    }

    /// <summary>Frees the generator.</summary>
    public void Dispose() => Generator.Dispose();
}
