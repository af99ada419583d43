using System.Reflection;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Module = TorchSharp.torch.nn.Module;

namespace Raijin.Parallel;

/// <summary>
/// A module whose calls can be watched: before its forward pass, after it with the tensors that went in and came out. Modules of one to four tensors to a tensor or a tuple of tensors; whoever calls it uses <c>call</c>, not
/// <c>forward</c>.
/// </summary>
abstract class UnitModule(string name, Module module)
{
    public string Name => name;

    public Module Module => module;

    /// <summary>Whether calls of the module can be watched at all.</summary>
    public static bool CanWatch(Module module) => Signature(module.GetType()) is not null;

    /// <exception cref="NotSupportedException">The module's inputs or outputs are no tensors.</exception>
    public static UnitModule Of(string name, Module module)
    {
        var signature = Signature(module.GetType()) ?? throw new NotSupportedException(
            $"'{name}' ({module.GetType().Name}) can't be a unit: its calls take or give something else than tensors (one to four in, a tensor or a tuple of tensors out). Choose the blocks inside it, or the module around it.");
        var arguments = signature.GetGenericArguments();
        var type = arguments.Length switch
        {
            2 => typeof(OfOne<>),
            3 => typeof(OfTwo<>),
            4 => typeof(OfThree<>),
            _ => typeof(OfFour<>),
        };
        return (UnitModule)Activator.CreateInstance(type.MakeGenericType(arguments[^1]), BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, null, [name, module], null)!;
    }

    /// <summary>Watches its calls.</summary>
    /// <param name="before">Before each.</param>
    /// <param name="after">After each, once with every tensor that went in (false) and that came out (true); gives the tensor to go on with.</param>
    /// <param name="done">After that.</param>
    public IDisposable Watch(Action before, Func<Tensor, bool, Tensor> after, Action done) => Watch(_ => before(), (inputs, results) =>
    {
        foreach (var input in inputs)
            if (input is not null) after(input, false);
        var through = new Tensor[results.Count];
        for (var i = 0; i < through.Length; i++) through[i] = after(results[i], true);
        done();
        return through;
    });

    /// <summary>Watches its calls.</summary>
    /// <param name="before">Before each, given what goes in; null for an optional input that is absent.</param>
    /// <param name="after">After each, given what went in and what came out; gives as many tensors to go on with.</param>
    public abstract IDisposable Watch(Action<IReadOnlyList<Tensor?>> before, Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> after);

    /// <summary>Its forward pass itself, of which nobody who watches its calls is told.</summary>
    public abstract IReadOnlyList<Tensor> Forward(IReadOnlyList<Tensor?> inputs);

    static Type? Signature(Type? type)
    {
        for (; type is not null; type = type.BaseType)
        {
            if (!type.IsGenericType) continue;
            var definition = type.GetGenericTypeDefinition();
            if (definition != typeof(Module<,>) && definition != typeof(Module<,,>) && definition != typeof(Module<,,,>) && definition != typeof(Module<,,,,>)) continue;
            var arguments = type.GetGenericArguments();
            return arguments[..^1].All(a => a == typeof(Tensor)) && IsTensors(arguments[^1]) ? type : null;
        }
        return null;
    }

    static bool IsTensors(Type type) => type == typeof(Tensor) || type.IsAssignableTo(typeof(ITuple)) && type.IsValueType && type.GetGenericArguments().All(IsTensors);

    static List<Tensor> Flat(object result, List<Tensor>? into = null)
    {
        into ??= [];
        if (result is Tensor tensor) into.Add(tensor);
        else
        {
            var tuple = (ITuple)result;
            for (var i = 0; i < tuple.Length; i++) Flat(tuple[i]!, into);
        }
        return into;
    }

    static object Build(Type type, IReadOnlyList<Tensor> tensors, ref int next)
    {
        if (type == typeof(Tensor)) return tensors[next++];
        var arguments = type.GetGenericArguments();
        var items = new object[arguments.Length];
        for (var i = 0; i < items.Length; i++) items[i] = Build(arguments[i], tensors, ref next);
        return Activator.CreateInstance(type, items)!;
    }

    static TResult Through<TResult>(Tensor?[] inputs, TResult result, Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> after)
    {
        var next = 0;
        return (TResult)Build(typeof(TResult), after(inputs, Flat(result!)), ref next);
    }

    sealed class Watched(params IReadOnlyList<Action> remove) : IDisposable
    {
        public void Dispose()
        {
            foreach (var action in remove) action();
        }
    }

    sealed class OfOne<TResult>(string name, Module<Tensor, TResult> module) : UnitModule(name, module)
    {
        public override IDisposable Watch(Action<IReadOnlyList<Tensor?>> before, Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> after) => new Watched(
            module.register_forward_pre_hook((_, a) => { before([a]); return a; }).remove,
            module.register_forward_hook((_, a, y) => Through([a], y, after)).remove);

        public override IReadOnlyList<Tensor> Forward(IReadOnlyList<Tensor?> inputs) => Flat(module.forward(inputs[0]!)!);
    }

    sealed class OfTwo<TResult>(string name, Module<Tensor, Tensor, TResult> module) : UnitModule(name, module)
    {
        public override IDisposable Watch(Action<IReadOnlyList<Tensor?>> before, Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> after) => new Watched(
            module.register_forward_pre_hook((_, a, b) => { before([a, b]); return (a, b); }).remove,
            module.register_forward_hook((_, a, b, y) => Through([a, b], y, after)).remove);

        public override IReadOnlyList<Tensor> Forward(IReadOnlyList<Tensor?> inputs) => Flat(module.forward(inputs[0]!, inputs[1]!)!);
    }

    sealed class OfThree<TResult>(string name, Module<Tensor, Tensor, Tensor, TResult> module) : UnitModule(name, module)
    {
        public override IDisposable Watch(Action<IReadOnlyList<Tensor?>> before, Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> after) => new Watched(
            module.register_forward_pre_hook((_, a, b, c) => { before([a, b, c]); return (a, b, c); }).remove,
            module.register_forward_hook((_, a, b, c, y) => Through([a, b, c], y, after)).remove);

        public override IReadOnlyList<Tensor> Forward(IReadOnlyList<Tensor?> inputs) => Flat(module.forward(inputs[0]!, inputs[1]!, inputs[2]!)!);
    }

    sealed class OfFour<TResult>(string name, Module<Tensor, Tensor, Tensor, Tensor, TResult> module) : UnitModule(name, module)
    {
        public override IDisposable Watch(Action<IReadOnlyList<Tensor?>> before, Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> after) => new Watched(
            module.register_forward_pre_hook((_, a, b, c, d) => { before([a, b, c, d]); return (a, b, c, d); }).remove,
            module.register_forward_hook((_, a, b, c, d, y) => Through([a, b, c, d], y, after)).remove);

        public override IReadOnlyList<Tensor> Forward(IReadOnlyList<Tensor?> inputs) => Flat(module.forward(inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!)!);
    }
}
