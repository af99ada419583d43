using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Tensors that a step shows to callbacks until its batch is over: scores, reconstructions, attention. What Lightning hands its callbacks as <c>outputs</c>.</summary>
public sealed class PublishedTensors
{
    readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    internal PublishedTensors() { }

    /// <summary>Shows a tensor under a name; one of that name is replaced.</summary>
    /// <param name="name">Such as <c>scores</c>.</param>
    /// <param name="tensor">Borrowed; freed with the batch as any other.</param>
    public void Add(string name, Tensor tensor)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        TensorGuard.ThrowIfFreed(tensor);
        _tensors[name] = tensor;
    }

    /// <summary>What is shown under a name; null for nothing.</summary>
    public Tensor? Find(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>What is shown under a name.</summary>
    /// <exception cref="KeyNotFoundException">Nothing is; the message says what is, and how to show it.</exception>
    public Tensor this[string name] => Find(name) ?? throw new KeyNotFoundException(
        $"No step published \"{name}\"; published are: {string.Join(", ", _tensors.Keys.DefaultIfEmpty("none"))}. Show it in the step with step.Published.Add(\"{name}\", …).");

    internal void Clear() => _tensors.Clear();
}
