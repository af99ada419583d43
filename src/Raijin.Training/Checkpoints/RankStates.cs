// Each rank has a part of a run's state that no other has: its random numbers, and what its steps have logged since the epoch began. The first rank writes them all; a run
// with as many ranks takes each back where it was, one with another number folds them together.

using System.Text.Json.Nodes;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>What a checkpoint keeps of every rank but the first, whose own stands where a rank alone has it.</summary>
static class RankStates
{
    const string Key = "otherRanks";

    /// <summary>Collects what all ranks keep, into the first one's content. Every rank calls it.</summary>
    /// <param name="peers">The ranks.</param>
    /// <param name="content">This rank's content: it gets <c>otherRanks</c> among the state.</param>
    /// <param name="state">This rank's plain data.</param>
    /// <param name="file">The file that this rank's <paramref name="tensors"/> go to.</param>
    /// <param name="tensors">This rank's tensors; borrowed.</param>
    public static void Gather(Peers peers, CheckpointContent content, JsonObject state, string file, IReadOnlyList<KeyValuePair<string, Tensor>> tensors)
    {
        if (peers.IsAlone) return;
        var described = new JsonArray();
        var bytes = new List<Tensor> { zeros(0, ScalarType.Byte) };
        foreach (var (name, tensor) in tensors)
        {
            described.Add(new JsonObject { ["name"] = name, ["type"] = tensor.dtype.ToString(), ["shape"] = new JsonArray([.. tensor.shape.Select(size => (JsonNode)size)]) });
            bytes.Add(Aten.ViewAs(tensor.detach().cpu().contiguous().reshape(-1), ScalarType.Byte));
        }
        var texts = peers.Gather(new JsonObject { ["state"] = state, ["tensors"] = described }.ToJsonString());
        var all = peers.Join(cat(bytes));
        if (!peers.IsFirst) return;

        var ranks = new JsonArray();
        var kept = content.Tensors.TryGetValue(file, out var own) ? own.ToList() : [];
        var at = 0L;
        foreach (var (rank, text) in texts.Index())
        {
            var said = JsonNode.Parse(text)!.AsObject();
            foreach (var entry in said["tensors"]!.AsArray())
            {
                var type = Enum.Parse<ScalarType>((string)entry!["type"]!);
                var shape = entry["shape"]!.AsArray().Select(size => (long)size!).ToArray();
                var length = shape.Aggregate((long)empty(0, type).ElementSize, (product, size) => product * size);
                // A copy: a view as wider elements must begin at a multiple of their size.
                if (rank > 0) kept.Add(new(PathOf(rank, (string)entry["name"]!), Aten.ViewAs(all.narrow(0, at, length).clone(), type).reshape(shape)));
                at += length;
            }
            if (rank > 0) ranks.Add(said["state"]!.DeepClone());
        }
        if (kept.Count > 0) content.Tensors[file] = kept;
        content.State[Key] = ranks;
    }

    /// <summary>How many ranks wrote the checkpoint.</summary>
    public static int CountOf(LoadedCheckpoint checkpoint) => 1 + (checkpoint.State[Key]?.AsArray().Count ?? 0);

    /// <summary>The plain data of a rank; where the first one's stands is known to whoever wrote it.</summary>
    public static JsonObject Of(LoadedCheckpoint checkpoint, int rank) => checkpoint.State[Key]![rank - 1]!.AsObject();

    /// <summary>What a tensor of a rank is called.</summary>
    public static string PathOf(int rank, string name) => rank == 0 ? name : FormattableString.Invariant($"rank{rank}/{name}");

    /// <summary>The ranks of the checkpoint whose part this rank takes over: its own, where there are as many.</summary>
    public static IEnumerable<int> TakenBy(Peers peers, LoadedCheckpoint checkpoint)
    {
        for (var rank = peers.Rank; rank < CountOf(checkpoint); rank += peers.Size) yield return rank;
    }
}
