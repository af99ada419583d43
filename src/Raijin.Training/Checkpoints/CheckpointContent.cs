using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>What a checkpoint is made of: tensors by file and name, and everything else as plain data.</summary>
public sealed class CheckpointContent
{
    /// <summary>
    /// Named tensors by file stem: those of <c>model</c> become <c>model.safetensors</c>. Borrowed until
    /// <see cref="CheckpointStore.Save"/> or <see cref="CheckpointStore.SaveInBackground"/> returns.
    /// </summary>
    public Dictionary<string, IReadOnlyList<KeyValuePair<string, Tensor>>> Tensors { get; } = new(StringComparer.Ordinal);

    /// <summary>What this rank holds of the weights and the optimizers, where each rank holds a part: in place of their <see cref="Tensors"/>. Null where one rank holds all.</summary>
    internal IReadOnlyList<LogicalSlice>? Slices { get; set; }

    /// <summary>Plain data, kept in <c>state.json</c>: the cursor, schedules, callbacks, the loader's place.</summary>
    public JsonObject State { get; init; } = [];
}
