namespace Raijin;

/// <summary>What a buffer of training holds: how the plan and the ledger name bytes.</summary>
public enum BufferKind : byte
{
    /// <summary>Parameters as forward and backward compute with them: all of them up to stage 2, the rank's shard in stage 3.</summary>
    Parameters,

    /// <summary>Gradients between backward and the update: all of them up to stage 1, the rank's shard from stage 2 on.</summary>
    Gradients,

    /// <summary>What the update needs beside: masters in float32 where parameters are of a smaller type, and the algorithm's moments.</summary>
    OptimizerState,

    /// <summary>Buffers in which gradients are reduced while backward goes on.</summary>
    Bucket,

    /// <summary>Parameters gathered from the other ranks' shards for as long as their unit computes.</summary>
    Gathered,

    /// <summary>A second shard of the parameters, of what was gathered, divided among the ranks of a node (<see cref="Strategy.SecondaryShardSize"/>).</summary>
    Secondary,

    /// <summary>Memory through which parameters and optimizer state pass that lie in files.</summary>
    Staging,
}
