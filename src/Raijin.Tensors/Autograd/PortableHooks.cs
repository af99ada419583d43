using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Hooks without C++ entry points: gradients are tapped by an identity function in the graph (about 20 µs a pass), and readiness is told at
/// the end of the pass, for every parameter that has a gradient.
/// </summary>
sealed class PortableHooks : HookRoute
{
    readonly Lock _gate = new();
    readonly List<ReadyCallbacks> _parameters = [];

    public override IDisposable OnReady(Tensor parameter, Action<Tensor> callback)
    {
        lock (_gate)
        {
            var callbacks = _parameters.Find(known => ReferenceEquals(known.Parameter, parameter));
            if (callbacks is null) _parameters.Add(callbacks = new ReadyCallbacks(parameter));
            return callbacks.Add(callback, () => Forget(callbacks));
        }
    }

    public override Tensor OnGradient(Tensor tensor, Func<Tensor, Tensor?> callback) => GradientTap.Apply(tensor, new StrongBox<Func<Tensor, Tensor?>>(callback));

    public override void PassEnded()
    {
        ReadyCallbacks[] parameters;
        lock (_gate) parameters = [.. _parameters];
        foreach (var callbacks in parameters)
            if (!callbacks.Parameter.IsInvalid && GradientAccess.HasGradient(callbacks.Parameter)) callbacks.Fire();
    }

    void Forget(ReadyCallbacks callbacks)
    {
        lock (_gate)
            if (callbacks.IsEmpty) _parameters.Remove(callbacks);
    }
}

/// <summary>y = x, whose backward shows the gradient to a callback.</summary>
sealed class GradientTap : CustomFunction<GradientTap>
{
    protected override Tensor Evaluate(autograd.AutogradContext context, object[] inputs)
    {
        context.save_data("callback", inputs[1]);
        return ((Tensor)inputs[0]).alias();
    }

    protected override IReadOnlyList<Tensor?> Differentiate(autograd.AutogradContext context, Tensor gradient)
    {
        var callback = (StrongBox<Func<Tensor, Tensor?>>)context.get_data("callback");
        return [callback.Value!(gradient) ?? gradient, null];
    }
}
