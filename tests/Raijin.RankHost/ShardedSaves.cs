using System.Globalization;
using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.RankHost;

/// <summary>
/// Saves one checkpoint after another until it is killed: <c>save-shards FOLDER RANKS ELEMENTS</c>. Ranks are threads; every element of a checkpoint is its step, so that a mixture
/// would show. Two names are used in turn, so that each save replaces one. Prints each step saved.
/// </summary>
static class ShardedSaves
{
    public static int Run(string[] arguments)
    {
        var ranks = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        var elements = long.Parse(arguments[2], CultureInfo.InvariantCulture);
        var first = new[] { "even", "odd" }.Select(name => Path.Combine(arguments[0], name)).Where(Directory.Exists).Select(StepOf).Append(0).Max() + 1;
        World.Run(ranks, world =>
        {
            using var scope = NewDisposeScope();
            var start = elements * world.Rank / ranks;
            var divided = zeros(elements * (world.Rank + 1) / ranks - start);
            var copied = zeros(1000);
            for (var step = first; ; step++)
            {
                divided.fill_(step);
                copied.fill_(step);
                var content = new ShardedContent
                {
                    Slices = [new("optimizer/moment", [elements], start, divided), new("model/weight", [10, 100], 0, copied)],
                    State = new() { ["step"] = step },
                    RankState = new() { ["step"] = step },
                };
                ShardedCheckpointWriter.Write(Path.Combine(arguments[0], step % 2 == 0 ? "even" : "odd"), world.Group, content, new(step));
                if (world.Rank == 0) Console.WriteLine(step);
            }
        });
        return 0;
    }

    static long StepOf(string folder)
    {
        using var checkpoint = ShardedCheckpoint.Open(folder, verify: false);
        return checkpoint.Info.Step;
    }
}
