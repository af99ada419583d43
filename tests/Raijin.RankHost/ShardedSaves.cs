using System.Globalization;
using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.RankHost;

/// <summary>
/// Saves one checkpoint after another until it is killed: <c>save-shards FOLDER ELEMENTS RANKS</c> with ranks as threads, or <c>save-shards FOLDER ELEMENTS</c> as one rank of a world that it joins.
/// Every element of a checkpoint is its step, so that a mixture would show. Two names are used in turn, so that each save replaces one. Rank 0 prints each step saved.
/// </summary>
static class ShardedSaves
{
    public static int Run(string[] arguments)
    {
        var folder = arguments[0];
        var elements = long.Parse(arguments[1], CultureInfo.InvariantCulture);
        var first = new[] { "even", "odd" }.Select(name => Path.Combine(folder, name)).Where(Directory.Exists).Select(StepOf).Append(0).Max() + 1;
        if (arguments.Length > 2)
        {
            World.Run(int.Parse(arguments[2], CultureInfo.InvariantCulture), world => Save(world, folder, elements, first));
            return 0;
        }

        using var joined = World.Join(new WorldOptions { JoinDeadline = TimeSpan.FromSeconds(30), Group = new GroupOptions { Deadline = TimeSpan.FromSeconds(10) } });
        Save(joined, folder, elements, first);
        return 0;
    }

    static void Save(World world, string folder, long elements, long first)
    {
        using var scope = NewDisposeScope();
        var start = elements * world.Rank / world.Size;
        var divided = zeros(elements * (world.Rank + 1) / world.Size - start);
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
            ShardedCheckpointWriter.Write(Path.Combine(folder, step % 2 == 0 ? "even" : "odd"), world.Group, content, new(step));
            if (world.Rank == 0) Console.WriteLine(step);
        }
    }

    static long StepOf(string folder)
    {
        using var checkpoint = ShardedCheckpoint.Open(folder, verify: false);
        return checkpoint.Info.Step;
    }
}
