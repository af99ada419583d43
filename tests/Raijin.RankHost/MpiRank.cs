using System.Globalization;
using Raijin.Collectives;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.RankHost;

/// <summary>What a rank does that mpirun started.</summary>
static class MpiRank
{
    /// <summary>Does every check: those that leave a world usable in one, each of the others in a world of its own.</summary>
    public static int Contract(string[] arguments)
    {
        using (var world = Join(GroupCheck.Lasting[0].Options))
        {
            foreach (var check in GroupCheck.Lasting) check.Run(world);
        }
        foreach (var check in arguments is ["lasting"] ? [] : GroupCheck.All.Where(c => c.Breaks))
        {
            using var world = Join(check.Options);
            check.Run(world);
        }
        return 0;
    }

    /// <summary>Says where it is and what a sum is: of the ranks' numbers plus one.</summary>
    public static int Where(string[] arguments)
    {
        using var world = Join(new GroupOptions { Deadline = TimeSpan.FromSeconds(30) });
        using var sum = full(1_000_003, world.Rank + 1, ScalarType.Float32);
        world.Group.AllReduce(sum);
        var identity = world.Identity;
        Say($"rank {identity.Rank} of {identity.WorldSize}, {identity.LocalRank} of {identity.LocalWorldSize} on host {identity.Node} of {identity.NumNodes}: {sum.min().item<float>()} to {sum.max().item<float>()}");
        return 0;
    }

    /// <summary>Reduces without end until it is killed or told; says when it has begun.</summary>
    public static int Endless(string[] arguments)
    {
        using var world = Join(new GroupOptions { Deadline = TimeSpan.FromMinutes(5) });
        using var sum = ones(10_000, ScalarType.Float32);
        for (var i = 0; ; i++)
        {
            world.Group.AllReduce(sum, ReduceOp.Mean);
            if (i == 10) Say($"rank {world.Rank} is process {Environment.ProcessId}");
        }
    }

    /// <summary>The last rank fails in its own code, as users' programs do, while the others wait.</summary>
    public static int Failing(string[] arguments)
    {
        using var world = Join(new GroupOptions { Deadline = TimeSpan.FromMinutes(5) });
        world.Group.Barrier();
        if (world.Rank < world.Size - 1)
        {
            world.Group.Barrier();
            return 0;
        }
        string? nothing = null;
        // A null reference is a signal first: MPI must have left the runtime's handlers alone.
        try
        {
            return nothing!.Length;
        }
        catch (NullReferenceException error)
        {
            throw new InvalidOperationException("the data is broken", error);
        }
    }

    /// <summary>Its launcher says that there are four ranks.</summary>
    public static int Mismatch(string[] arguments)
    {
        try
        {
            MpiTransport.Join(expected: new RankIdentity(3, 4, 3, 4, 0, 1));
            return 1;
        }
        catch (TransportUnavailableException error)
        {
            Say($"{error.Message}");
            return 0;
        }
    }

    static World Join(GroupOptions options)
    {
        var transport = MpiTransport.Join(options);
        return new World(transport.Identity, transport, options, "mpirun");
    }

    static void Say(FormattableString line) => Console.Out.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
