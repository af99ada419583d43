// One node stands in the graph for the whole call. Its edges lead to the inputs and to the parameters, so that each gets its gradient once a pass and in its turn, whatever else uses it, and callbacks on gradients fire as ever.
//   forward   inputs ─ body ─► outputs, cut off what they were made by ─► node
//   backward  node ─► inputs, cut off ─ body ─► outputs ─ nested pass ─► gradients of inputs and parameters

using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Module = TorchSharp.torch.nn.Module;

namespace Raijin.Tensors;

/// <summary>A call of a function that is computed again in backward. What <see cref="Recompute"/> is made of, for calls that are watched from outside: begun before the call, completed after it.</summary>
public sealed class Recomputation
{
    [ThreadStatic] static int t_depth;

    readonly Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor>> _body;
    readonly IReadOnlyList<Module> _modules;
    readonly Parameter[] _parameters;
    readonly HashSet<IDisposable> _older;
    readonly AutocastState _autocast = AutocastState.Capture();
    RandomState? _random = RandomState.Capture();
    RandomState? _randomAfter;
    int[] _differentiable = [];
    bool[] _hasGradient = [];

    Recomputation(Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor>> body, IReadOnlyList<Module> modules, Parameter[] parameters)
    {
        (_body, _modules, _parameters) = (body, modules, parameters);
        _older = new(CurrentDisposeScope?.DisposablesView ?? [], ReferenceEqualityComparer.Instance);
    }

    /// <summary>Whether this thread computes something again at this moment: hooks on modules within it are called a second time.</summary>
    public static bool IsUnderWay => t_depth > 0;

