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
            $"'{name}' ({module.GetType().Name}) can't be a unit of stage 3: its calls take or give something else than tensors (one to four in, a tensor or a tuple of tensors out). Choose the blocks inside it, or the module around it.");
        var type = signature.GetGenericArguments().Length switch
        {
            2 => typeof(Watching<,>),
            3 => typeof(Watching<,,>),
            4 => typeof(Watching<,,,>),
            _ => typeof(Watching<,,,,>),
        };
        return (UnitModule)Activator.CreateInstance(type.MakeGenericType(signature.GetGenericArguments()), BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, null, [name, module], null)!;
    }

    /// <summary>Watches its calls.</summary>
    /// <param name="before">Before each.</param>
    /// <param name="after">After each, once with every tensor that went in (false) and that came out (true); gives the tensor to go on with.</param>
    /// <param name="done">After that.</param>
    public abstract IDisposable Watch(Action before, Func<Tensor, bool, Tensor> after, Action done);

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

    // An optional input may be absent.
    static void In<T>(T input, Func<Tensor, bool, Tensor> after)
    {
        if (input is Tensor tensor) after(tensor, false);
    }

    static TResult Through<TResult>(TResult result, Func<Tensor, bool, Tensor> after)
    {
        if (typeof(TResult) == typeof(Tensor)) return (TResult)(object)after((Tensor)(object)result!, true);
        return (TResult)ThroughTuple((ITuple)result!, typeof(TResult), after);
    }

    static object ThroughTuple(ITuple tuple, Type type, Func<Tensor, bool, Tensor> after)
    {
        var arguments = type.GetGenericArguments();
        var items = new object[tuple.Length];
        for (var i = 0; i < items.Length; i++) items[i] = tuple[i] is Tensor tensor ? after(tensor, true) : ThroughTuple((ITuple)tuple[i]!, arguments[i], after);
        return Activator.CreateInstance(type, items)!;
    }

    sealed class Watched(params IReadOnlyList<Action> remove) : IDisposable
    {
        public void Dispose()
        {
            foreach (var action in remove) action();
        }
    }

    sealed class Watching<T, TResult>(string name, Module module) : UnitModule(name, module)
    {
        public override IDisposable Watch(Action before, Func<Tensor, bool, Tensor> after, Action done)
        {
            var typed = (Module<T, TResult>)Module;
            var pre = typed.register_forward_pre_hook((_, x) => { before(); return x; });
            var post = typed.register_forward_hook((_, x, y) =>
            {
                In(x, after);
                var result = Through(y, after);
                done();
                return result;
            });
            return new Watched(pre.remove, post.remove);
        }
    }

    sealed class Watching<T1, T2, TResult>(string name, Module module) : UnitModule(name, module)
    {
        public override IDisposable Watch(Action before, Func<Tensor, bool, Tensor> after, Action done)
        {
            var typed = (Module<T1, T2, TResult>)Module;
            var pre = typed.register_forward_pre_hook((_, a, b) => { before(); return (a, b); });
            var post = typed.register_forward_hook((_, a, b, y) =>
            {
                In(a, after);
                In(b, after);
                var result = Through(y, after);
                done();
                return result;
            });
            return new Watched(pre.remove, post.remove);
        }
    }

    sealed class Watching<T1, T2, T3, TResult>(string name, Module module) : UnitModule(name, module)
    {
        public override IDisposable Watch(Action before, Func<Tensor, bool, Tensor> after, Action done)
        {
            var typed = (Module<T1, T2, T3, TResult>)Module;
            var pre = typed.register_forward_pre_hook((_, a, b, c) => { before(); return (a, b, c); });
            var post = typed.register_forward_hook((_, a, b, c, y) =>
            {
                In(a, after);
                In(b, after);
                In(c, after);
                var result = Through(y, after);
                done();
                return result;
            });
            return new Watched(pre.remove, post.remove);
        }
    }

    sealed class Watching<T1, T2, T3, T4, TResult>(string name, Module module) : UnitModule(name, module)
    {
        public override IDisposable Watch(Action before, Func<Tensor, bool, Tensor> after, Action done)
        {
            var typed = (Module<T1, T2, T3, T4, TResult>)Module;
            var pre = typed.register_forward_pre_hook((_, a, b, c, d) => { before(); return (a, b, c, d); });
            var post = typed.register_forward_hook((_, a, b, c, d, y) =>
            {
                In(a, after);
                In(b, after);
                In(c, after);
                In(d, after);
                var result = Through(y, after);
                done();
                return result;
            });
            return new Watched(pre.remove, post.remove);
        }
    }
}
