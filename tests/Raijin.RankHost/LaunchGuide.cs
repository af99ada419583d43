using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.RankHost;

/// <summary>The programs of docs/guides/launch.md.</summary>
static class LaunchGuide
{
    public static int Join(string[] args)
    {
        // snippet: join
        using var world = World.Join();
        using var gradient = full(1000, world.Rank + 1, ScalarType.Float32);
        world.Group.AllReduce(gradient, ReduceOp.Mean);
        if (world.Rank == 0) Console.WriteLine($"{world}: {gradient[0].item<float>()}");
        return 0;
        // end snippet
    }

    public static int Self(string[] args)
    {
        // snippet: self
        LocalRanks.ReexecuteSelf(devices: 2, options => options with { MaxRestarts = 1 });
        return Join(args); // each of the two ranks
        // end snippet
    }
}
