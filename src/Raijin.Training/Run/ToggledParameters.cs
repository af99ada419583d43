using static TorchSharp.torch;

namespace Raijin;

/// <summary>Keeps the parameters of all optimizers but one from wanting gradients, until it is disposed.</summary>
public readonly ref struct ToggledParameters
{
    readonly List<Tensor> _off = [];

    internal ToggledParameters(IReadOnlyList<RunOptimizer> all, RunOptimizer active)
    {
        if (all.Count == 1) return;
        var mine = active.Groups.SelectMany(g => g.Parameters).Select(p => p.Value.Handle).ToHashSet();
        foreach (var (_, parameter) in all.Where(o => o != active).SelectMany(o => o.Groups).SelectMany(g => g.Parameters))
        {
            if (mine.Contains(parameter.Handle) || !parameter.requires_grad) continue;
            parameter.requires_grad = false;
            _off.Add(parameter);
        }
    }

    /// <summary>Lets the others have gradients again.</summary>
    public void Dispose()
    {
        foreach (var parameter in _off ?? []) parameter.requires_grad = true;
    }
}
