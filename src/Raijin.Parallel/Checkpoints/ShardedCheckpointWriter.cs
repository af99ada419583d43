using Raijin.Collectives;

namespace Raijin;

// Invariant: nobody returns before the checkpoint is there, whole and durable; and when a rank can't go on, all fail and what was there before is untouched. The stages: PendingShardedCheckpoint.

/// <summary>Writes a checkpoint of logical tensors by all ranks of a group, each its part.</summary>
public static class ShardedCheckpointWriter
{
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
        using var save = Begin(path, group, content, facts, new ShardedSaveOptions(sequence, time), cancellationToken);
        return save.Wait();
    }

    /// <summary>
    /// Begins a checkpoint: when this returns, this rank's share is copied where <see cref="ShardedSaveOptions.Memory"/> is given, or written. Ranks go on, and finish it by
    /// <see cref="PendingShardedCheckpoint.Advance"/> when none of them is busy with it any more, or by <see cref="PendingShardedCheckpoint.Wait"/>. All ranks of the group call it.
    /// </summary>
    /// <inheritdoc cref="Write"/>
    /// <param name="options">How.</param>
    public static PendingShardedCheckpoint Begin(string path, Group group, ShardedContent content, CheckpointFacts facts, ShardedSaveOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(facts);
        ArgumentNullException.ThrowIfNull(options);
        return new(path, group, content, facts, options, cancellationToken);
    }
}
