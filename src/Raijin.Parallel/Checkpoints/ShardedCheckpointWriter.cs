using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

// offer    every rank says what it holds; rank 0 makes the temporary folder and says where        one exchange
// write    every rank writes its share of ShardPlan as one file, durable                            all at once
// outcome  every rank says what it wrote, or why not                                                one exchange
// publish  rank 0 writes index, state and manifest, and gives the folder its name; says so          one exchange
// Invariant: nobody returns before the checkpoint is there, whole and durable; and when a rank can't go on, all fail and what was there before is untouched.

/// <summary>Writes a checkpoint of logical tensors by all ranks of a group, each its part.</summary>
public static class ShardedCheckpointWriter
{
    const string Consequence = "Nothing was saved.";

    /// <summary>Writes a checkpoint. When this returns it is whole and durable, on every rank; until then it is not there. All ranks of the group call it.</summary>
    /// <param name="path">The folder to make, on a file system that all ranks see; the one around it exists. What was there is replaced in one step.</param>
    /// <param name="group">Who writes. It stays usable when the save fails.</param>
    /// <param name="content">What this rank holds; borrowed until this returns.</param>
    /// <param name="facts">What to say of it; rank 0's counts.</param>
    /// <param name="sequence">Its number among the saves of its store; rank 0's counts.</param>
    /// <param name="time">Where its date comes from; the system's clock when none is given.</param>
    /// <param name="cancellationToken">Gives up, here and on all ranks. Looked at before this rank writes.</param>
    /// <remarks>A group of one rank that holds every tensor whole writes the plain folder of one rank: a file a stem, no index.</remarks>
    /// <exception cref="CheckpointException">A rank could not write (the message names it), ranks describe a tensor differently, or elements are missing. What was there before is untouched.</exception>
    /// <exception cref="OperationCanceledException">A rank was cancelled.</exception>
    public static CheckpointInfo Write(string path, Group group, ShardedContent content, CheckpointFacts facts, long sequence = 0, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(facts);
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var created = (time ?? TimeProvider.System).GetUtcNow();
        CheckpointStaging? staging = null;
        try
        {
            IReadOnlyList<LogicalSlice> mine = [];
            IReadOnlyList<HeldSlice> held = [];
            var error = Attempt(path, () =>
            {
                if (group.Rank == 0) staging = CheckpointStaging.Create(path);
                mine = [.. content.Slices];
                held = [.. mine.Select(Describe)];
            });
            var offers = Exchange(group, new SaveOffer(path, staging?.Folder, held, RankProblem.Of(error, group.Rank)), ShardJson.Default.SaveOffer);
            RankProblem.ThrowFirst(path, offers.Select(o => o.Problem), error, Consequence);
            if (offers.Index().FirstOrDefault(o => o.Item.Path != offers[0].Path) is (var other, { } strayed))
                throw new CheckpointException(path, $"rank {other} saves to {strayed.Path}, rank 0 to {offers[0].Path}: give all the same folder.");
            var folder = offers[0].Folder!;
            var plan = ShardPlan.Make(path, [.. offers.Select(o => o.Held)]);

            var isPlain = group.Size == 1 && mine.Count == plan.Count && held.All(h => h.Start == 0);
            var written = new SaveOutcome(0, null, new Dictionary<string, string>(), null, null);
            error = Attempt(path, () =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (isPlain) WriteStems(staging!, mine);
                else written = WriteShard(folder, group.Rank, mine, plan);
            });
            var outcomes = Exchange(group, written with { RankState = content.RankState, Problem = RankProblem.Of(error, group.Rank) }, ShardJson.Default.SaveOutcome);
            RankProblem.ThrowFirst(path, outcomes.Select(o => o.Problem), error, Consequence);

            CheckpointInfo? info = null;
            error = group.Rank > 0 ? null : Attempt(path, () =>
            {
                if (!isPlain) AddShards(staging!, plan, outcomes);
                staging!.Write(CheckpointStaging.StateFile, StateBytes(content.State, outcomes));
                info = staging.Publish(facts, created, sequence);
            });
            var ends = Exchange(group, new SaveEnd(info, RankProblem.Of(error, group.Rank)), ShardJson.Default.SaveEnd);
            RankProblem.ThrowFirst(path, ends.Select(e => e.Problem), error, Consequence);
            return ends[0].Info!;
        }
        finally
        {
            staging?.Dispose();
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever stops one rank must stop the others too: it is told to all, then thrown again.")]
    static Exception? Attempt(string path, Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return CheckpointStaging.Refused(path, error);
        }
        catch (Exception error)
        {
            return error;
        }
    }

