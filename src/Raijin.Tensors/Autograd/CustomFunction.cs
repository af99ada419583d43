using System.Runtime.ExceptionServices;
using TorchSharp;
using static TorchSharp.torch;

// Apply is called on the user's own, closed type: MyFunction.Apply(x).
#pragma warning disable CA1000

namespace Raijin.Tensors;

/// <summary>
/// A differentiable function of your own with one output. What <see cref="Differentiate"/> throws does not end the process: it is kept at the native
/// border and comes out of <see cref="Backward.Run"/>.
/// </summary>
/// <remarks>Call it as <c>MyFunction.Apply(x, 2.0)</c>. Tensors among the inputs are differentiated, everything else is passed through.</remarks>
/// <typeparam name="TSelf">The function's own type.</typeparam>
public abstract class CustomFunction<TSelf> : autograd.SingleTensorFunction<TSelf> where TSelf : CustomFunction<TSelf>, new()
{
    /// <summary>The name it has in the graph: the type's.</summary>
    public override string Name => typeof(TSelf).Name;

    /// <summary>Computes the output and builds the node of the graph.</summary>
    /// <param name="inputs">Tensors (borrowed) and whatever else <see cref="Evaluate"/> takes.</param>
    /// <exception cref="Exception">What <see cref="Evaluate"/> throws.</exception>
    public static Tensor Apply(params object[] inputs)
    {
        using var scope = NewDisposeScope();
        var border = new ForwardBorder(inputs, scope);
        var output = apply([.. inputs, border]);
        border.End([output]);
        return output;
    }

    /// <summary>Computes the output. Save what <see cref="Differentiate"/> needs with <c>context.save_for_backward</c> and <c>save_data</c>.</summary>
    /// <param name="context">Travels to <see cref="Differentiate"/>.</param>
    /// <param name="inputs">As given to <see cref="Apply"/>; autograd is off.</param>
    protected abstract Tensor Evaluate(autograd.AutogradContext context, object[] inputs);

    /// <summary>Computes the gradient of each input from that of the output.</summary>
    /// <param name="context">What <see cref="Evaluate"/> saved.</param>
    /// <param name="gradient">d(objective)/d(output), shaped as the output.</param>
    /// <returns>One entry per input of <see cref="Apply"/>: its gradient, or null for none and for what is no tensor.</returns>
    protected abstract IReadOnlyList<Tensor?> Differentiate(autograd.AutogradContext context, Tensor gradient);

    /// <inheritdoc/>
    public sealed override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var border = ForwardBorder.Of(Name, vars);
        return border.Run(ctx, inputs => [Evaluate(ctx, inputs)])[0];
    }

    /// <inheritdoc/>
    public sealed override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
        BackwardBorder.Run(Name, ctx, () => Differentiate(ctx, grad_output));
}

/// <summary>As <see cref="CustomFunction{TSelf}"/>, with several outputs.</summary>
/// <typeparam name="TSelf">The function's own type.</typeparam>
public abstract class CustomMultiFunction<TSelf> : autograd.MultiTensorFunction<TSelf> where TSelf : CustomMultiFunction<TSelf>, new()
{
    /// <summary>The name it has in the graph: the type's.</summary>
    public override string Name => typeof(TSelf).Name;

    /// <summary>Computes the outputs and builds the node of the graph.</summary>
    /// <param name="inputs">Tensors (borrowed) and whatever else <see cref="Evaluate"/> takes.</param>
    /// <exception cref="Exception">What <see cref="Evaluate"/> throws.</exception>
    public static IReadOnlyList<Tensor> Apply(params object[] inputs)
    {
        using var scope = NewDisposeScope();
        var border = new ForwardBorder(inputs, scope);
        var outputs = apply([.. inputs, border]);
        border.End(outputs);
        return outputs;
    }

    /// <summary>Computes the outputs. Save what <see cref="Differentiate"/> needs with <c>context.save_for_backward</c> and <c>save_data</c>.</summary>
    /// <param name="context">Travels to <see cref="Differentiate"/>.</param>
    /// <param name="inputs">As given to <see cref="Apply"/>; autograd is off.</param>
    protected abstract IReadOnlyList<Tensor> Evaluate(autograd.AutogradContext context, object[] inputs);

