using System.Text.Json.Nodes;
using Raijin.Parallel;
using Raijin.Training;
using static TorchSharp.torch.nn;

namespace Raijin;

public sealed partial class Fabric
{
    /// <summary>Whether each rank holds only a part of the training state.</summary>
    internal bool IsDivided => _models.Stage > 0;

    /// <summary>What holds a model whose checkpoint all ranks write, for each has something of its own; null where the first one has all there is.</summary>
    internal ShardedModel? SavedTogether(Module model) => _models.HoldTheirOwn ? Sharded(model) : null;

    /// <summary>Writes a checkpoint folder: weights, optimizers, random state of every rank, and <paramref name="state"/> of your own (the first rank's). Atomic and durable. Every rank calls it.</summary>
    /// <exception cref="CheckpointException">It could not be written; what was there before is untouched.</exception>
    public void Save(string path, Module model, JsonObject? state = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var scope = TensorScope.Open();
        var content = RunState.Capture(model, _optimizers, SavedTogether(model));
        content.State["user"] = state?.DeepClone();
        RankStates.Gather(Peers, content, new JsonObject { [RunState.Random] = content.State[RunState.Random]!.DeepClone() }, RunState.CallbackFile, []);
        if (IsRankZero && Path.GetDirectoryName(Path.GetFullPath(path)) is { } parent) Directory.CreateDirectory(parent);
        if (content.Slices is { } slices)
        {
            ShardedCheckpointWriter.Write(path, Group, new ShardedContent { Slices = slices, State = content.State }, new CheckpointFacts(_steps));
            return;
        }
        if (IsRankZero) CheckpointFolder.Write(path, content, new CheckpointFacts(_steps));
        // Whoever returns may read it.
        Peers.Meet();
    }

    /// <summary>Reads a checkpoint back into a model and its optimizers, and restores the random state.</summary>
    /// <returns>The state of your own that was saved.</returns>
    /// <exception cref="CheckpointException">It is missing or damaged, or does not fit; nothing was changed then, as far as the weights go.</exception>
    public JsonObject? Load(string path, Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var checkpoint = LoadedCheckpoint.Open(path);
        RunState.Restore(checkpoint, model, _optimizers, Sharded(model));
        RunState.RestoreRandom(checkpoint, _options.Seed ?? 0, Peers);
        return checkpoint.State["user"]?.DeepClone().AsObject();
    }
}
