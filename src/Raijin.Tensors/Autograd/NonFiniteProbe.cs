using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>The first module whose output was not finite.</summary>
/// <param name="Module">Its path in the model, <c>encoder.2.norm</c>; empty for the model itself.</param>
/// <param name="Type">Its type's name.</param>
/// <param name="NumNaN">NaN elements of its output.</param>
/// <param name="NumInfinite">Infinite elements of its output.</param>
/// <param name="NumElements">Elements of its output.</param>
/// <param name="BadParameter">A parameter of its own that was already not finite, or null: then it is the arithmetic, or the input.</param>
public sealed record NonFiniteOutput(string Module, string Type, long NumNaN, long NumInfinite, long NumElements, string? BadParameter)
{
    /// <summary>One sentence for an error message.</summary>
    public override string ToString()
    {
        var name = Module.Length == 0 ? $"the model ({Type})" : $"{Module} ({Type})";
        var cause = BadParameter is null ? "" : $"; its parameter {BadParameter} was already not finite";
        return $"the first output that is not finite is that of {name}: {NumNaN} NaN and {NumInfinite} infinite of {NumElements} elements{cause}";
    }
}

/// <summary>
/// Watches a model's modules and notes the first whose output holds a NaN or an infinity. Each module costs a reduction and a read-back: attach
/// it to repeat a step that went wrong, not to train.
/// </summary>
/// <remarks>Hooks see modules that are run by <c>call</c>, with one to three tensors in and one tensor or a pair out.</remarks>
public sealed class NonFiniteProbe : IDisposable
{
    readonly List<Action> _removals = [];

    NonFiniteProbe(nn.Module model)
    {
        foreach (var (name, module) in model.named_modules().Prepend(("", model))) Watch(name, module);
    }

    /// <summary>The first module, in the order of execution, whose output was not finite; null while all were.</summary>
    public NonFiniteOutput? First { get; private set; }

    /// <summary>Starts watching a model and all modules in it.</summary>
    public static NonFiniteProbe Attach(nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new NonFiniteProbe(model);
    }

    /// <summary>Stops watching. <see cref="First"/> stays.</summary>
    public void Dispose()
    {
        foreach (var remove in _removals) remove();
        _removals.Clear();
    }

    void Watch(string name, nn.Module module)
    {
        Action? removal = module switch
        {
            nn.Module<Tensor, Tensor> one => one.register_forward_hook((_, _, output) => Look(name, module, output)).remove,
            nn.Module<Tensor, Tensor, Tensor> two => two.register_forward_hook((_, _, _, output) => Look(name, module, output)).remove,
            nn.Module<Tensor, Tensor, Tensor, Tensor> three => three.register_forward_hook((_, _, _, _, output) => Look(name, module, output)).remove,
            nn.Module<Tensor, (Tensor, Tensor)> pair => pair.register_forward_hook((_, _, output) => Look(name, module, output)).remove,
            nn.Module<Tensor, Tensor, (Tensor, Tensor)> pair => pair.register_forward_hook((_, _, _, output) => Look(name, module, output)).remove,
            _ => null,
        };
        if (removal is not null) _removals.Add(removal);
    }

    (Tensor, Tensor) Look(string name, nn.Module module, (Tensor, Tensor) output) =>
        (Look(name, module, output.Item1), Look(name, module, output.Item2));

    Tensor Look(string name, nn.Module module, Tensor output)
    {
        if (First is not null || IsFinite(output)) return output;
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        var bad = module.named_parameters(false).FirstOrDefault(p => !IsFinite(p.parameter)).name;
        First = new NonFiniteOutput(
            name, module.GetType().Name, output.isnan().sum().item<long>(), output.isinf().sum().item<long>(), output.NumberOfElements, bad);
        return output;
    }

    static bool IsFinite(Tensor tensor)
    {
        if (!tensor.is_floating_point() && !tensor.is_complex()) return true;
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        return tensor.isfinite().all().item<bool>();
    }
}