    // Never cancelled: a rank that stops says so in its message, and the group stays usable.
    static T[] Exchange<T>(Group group, T mine, JsonTypeInfo<T> type) => group.AllGatherObjects(mine, type, cancellationToken: CancellationToken.None);

    static HeldSlice Describe(LogicalSlice slice)
    {
        TensorGuard.ThrowIfFreed(slice.Values, slice.Name);
        if (slice.Values.dim() != 1 || !slice.Values.is_contiguous())
            ShapeMismatchException.Throw(slice.Name, "a flat run of elements: one dimension, contiguous", $"[{string.Join(", ", slice.Values.shape)}]");
        var dtype = SafetensorsDtype.FromScalarType(slice.Values.dtype)
            ?? throw new ArgumentException($"The tensor \"{slice.Name}\" is {slice.Values.dtype}, which checkpoints do not hold: convert it first.");
        return new HeldSlice(slice.Name, dtype, slice.Shape, slice.Start, slice.Values.NumberOfElements);
    }

    static SaveOutcome WriteShard(string folder, int rank, IReadOnlyList<LogicalSlice> mine, IReadOnlyList<(HeldSlice Tensor, IReadOnlyList<PlannedSlice> Slices)> plan)
    {
        using var scope = NewDisposeScope();
        var byName = mine.ToLookup(slice => slice.Name, StringComparer.Ordinal);
        var tensors = new List<KeyValuePair<string, Tensor>>();
        foreach (var slice in plan.SelectMany(p => p.Slices).Where(s => s.Rank == rank))
        {
            var source = byName[slice.Name].First(s => slice.Start >= s.Start && slice.Start + slice.Count <= s.Start + s.Values.NumberOfElements);
            tensors.Add(new(ShardIndex.Key(slice.Name, slice.Start), source.Values.narrow(0, slice.Start - source.Start, slice.Count)));
        }

        if (tensors.Count == 0) return new SaveOutcome(0, null, new Dictionary<string, string>(), null, null);
        var hashes = new Dictionary<string, ulong>(StringComparer.Ordinal);
        var file = SafetensorsWriter.WriteIn(folder, ShardIndex.ShardFile(rank), tensors, hashes);
        return new SaveOutcome(file.Bytes, CheckpointManifest.Hex(file.Hash), hashes.ToDictionary(h => h.Key, h => CheckpointManifest.Hex(h.Value), StringComparer.Ordinal), null, null);
    }

    static void WriteStems(CheckpointStaging staging, IReadOnlyList<LogicalSlice> mine)
    {
        foreach (var stem in mine.GroupBy(s => s.Name[..s.Name.IndexOf('/', StringComparison.Ordinal)], StringComparer.Ordinal))
        {
            var name = stem.Key + CheckpointStaging.TensorSuffix;
            staging.Add(name, SafetensorsWriter.WriteJoinedIn(staging.Folder, name, [.. stem.Select(s => new PiecewiseTensor(s.Name[(stem.Key.Length + 1)..], s.Shape, [s.Values]))]));
        }
    }

    static void AddShards(CheckpointStaging staging, IReadOnlyList<(HeldSlice Tensor, IReadOnlyList<PlannedSlice> Slices)> plan, SaveOutcome[] outcomes)
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

    static byte[] StateBytes(JsonObject state, SaveOutcome[] outcomes)
    {
        if (outcomes.All(o => o.RankState is null)) return System.Text.Encoding.UTF8.GetBytes(state.ToJsonString());
        var whole = state.DeepClone().AsObject();
        whole.Add(ShardedCheckpoint.RankStates, new JsonArray([.. outcomes.Select(o => o.RankState?.DeepClone())]));
        return System.Text.Encoding.UTF8.GetBytes(whole.ToJsonString());
    }
}
