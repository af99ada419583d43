using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>
/// One module of a model: what it is, what it gave, what it holds and what it computes. A module that is part of the model in several places counts
/// in the first; in the others it holds and computes nothing.
/// </summary>
/// <param name="Name">Its name within its parent.</param>
/// <param name="Depth">How deep it lies; a model's direct children are at 0.</param>
/// <param name="Type">Its class.</param>
/// <param name="OutputShape">Shape of its last output; null when it was not called, or gives no tensor known here.</param>
/// <param name="Parameters">Elements of all its parameters, its children's included.</param>
/// <param name="OwnParameters">Elements of the parameters it holds itself.</param>
/// <param name="Flops">Floating-point operations of its forward pass, its children's included: 2 for each multiply-add; null when nothing in it is of a known kind, or was called.</param>
/// <param name="HasChildren">Whether there are modules in it.</param>
public sealed record ModuleFacts(string Name, int Depth, string Type, IReadOnlyList<long>? OutputShape, long Parameters, long OwnParameters, long? Flops, bool HasChildren);

/// <summary>What a model is made of: each module's output shape, parameters and FLOPs, seen during a forward pass.</summary>
public sealed record ModelFacts
{
    /// <summary>The model's class.</summary>
    public required string Name { get; init; }

    /// <summary>All modules below the model, parents before their children.</summary>
    public required IReadOnlyList<ModuleFacts> Modules { get; init; }

    /// <summary>Elements of all parameters; one that several modules share counts once.</summary>
    public required long Parameters { get; init; }

    /// <summary>Those that want a gradient.</summary>
    public required long TrainableParameters { get; init; }

    /// <summary>Bytes of parameters and buffers, as they lie on the device.</summary>
    public required long Bytes { get; init; }

    /// <summary>Floating-point operations of the forward pass seen, over all modules of a known kind.</summary>
    public required long Flops { get; init; }
}

/// <summary>Watches one forward pass of a model through hooks on its modules. Dispose it to take the hooks off.</summary>
public sealed class ModelInspection : IDisposable
{
    readonly Module _model;
    readonly ModuleCalls _calls;
    readonly Dictionary<Module, long[]> _shapes = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<Module, long> _flops = new(ReferenceEqualityComparer.Instance);

    ModelInspection(Module model)
    {
        _model = model;
        _calls = ModuleCalls.Watch(model, null, Saw);
    }

    /// <summary>Hooks onto every module below the model. Modules called through <c>call</c> are seen, those whose <c>forward</c> is called directly are not.</summary>
    public static ModelInspection Of(Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new ModelInspection(model);
    }

    /// <summary>What was seen so far.</summary>
    public ModelFacts Read()
    {
        var modules = new List<ModuleFacts>();
        AddChildren(_model, 0, modules, new HashSet<Module>(ReferenceEqualityComparer.Instance));

        long all = 0, trainable = 0, bytes = 0;
        foreach (var parameter in Distinct(_model.named_parameters().Select(p => (Tensor)p.parameter)))
        {
            all += parameter.numel();
            if (parameter.requires_grad) trainable += parameter.numel();
            bytes += parameter.numel() * parameter.ElementSize;
        }
        foreach (var buffer in Distinct(_model.named_buffers().Select(b => b.buffer))) bytes += buffer.numel() * buffer.ElementSize;
        return new ModelFacts
        {
            Name = _model.GetType().Name,
            Modules = modules,
            Parameters = all,
            TrainableParameters = trainable,
            Bytes = bytes,
            Flops = _flops.Values.Sum(),
        };
    }

    /// <summary>Takes the hooks off.</summary>
    public void Dispose() => _calls.Dispose();

    long? AddChildren(Module parent, int depth, List<ModuleFacts> into, HashSet<Module> seen)
    {
        long? sum = _flops.TryGetValue(parent, out var own) ? own : null;
        foreach (var (name, module) in parent.named_children())
        {
            if (!seen.Add(module))
            {
                into.Add(new ModuleFacts(name, depth, TypeName(module), _shapes.GetValueOrDefault(module), 0, 0, null, false));
                continue;
            }
            var at = into.Count;
            into.Add(null!);
            var flops = AddChildren(module, depth + 1, into, seen);
            if (flops is { } counted) sum = (sum ?? 0) + counted;
            into[at] = new ModuleFacts(
                name, depth, TypeName(module), _shapes.GetValueOrDefault(module),
                Distinct(module.named_parameters().Select(p => (Tensor)p.parameter)).Sum(p => p.numel()),
                Distinct(module.named_parameters(recurse: false).Select(p => (Tensor)p.parameter)).Sum(p => p.numel()),
                flops, into.Count > at + 1);
        }
        return sum;
    }

    void Saw(Module module, ModuleCall call)
    {
        // What backward computes again is no part of the forward pass.
        if (Recomputation.IsUnderWay) return;
        _shapes[module] = call.Output!.shape;
        if (ModuleFlops.Of(module, call) is { } counted) _flops[module] = _flops.GetValueOrDefault(module) + counted;
    }

    internal static IEnumerable<Tensor> Distinct(IEnumerable<Tensor> tensors) => tensors.DistinctBy(t => t.Handle);

    internal static string TypeName(Module module)
    {
        var name = module.GetType().Name;
        var arity = name.IndexOf('`', StringComparison.Ordinal);
        return arity < 0 ? name : name[..arity];
    }
}
