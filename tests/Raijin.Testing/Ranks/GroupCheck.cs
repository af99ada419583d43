using System.Globalization;
using Raijin.Collectives;
using Xunit;

namespace Raijin.Testing;

/// <summary>Something every transport must do: what each rank does and asserts. Runs on a rank that is a thread or a process.</summary>
/// <param name="Name">What is asserted, as a name.</param>
/// <param name="Body">What every rank does.</param>
public sealed record GroupCheck(string Name, Action<World> Body)
{
    /// <summary>Whether the group is of no use afterwards: such a check gets a world of its own.</summary>
    public bool Breaks { get; init; }

    /// <summary>The smallest world it makes sense in.</summary>
    public int MinSize { get; init; } = 1;

    /// <summary>How the world's group is set.</summary>
    public GroupOptions Options { get; init; } = new() { Deadline = TimeSpan.FromSeconds(60) };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<GroupCheck> All { get; } = [.. ReduceChecks.All, .. MoveChecks.All, .. MessageChecks.All, .. OrderChecks.All, .. FailureChecks.All];

    /// <summary>Those that leave the world usable, which one world can do one after the other.</summary>
    public static IReadOnlyList<GroupCheck> Lasting { get; } = [.. All.Where(c => !c.Breaks)];

    /// <summary>A random program of calls against its simulation.</summary>
    public static GroupCheck RandomProgram(int seed, int length) => new($"random program {seed}", world => OrderChecks.Program(world, seed, length));

    /// <summary>By name.</summary>
    public static GroupCheck Named(string name) => All.Single(c => c.Name == name);

    /// <summary>Does it on this rank, frees its tensors and asserts that none is left; a failure names the check and the rank.</summary>
    public void Run(World world)
    {
        if (world.Size < MinSize) return;
        // The first checked call makes what the check needs for as long as the group lives.
        if (world.Group.Options.CheckCalls) world.Group.Barrier();
        var before = TensorLedger.Read().ThreadTensors;
        try
        {
            using (TensorScope.Open()) Body(world);
            Assert.Equal(before, TensorLedger.Read().ThreadTensors);
        }
        catch (Exception error)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"'{Name}' failed on rank {world.Rank} of {world.Size}: {error.Message}"), error);
        }
    }

    public override string ToString() => Name;
}
