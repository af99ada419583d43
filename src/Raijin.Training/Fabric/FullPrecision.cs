using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>The weights of models as they were before a precision rounded them: what optimizers' masters start from.</summary>
sealed class FullPrecision : IDisposable
{
    readonly Dictionary<Module, Dictionary<string, Tensor>> _originals = new(ReferenceEqualityComparer.Instance);

    /// <summary>Keeps a copy of a model's weights.</summary>
    public void Keep(Module module) => _originals[module] = module.named_parameters()
        .ToDictionary(p => p.name, p => (Tensor)p.parameter.detach().to(ScalarType.Float32, copy: true).DetachFromDisposeScope());

    /// <summary>Notes a model whose weights were never wider: masters start from the weights themselves.</summary>
    public void KeepNothing(Module module) => _originals[module] = [];

    /// <summary>The copies by the names in a model that was kept, or in a part of one.</summary>
    /// <exception cref="InvalidOperationException">It was not.</exception>
    public IReadOnlyDictionary<string, Tensor> Of(Module module)
    {
        if (_originals.TryGetValue(module, out var originals)) return originals;
        // An optimizer over a part of what was set up: its parameters carry the part's own names.
        foreach (var (root, all) in _originals)
            foreach (var (prefix, child) in root.named_modules())
                if (ReferenceEquals(child, module))
                    return all.Where(o => o.Key.StartsWith(prefix + ".", StringComparison.Ordinal)).ToDictionary(o => o.Key[(prefix.Length + 1)..], o => o.Value);
        throw new InvalidOperationException($"{module.GetName()} was not set up: call Setup on it before its optimizer is made.");
    }

    public void Dispose()
    {
        foreach (var original in _originals.Values.SelectMany(o => o.Values)) original.Dispose();
        _originals.Clear();
    }
}
