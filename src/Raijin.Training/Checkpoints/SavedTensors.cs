using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>The tensors of one callback in a checkpoint, by the callback's own names.</summary>
sealed class SavedTensors(LoadedCheckpoint checkpoint, string key)
{
    readonly string _stem = $"{RunState.CallbackFile}/{key}/";

    public IEnumerable<string> Names => checkpoint.Logical.Tensors.Where(t => t.Name.StartsWith(_stem, StringComparison.Ordinal)).Select(t => t.Name[_stem.Length..]);

    public bool Has(string name) => checkpoint.Logical.Find(_stem + name) is not null;

    /// <summary>A tensor whole; the caller owns it.</summary>
    public Tensor Read(string name) => checkpoint.Logical.Read(_stem + name);

    /// <summary>The part of a tensor that belongs to a part of the model, in the part's shape; the caller owns it.</summary>
    public Tensor Read(string name, ModelPart part)
    {
        var saved = checkpoint.Logical.Find(_stem + name);
        var values = empty(part.Values.shape, saved?.ScalarType ?? part.Values.dtype);
        checkpoint.Logical.Read(_stem + name, part.Start, values);
        return values;
    }
}