    /// <summary>Computes the gradient of each input from those of the outputs.</summary>
    /// <param name="context">What <see cref="Evaluate"/> saved.</param>
    /// <param name="gradients">d(objective)/d(output), one per output; zeros for an output nobody used.</param>
    /// <returns>One entry per input of <see cref="Apply"/>: its gradient, or null for none and for what is no tensor.</returns>
    protected abstract IReadOnlyList<Tensor?> Differentiate(autograd.AutogradContext context, IReadOnlyList<Tensor> gradients);

    /// <inheritdoc/>
    public sealed override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var border = ForwardBorder.Of(Name, vars);
        return [.. border.Run(ctx, inputs => Evaluate(ctx, inputs))];
    }

    /// <inheritdoc/>
    public sealed override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs) =>
        BackwardBorder.Run(Name, ctx, () => Differentiate(ctx, grad_outputs));
}

/// <summary>
/// Rides as the last input of a function. TorchSharp keeps a node alive for ever when its forward throws, so a failing forward returns a
/// placeholder instead, and the error is thrown once the node is complete and can be freed.
/// </summary>
/// <remarks>
/// For each output TorchSharp makes an empty tensor as large, whose shape zeros take where no gradient comes: when the scope it was made in had freed it, that would end the process. It is left to the node here, or freed at
/// once where no zeros are wanted.
/// </remarks>
sealed class ForwardBorder(object[] inputs, DisposeScope scope)
{
    public const string Key = "raijin.inputs";

    ExceptionDispatchInfo? _error;
    HashSet<IDisposable> _own = [];
    bool _wantsZeros;

    public static ForwardBorder Of(string name, object[] vars) =>
        vars is [.., ForwardBorder border] ? border : throw new InvalidOperationException($"Call {name}.Apply, not apply: it carries errors over the native border.");

    public IReadOnlyList<Tensor> Run(autograd.AutogradContext context, Func<object[], IReadOnlyList<Tensor>> forward)
    {
        context.save_data(Key, Array.ConvertAll(inputs, input => input is Tensor));
        try
        {
            return forward(inputs);
        }
        catch (Exception error)
        {
            _error = ExceptionDispatchInfo.Capture(error);
            return [empty(0)];
        }
        finally
        {
            _own = new(scope.DisposablesView, ReferenceEqualityComparer.Instance);
            _wantsZeros = context.MaterializeGrads;
        }
    }

    /// <summary>Gives what the forward made to the scope around, and throws what it threw.</summary>
    public void End(IReadOnlyList<Tensor> outputs)
    {
        if (_error is not null)
        {
            foreach (var output in outputs) output.Dispose();
            _error.Throw();
        }
        _own.UnionWith(outputs);
        foreach (var made in scope.DisposablesView.ToList())
        {
            if (_own.Contains(made)) scope.MoveToOuter(made);
            else if (_wantsZeros) scope.Detach(made);
        }
    }
}

/// <summary>The managed side of a node's backward: nothing may be thrown beyond it.</summary>
static class BackwardBorder
{
    public static List<Tensor> Run(string name, autograd.AutogradContext context, Func<IReadOnlyList<Tensor?>> backward)
    {
        var isTensor = (bool[])context.get_data(ForwardBorder.Key);
        // One slot per input and one for the border, as TorchSharp counts them. Null is no gradient.
        var gradients = new List<Tensor>(new Tensor[isTensor.Length + 1]);
        if (Backward.HasFailed) return gradients;
        try
        {
            var computed = backward();
            Check(name, computed, isTensor);
            for (var i = 0; i < computed.Count; i++) gradients[i] = computed[i]!;
        }
        catch (Exception error)
        {
            Backward.Keep(error);
        }
        return gradients;
    }

    static void Check(string name, IReadOnlyList<Tensor?> gradients, bool[] isTensor)
    {
        if (gradients.Count != isTensor.Length)
            throw new InvalidOperationException($"{name}.Differentiate gave {gradients.Count} gradients for {isTensor.Length} inputs; give null for an input that has none.");
        for (var i = 0; i < isTensor.Length; i++)
        {
            if (gradients[i] is not { } gradient) continue;
            if (!isTensor[i]) throw new InvalidOperationException($"{name}.Differentiate gave a gradient for input {i}, which is no tensor; give null.");
            if (gradient.IsInvalid) throw new ObjectDisposedException($"gradient {i}", $"{name}.Differentiate gave a freed tensor as the gradient of input {i}.");
        }
    }
}
