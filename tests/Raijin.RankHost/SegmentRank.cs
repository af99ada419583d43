using System.Diagnostics;
using System.Globalization;
using Raijin.Collectives;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.RankHost;

/// <summary>What a rank does over shared memory. The first arguments are the job, the rank and how many there are.</summary>
static class SegmentRank
{
    /// <summary>The exit code of a rank that was told that another failed.</summary>
    public const int ToldOfFailure = 3;

    /// <summary>Does all lasting checks.</summary>
    public static int Contract(string[] arguments)
    {
        using var world = Join(arguments, GroupCheck.Lasting[0].Options);
        foreach (var check in GroupCheck.Lasting) check.Run(world);
        return 0;
    }

    /// <summary>Reduces, allocates and frees without end; says when it has begun, and what ended it.</summary>
    public static int Endless(string[] arguments)
    {
        using var world = Join(arguments, new GroupOptions { Deadline = TimeSpan.FromMinutes(5) });
        using var mine = ones(100_003, ScalarType.Float32);
        try
        {
            for (var i = 0; ; i++)
            {
                world.Group.AllReduce(mine, ReduceOp.Mean);
                using var shared = world.Group.Allocate(10_000, ScalarType.Float32);
                world.Group.AllReduce(shared);
                if (i == 3) Say($"began");
            }
        }
        catch (RankFailureException error)
        {
            Say($"{error.Message}");
            return ToldOfFailure;
        }
    }

    /// <summary>Rank 0 waits two seconds for the others, and says how much processor time that took in milliseconds.</summary>
    public static int Idle(string[] arguments)
    {
        using var world = Join(arguments, new GroupOptions { Deadline = TimeSpan.FromMinutes(1) });
        world.Group.Barrier();
        if (world.Rank == 0)
        {
            using var self = Process.GetCurrentProcess();
            var before = self.TotalProcessorTime;
            world.Group.Barrier();
            self.Refresh();
            Say($"{(self.TotalProcessorTime - before).TotalMilliseconds:F0}");
            return 0;
        }
        Task.Delay(TimeSpan.FromSeconds(2)).Wait();
        world.Group.Barrier();
        return 0;
    }

    static World Join(string[] arguments, GroupOptions options)
    {
        var (rank, size) = (int.Parse(arguments[1], CultureInfo.InvariantCulture), int.Parse(arguments[2], CultureInfo.InvariantCulture));
        return new World(new RankIdentity(rank, size, rank, size, 0, 1), SharedMemoryTransport.Join(arguments[0], rank, size, new SharedMemoryOptions { Deadline = TimeSpan.FromMinutes(1) }), options, "the test");
    }

    static void Say(FormattableString line) => Console.Out.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
