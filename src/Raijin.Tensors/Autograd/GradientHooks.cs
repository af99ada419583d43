using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Callbacks inside the backward pass: when a parameter's gradient is complete, and when a gradient flows through a tensor. What they throw
/// comes out of <see cref="Backward.Run"/>. They run on the thread of the pass.
/// </summary>
public static class GradientHooks
{
    /// <summary>How hooks get into the pass on this platform.</summary>
    internal static HookRoute Route { get; set; } = ItaniumHooks.IsSupported ? new ItaniumHooks() : new PortableHooks();

    /// <summary>
    /// Whether <see cref="OnReady"/> fires as soon as a gradient is complete, while the pass goes on (libtorch on Linux). Where not, it fires
    /// for every parameter that has a gradient when <see cref="Backward.Run"/> is about to return.
    /// </summary>
    public static bool FiresDuringBackward => Route is ItaniumHooks;

    /// <summary>Calls back each time a pass has added to the parameter's <c>grad</c> all it will add.</summary>
    /// <param name="parameter">A leaf that requires a gradient. Held until the registration is disposed.</param>
    /// <param name="callback">Given the parameter. Several callbacks of a parameter run in the order of registration.</param>
    /// <returns>Dispose it to stop.</returns>
    /// <exception cref="ArgumentException">The parameter is not a leaf that requires a gradient.</exception>
    /// <exception cref="ObjectDisposedException">The parameter was freed.</exception>
    public static IDisposable OnReady(Tensor parameter, Action<Tensor> callback)
    {
        TensorGuard.ThrowIfFreed(parameter);
        ArgumentNullException.ThrowIfNull(callback);
        if (!parameter.is_leaf || !parameter.requires_grad)
            throw new ArgumentException("Only a leaf that requires a gradient ever gets one complete.", nameof(parameter));
        return Route.OnReady(parameter, callback);
    }

    /// <summary>While it is open, a pass on this thread that adds to these parameters tells nobody: the pass around it has not added all it will.</summary>
    internal static IDisposable Withhold(IReadOnlyList<Tensor> parameters) => new Withheld(parameters);

    /// <summary>Lets a callback see, and replace, the gradient that flows back through a tensor.</summary>
    /// <param name="tensor">Any tensor that requires a gradient; borrowed.</param>
    /// <param name="callback">
    /// Given d(objective)/d(tensor), which is freed when it returns; gives the gradient to go on with (same shape and dtype), or null to leave it.
    /// </param>
    /// <returns>The tensor to compute on with: the same one, or, where hooks cannot be attached to it, a tapped copy that shares its memory.</returns>
    /// <exception cref="ArgumentException">The tensor does not require a gradient.</exception>
    /// <exception cref="ObjectDisposedException">The tensor was freed.</exception>
    public static Tensor OnGradient(Tensor tensor, Func<Tensor, Tensor?> callback)
    {
        TensorGuard.ThrowIfFreed(tensor);
        ArgumentNullException.ThrowIfNull(callback);
        if (!tensor.requires_grad) throw new ArgumentException("No gradient flows through a tensor that requires none.", nameof(tensor));
        return Route.OnGradient(tensor, callback);
    }
}

/// <summary>Parameters whose gradients are not complete yet, by the tensors that their wrappers refer to.</summary>
sealed unsafe class Withheld : IDisposable
{
    [ThreadStatic] static HashSet<nint>? t_tensors;

    readonly HashSet<nint>? _outer = t_tensors;

    public Withheld(IReadOnlyList<Tensor> parameters) => t_tensors = [.. _outer ?? [], .. parameters.Select(p => *(nint*)p.Handle)];

    public static bool Holds(Tensor parameter) => t_tensors?.Contains(*(nint*)parameter.Handle) ?? false;

    public void Dispose() => t_tensors = _outer;
}

/// <summary>One way of getting called during a backward pass.</summary>
abstract class HookRoute
{
    public abstract IDisposable OnReady(Tensor parameter, Action<Tensor> callback);

    public abstract Tensor OnGradient(Tensor tensor, Func<Tensor, Tensor?> callback);

    /// <summary>Called by <see cref="Backward.Run"/> after a pass without errors.</summary>
    public virtual void PassEnded()
    {
    }
}

/// <summary>The callbacks of one parameter. Read during a pass while others may register: replaced, never changed.</summary>
sealed class ReadyCallbacks(Tensor parameter)
{
    readonly Lock _gate = new();
    volatile Action<Tensor>[] _callbacks = [];

    public Tensor Parameter { get; } = parameter;

    public bool IsEmpty => _callbacks.Length == 0;

    /// <summary>Runs them in order; what one throws is kept for the end of the pass.</summary>
    public void Fire()
    {
        // libtorch also tells of a parameter that is in the graph and got no gradient.
        if (Withheld.Holds(Parameter) || !GradientAccess.HasGradient(Parameter)) return;
        foreach (var callback in _callbacks)
        {
            if (Backward.HasFailed) return;
            try
            {
                callback(Parameter);
            }
            catch (Exception error)
            {
                // The native border: an exception that crosses it ends the process.
                Backward.Keep(error);
                return;
            }
        }
    }

    /// <param name="callback">What to call.</param>
    /// <param name="emptied">Called when the last one is gone.</param>
    public IDisposable Add(Action<Tensor> callback, Action emptied)
    {
        lock (_gate) _callbacks = [.. _callbacks, callback];
        return new Registration(this, callback, emptied);
    }

    sealed class Registration(ReadyCallbacks owner, Action<Tensor> callback, Action emptied) : IDisposable
    {
        bool _disposed;

        public void Dispose()
        {
            lock (owner._gate)
            {
                if (_disposed) return;
                _disposed = true;
                var left = owner._callbacks.ToList();
                left.Remove(callback);
                owner._callbacks = [.. left];
                if (left.Count > 0) return;
            }
            emptied();
        }
    }
}