    /// <summary>Begins a call. Where it fails nothing has to be undone.</summary>
    /// <param name="body">What computes it again.</param>
    /// <param name="inputs">Its inputs; null for one that is absent.</param>
    /// <param name="modules">The modules whose parameters it reads.</param>
    /// <returns>Null where no gradient will come: there is nothing to complete then.</returns>
    public static Recomputation? Begin(Func<IReadOnlyList<Tensor?>, IReadOnlyList<Tensor>> body, IReadOnlyList<Tensor?> inputs, IReadOnlyList<Module> modules)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(modules);
        if (!is_grad_enabled()) return null;
        var parameters = modules.SelectMany(m => m.parameters()).Where(p => p.requires_grad).DistinctBy(p => p.Handle).ToArray();
        return parameters.Length > 0 || inputs.Any(i => i is { requires_grad: true }) ? new(body, modules, parameters) : null;
    }

    /// <summary>Completes the call: outputs become those of a node that computes it again, and everything else that was made in this scope since it began is freed.</summary>
    /// <param name="inputs">What the call was given; borrowed.</param>
    /// <param name="outputs">What it gave; taken.</param>
    /// <exception cref="InvalidOperationException">A parameter has no values here.</exception>
    public IReadOnlyList<Tensor> Complete(IReadOnlyList<Tensor?> inputs, IReadOnlyList<Tensor> outputs) => Complete(inputs, outputs, output => output.requires_grad);

    /// <summary>Computes the call for the first time, without a graph, and completes it.</summary>
    /// <exception cref="InvalidOperationException">It reads a tensor that requires a gradient and is neither among its inputs nor a parameter of its modules.</exception>
    internal IReadOnlyList<Tensor> Compute(IReadOnlyList<Tensor?> inputs)
    {
        // Nothing that it may differentiate requires a gradient: if a result does, it reads something else.
        IReadOnlyList<Tensor> outputs;
        foreach (var parameter in _parameters) parameter.requires_grad = false;
        try
        {
            outputs = _body([.. inputs.Select(i => i?.detach())]);
        }
        finally
        {
            foreach (var parameter in _parameters) parameter.requires_grad = true;
        }
        if (outputs.Any(o => o.requires_grad))
            throw new InvalidOperationException(
                "What is to be recomputed reads a tensor that requires a gradient and is neither among its inputs nor a parameter of its modules: hand the tensor in as an input, or name the module.");
        return Complete(inputs, outputs, output => output.is_floating_point());
    }

    IReadOnlyList<Tensor> Complete(IReadOnlyList<Tensor?> inputs, IReadOnlyList<Tensor> outputs, Func<Tensor, bool> isDifferentiable)
    {
        if (_parameters.Any(p => p.device_type == DeviceType.META))
            throw new InvalidOperationException("Parameters of what is to be recomputed have no values here. In stage 3 Recompute belongs inside the call of a unit; whole units are recomputed by the option recompute of the trainer and the fabric.");
        _randomAfter = RandomState.Capture();
        // Most calls draw no number: nothing has to be kept of the generators then, nor is touched.
        if (_random!.IsAt(_randomAfter)) _random = _randomAfter = null;
        var results = outputs.Select(o => o.detach()).ToArray();
        _differentiable = [.. Enumerable.Range(0, results.Length).Where(i => isDifferentiable(outputs[i]))];
        _hasGradient = new bool[_differentiable.Length];
        if (_differentiable.Length > 0)
        {
            var made = RecomputedCall.Apply([.. inputs!, .. _parameters, new CallParts(this, [.. inputs], [.. _differentiable.Select(i => results[i])])]);
            for (var k = 0; k < made.Count; k++) results[_differentiable[k]] = made.Count == 1 ? made[k] : NoteGradient(made[k], k);
        }
        _older.UnionWith([.. inputs.OfType<Tensor>(), .. results]);
        foreach (var owned in CurrentDisposeScope?.DisposablesView.ToList() ?? [])
            if (!_older.Contains(owned)) owned.Dispose();
        _older.Clear();
        return results;
    }

    // Of several outputs some may be used by nobody: for those the node is given zeros, from which nothing must be computed.
    Tensor NoteGradient(Tensor result, int k) => GradientHooks.OnGradient(result, _ =>
    {
        _hasGradient[k] = true;
        return null;
    });

    IReadOnlyList<Tensor> Again(IReadOnlyList<Tensor?> inputs)
    {
        var now = _random is null ? null : RandomState.Capture();
        _random?.Restore();
        t_depth++;
        try
        {
            using var autocast = _autocast.Enter();
            var outputs = _body(inputs);
            if (_random is not null) ThrowIfOther(RandomState.Capture());
            return outputs;
        }
        finally
        {
            t_depth--;
            now?.Restore();
        }
    }

    // Who draws nothing now drew nothing before either: others did meanwhile.
    void ThrowIfOther(RandomState after)
    {
        if (after.IsAt(_randomAfter!) || after.IsAt(_random!)) return;
        throw new InvalidOperationException(
            "What is recomputed drew other random numbers than the first time, so its gradients would be those of another function. Either it does not compute the same twice, or another thread drew from libtorch's default generator "
            + "meanwhile: give ranks that draw (dropout) a process each, and threads a generator of their own.");
    }

    /// <summary>The gradients of inputs and parameters, and none for the call itself.</summary>
    /// <param name="inputs">As the node kept them.</param>
    /// <param name="gradients">Of the differentiable outputs; freed.</param>
    IReadOnlyList<Tensor?> Differentiate(IReadOnlyList<Tensor?> inputs, IReadOnlyList<Tensor> gradients)
    {
        if (is_grad_enabled()) throw new NotSupportedException("Gradients of gradients do not go through what is recomputed: leave recomputation out of a pass with createGraph.");
        using var scope = NewDisposeScope();
        using var buffers = new BufferGuard(_modules);
        Tensor?[] leaves;
        using (enable_grad())
        {
            Tensor?[] cut = [.. inputs.Select(i => i?.detach().requires_grad_(i.requires_grad))];
            IReadOnlyList<Tensor> outputs;
            using (var parameters = new ParameterLeaves(_parameters))
            {
                leaves = [.. cut, .. parameters.Leaves];
                outputs = Again(cut);
            }
            var roots = _differentiable.Select((i, k) => (Output: outputs[i], Gradient: gradients[k], Comes: gradients.Count == 1 || _hasGradient[k])).Where(r => r.Comes && r.Output.requires_grad).ToList();
            using var withheld = GradientHooks.Withhold(_parameters);
            if (roots.Count > 0) autograd.backward([.. roots.Select(r => r.Output)], [.. roots.Select(r => r.Gradient)]);
        }
        Array.Clear(_hasGradient);
        Tensor?[] results = [.. leaves.Select(l => l?.grad?.MoveToOuterDisposeScope()), null];
        foreach (var gradient in gradients) gradient.Dispose();
        Backward.Lend(results);
        return results;
    }

    /// <summary>What the node is made of.</summary>
    sealed record CallParts(Recomputation Call, List<Tensor?> Inputs, IReadOnlyList<Tensor> Results);

    /// <summary>The node. TorchSharp keeps one object a function: what belongs to a call travels in its context.</summary>
    sealed class RecomputedCall : CustomMultiFunction<RecomputedCall>
    {
        const string Key = "call";

        protected override IReadOnlyList<Tensor> Evaluate(autograd.AutogradContext context, object[] inputs)
        {
            var made = (CallParts)inputs[^1];
            context.set_materialize_grads(made.Results.Count > 1);
            context.save_for_backward(made.Inputs!);
            context.save_data(Key, made.Call);
            return made.Results;
        }

        protected override IReadOnlyList<Tensor?> Differentiate(autograd.AutogradContext context, IReadOnlyList<Tensor> gradients) =>
            ((Recomputation)context.get_data(Key)).Differentiate(context.get_saved_variables(), gradients);
    }

    /// <summary>Leaves of their own in the place of parameters, while it is open: what flows into them goes no further, and calls nobody back.</summary>
    /// <remarks>Modules that libtorch computes itself go on with their parameters, whose gradients are added where they belong at once; that they are complete is said in the outer pass.</remarks>
    sealed class ParameterLeaves : IDisposable
    {
        readonly List<(Parameter Box, Tensor Original)> _parameters = [];
        readonly List<Tensor> _leaves = [];

        public ParameterLeaves(IReadOnlyList<Parameter> parameters)
        {
            foreach (var parameter in parameters)
            {
                var leaf = parameter.detach().requires_grad_();
                _parameters.Add((parameter, TensorBox.Alias(parameter)));
                _leaves.Add(leaf);
                TensorBox.Point(parameter, leaf);
            }
        }

        public IReadOnlyList<Tensor> Leaves => _leaves;

        public void Dispose()
        {
            foreach (var (box, original) in _parameters)
            {
                TensorBox.Point(box, original);
                original.Dispose();
            }
        }
    }

    /// <summary>Buffers (running statistics, counts of batches) as they are, for when they have been changed once more.</summary>
    sealed class BufferGuard(IReadOnlyList<Module> modules) : IDisposable
    {
        readonly List<(Tensor Buffer, Tensor Value)> _buffers = [.. modules.SelectMany(m => m.buffers()).Select(b => (b, b.detach().clone()))];

        public void Dispose()
        {
            using var none = no_grad();
            foreach (var (buffer, value) in _buffers)
                // What did not change is not written: others may have saved it for their backward.
                using (value)
                    if (!buffer.Equals(value)) buffer.copy_(value);
        }
    }
}
