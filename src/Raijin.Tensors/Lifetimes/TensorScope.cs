using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Owns every tensor created on its thread while it is open and frees them together. A step runs in one, so nobody disposes a tensor.
/// </summary>
/// <remarks>
/// Built on TorchSharp's <see cref="DisposeScope"/>, in which each new tensor registers itself. One scope serves a whole run:
/// <see cref="Free"/> empties it and leaves it open, so a steady step allocates nothing for it. Scopes nest like a stack on one thread
/// and are closed innermost first.
/// </remarks>
public sealed class TensorScope : IDisposable
{
    readonly DisposeScope _scope;
    readonly int _thread = Environment.CurrentManagedThreadId;
    bool _closed;

    TensorScope(DisposeScope scope) => _scope = scope;

    /// <summary>Tensors (and packed sequences) this scope would free now.</summary>
    public int LiveTensors => _scope.DisposablesCount;

    /// <summary>
    /// Bytes of the tensors this scope would free now. Views of one storage are counted at their own size each: a figure for reports, walked anew at each call.
    /// </summary>
    public long LiveBytes
    {
        get
        {
            long bytes = 0;
            foreach (var owned in _scope.DisposablesView)
                if (owned is Tensor tensor) bytes += tensor.NumberOfElements * tensor.ElementSize;
            return bytes;
        }
    }

    /// <summary>Opens a scope on the current thread, inside the one that is open there, if any.</summary>
    public static TensorScope Open() => new(NewDisposeScope());

    /// <summary>Moves a tensor out of this scope to the one around it, or to nobody when there is none: then the caller owns it.</summary>
    /// <exception cref="ObjectDisposedException">The tensor was freed already, or the scope is closed.</exception>
    public Tensor Keep(Tensor tensor)
    {
        Enter();
        TensorGuard.ThrowIfFreed(tensor);
        return _scope.MoveToOuter(tensor);
    }

    /// <summary>Takes a tensor out of every scope: the caller owns it and frees it with <see cref="IDisposable.Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The tensor was freed already, or the scope is closed.</exception>
    public Tensor Release(Tensor tensor)
    {
        Enter();
        TensorGuard.ThrowIfFreed(tensor);
        return tensor.DetachFromDisposeScope();
    }

    /// <summary>Takes over a tensor made elsewhere (another thread, no scope): this scope frees it.</summary>
    /// <exception cref="ObjectDisposedException">The tensor was freed already, or the scope is closed.</exception>
    public Tensor Adopt(Tensor tensor)
    {
        Enter();
        TensorGuard.ThrowIfFreed(tensor);
        _scope.Attach(tensor);
        return tensor;
    }

    /// <summary>Frees what the scope owns and leaves it open for more.</summary>
    public void Free()
    {
        Enter();
        _scope.DisposeEverything();
    }

    /// <summary>Frees what the scope owns and closes it. A second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">Called on another thread than the one that opened the scope.</exception>
    public void Dispose()
    {
        if (_closed) return;
        CheckThread();
        _closed = true;
        _scope.Dispose();
    }

    void Enter()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        CheckThread();
    }

    void CheckThread()
    {
        if (Environment.CurrentManagedThreadId != _thread)
            throw new InvalidOperationException(
                $"A tensor scope opened on thread {_thread} was used on thread {Environment.CurrentManagedThreadId}: open one on each thread.");
    }
}
