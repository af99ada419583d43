using System.Globalization;
using System.Text.Json.Nodes;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>The file that one rank writes of a checkpoint, and what becomes of all of them.</summary>
static class ShardFile
{
    public static HeldSlice Describe(LogicalSlice slice)
    {
        TensorGuard.ThrowIfFreed(slice.Values, slice.Name);
        if (slice.Values.dim() != 1 || !slice.Values.is_contiguous())
            ShapeMismatchException.Throw(slice.Name, "a flat run of elements: one dimension, contiguous", $"[{string.Join(", ", slice.Values.shape)}]");
        var dtype = SafetensorsDtype.FromScalarType(slice.Values.dtype)
            ?? throw new ArgumentException($"The tensor \"{slice.Name}\" is {slice.Values.dtype}, which checkpoints do not hold: convert it first.");
        return new HeldSlice(slice.Name, dtype, slice.Shape, slice.Start, slice.Values.NumberOfElements);
    }

    /// <summary>What a rank is to write, by the keys in its file: views of what it holds, which the open scope owns.</summary>
    public static List<KeyValuePair<string, Tensor>> SharesOf(int rank, IReadOnlyList<LogicalSlice> mine, IReadOnlyList<(HeldSlice Tensor, IReadOnlyList<PlannedSlice> Slices)> plan)
    {
        var byName = mine.ToLookup(slice => slice.Name, StringComparer.Ordinal);
        var shares = new List<KeyValuePair<string, Tensor>>();
        foreach (var slice in plan.SelectMany(p => p.Slices).Where(s => s.Rank == rank))
        {
            var source = byName[slice.Name].First(s => slice.Start >= s.Start && slice.Start + slice.Count <= s.Start + s.Values.NumberOfElements);
            shares.Add(new(ShardIndex.Key(slice.Name, slice.Start), source.Values.narrow(0, slice.Start - source.Start, slice.Count)));
        }
        return shares;
    }

    public static SaveOutcome Write(string folder, int rank, List<KeyValuePair<string, Tensor>> shares)
    {
        if (shares.Count == 0) return new SaveOutcome(0, null, new Dictionary<string, string>(), null, null);
        var hashes = new Dictionary<string, ulong>(StringComparer.Ordinal);
        return Outcome(SafetensorsWriter.WriteIn(folder, ShardIndex.ShardFile(rank), shares, hashes), hashes);
    }

    public static SaveOutcome Write(string folder, int rank, TensorSnapshot shares)
    {
        var hashes = new Dictionary<string, ulong>(StringComparer.Ordinal);
        return Outcome(SafetensorsWriter.WriteIn(folder, ShardIndex.ShardFile(rank), shares, hashes), hashes);
    }

    static SaveOutcome Outcome(WrittenFile file, Dictionary<string, ulong> hashes) =>
        new(file.Bytes, CheckpointManifest.Hex(file.Hash), hashes.ToDictionary(h => h.Key, h => CheckpointManifest.Hex(h.Value), StringComparer.Ordinal), null, null);

    /// <summary>A file a stem, as a rank alone writes.</summary>
    public static void WriteStems(CheckpointStaging staging, IReadOnlyList<LogicalSlice> mine)
    {
        foreach (var stem in mine.GroupBy(s => s.Name[..s.Name.IndexOf('/', StringComparison.Ordinal)], StringComparer.Ordinal))
        {
            var name = stem.Key + CheckpointStaging.TensorSuffix;
            staging.Add(name, SafetensorsWriter.WriteJoinedIn(staging.Folder, name, [.. stem.Select(s => new PiecewiseTensor(s.Name[(stem.Key.Length + 1)..], s.Shape, [s.Values]))]));
        }
    }

    /// <summary>Takes what ranks wrote into the checkpoint, with the index of it.</summary>
    public static void AddTo(CheckpointStaging staging, IReadOnlyList<(HeldSlice Tensor, IReadOnlyList<PlannedSlice> Slices)> plan, SaveOutcome[] outcomes)
    {
        foreach (var (rank, outcome) in outcomes.Index())
        {
            if (outcome.Xxh3 is null) continue;
            var file = new FileInfo(Path.Combine(staging.Folder, ShardIndex.ShardFile(rank)));
            if (!file.Exists || file.Length != outcome.Bytes)
                throw new IOException($"rank {rank} wrote {outcome.Bytes} bytes to {file.FullName}, but rank 0 finds {(file.Exists ? file.Length : 0)}: checkpoints of several hosts need a file system that all of them see.");
            staging.Add(file.Name, new WrittenFile(outcome.Bytes, ulong.Parse(outcome.Xxh3, NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
        }

        var tensors = new SortedDictionary<string, IndexedTensor>(StringComparer.Ordinal);
        foreach (var (tensor, slices) in plan)
            tensors[tensor.Name] = new(tensor.Dtype, tensor.Shape, [.. slices.Select(s => new IndexedSlice(ShardIndex.ShardFile(s.Rank), s.Start, s.Count, outcomes[s.Rank].Slices[ShardIndex.Key(s.Name, s.Start)]))]);
        staging.Write(ShardIndex.FileName, ShardIndex.Of(outcomes.Length, tensors).Write());
    }

    public static byte[] StateBytes(JsonObject state, SaveOutcome[] outcomes)
    {
        if (outcomes.All(o => o.RankState is null)) return System.Text.Encoding.UTF8.GetBytes(state.ToJsonString());
        var whole = state.DeepClone().AsObject();
        whole.Add(ShardedCheckpoint.RankStates, new JsonArray([.. outcomes.Select(o => o.RankState?.DeepClone())]));
        return System.Text.Encoding.UTF8.GetBytes(whole.ToJsonString());
    }
}
