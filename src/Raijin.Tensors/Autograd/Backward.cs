using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// The door to libtorch's backward pass. Code of ours that runs inside it (gradient callbacks, hooks, custom functions) is called by native
/// frames, through which a managed exception cannot pass: it is caught at the border, kept, and thrown from here when the pass has ended.
/// </summary>
/// <remarks>
/// After the first error of a pass no further callback runs, and the gradients it leaves behind are meaningless. On a CPU the pass runs on the
/// calling thread; a GPU's part of it runs on libtorch's own threads, whose errors go to the next pass that ends.
/// </remarks>
public static class Backward
{
    [ThreadStatic] static Pass? t_pass;

    // Errors met on threads of libtorch's, or in a pass that was not started here.
    static readonly Lock s_gate = new();
    static ExceptionDispatchInfo? s_stray;

    /// <summary>Computes the gradients of <paramref name="loss"/> and adds them to the <c>grad</c> of every leaf it came from.</summary>
    /// <param name="loss">One element, unless <paramref name="gradient"/> is given; borrowed.</param>
    /// <param name="gradient">d(objective)/d(loss), shaped as the loss; 1 by default; borrowed.</param>
    /// <param name="retainGraph">Whether the graph stays for another pass over it.</param>
    /// <param name="createGraph">Whether the gradients are themselves differentiable; implies <paramref name="retainGraph"/>.</param>
    /// <exception cref="ObjectDisposedException">The loss was freed.</exception>
    /// <exception cref="Exception">Whatever a callback, hook or custom function threw, with its own stack trace.</exception>
    public static void Run(Tensor loss, Tensor? gradient = null, bool retainGraph = false, bool createGraph = false)
    {
        TensorGuard.ThrowIfFreed(loss);
        if (gradient is not null) TensorGuard.ThrowIfFreed(gradient);

        var pass = new Pass(t_pass);
        t_pass = pass;
        try
        {
            if (gradient is null && !retainGraph && !createGraph) loss.backward();
            else loss.backward(gradient is null ? null : [gradient], retainGraph || createGraph, createGraph, null);
            if (!pass.Failed) GradientHooks.Route.PassEnded();
        }
        catch (Exception) when (pass.Failed)
        {
            // libtorch stumbled over what the failed callback left undone; the callback's error is the cause.
        }
        finally
        {
            t_pass = pass.Outer;
            pass.Lend([]);
        }
        (pass.Error ?? TakeStray())?.Throw();
    }

    /// <summary>Throws what a callback threw in a pass that did not go through <see cref="Run"/>; nothing if there was none.</summary>
    public static void ThrowPending() => TakeStray()?.Throw();

    /// <summary>Whether a callback of the pass on this thread has failed: the others stand aside.</summary>
    internal static bool HasFailed => t_pass?.Failed ?? false;

    /// <summary>Keeps an error that must not cross the native border. The first of a pass is the one that is thrown.</summary>
    internal static void Keep(Exception error)
    {
        var kept = ExceptionDispatchInfo.Capture(error);
        if (t_pass is { } pass)
        {
            pass.Error ??= kept;
            return;
        }
        lock (s_gate) s_stray ??= kept;
    }

    /// <summary>Takes the wrappers of gradients that a node gives to libtorch, which holds them itself when the node has returned: they are freed when the next node comes, or the pass has ended, not with the step.</summary>
    internal static void Lend(IReadOnlyList<Tensor?> gradients) => t_pass?.Lend(gradients);

    static ExceptionDispatchInfo? TakeStray()
    {
        if (s_stray is null) return null;
        lock (s_gate)
        {
            var stray = s_stray;
            s_stray = null;
            return stray;
        }
    }

    // A callback may itself run a backward pass (recomputation does).
    sealed class Pass(Pass? outer)
    {
        public Pass? Outer { get; } = outer;

        public ExceptionDispatchInfo? Error { get; set; }

        public bool Failed => Error is not null;

        IReadOnlyList<Tensor?> _lent = [];

        public void Lend(IReadOnlyList<Tensor?> gradients)
        {
            foreach (var gradient in _lent) gradient?.Dispose();
            _lent = gradients;
        }
    }
}
