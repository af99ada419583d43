using static TorchSharp.torch;

namespace Raijin.Tensors;

// Nocedal and Wright 2006, algorithms 7.4 and 7.5: the direction is -H·g, H the inverse Hessian that the last steps sₖ and changes of the gradient yₖ imply, never formed: two loops over the pairs.
// Dot products and losses are in double; their order of additions does not depend on threads.

/// <summary>
/// Limited-memory BFGS, for losses that are the same function at each evaluation (the whole data set, no dropout). A step runs up to <see cref="LbfgsOptions.MaxIterations"/> iterations and calls
/// the closure at least once in each. Iterates, stopping rules and defaults are those of <c>torch.optim.LBFGS</c>.
/// </summary>
/// <remarks>Memory: 2·<see cref="LbfgsOptions.History"/> + 3 times the parameters, 4 more with a line search. Not thread-safe.</remarks>
public sealed partial class Lbfgs : IDisposable
{
    // Below this, yᵀs says nothing about the curvature.
    const double LeastCurvature = 1e-10;

    readonly Tensor[] _parameters;
    readonly string[] _names;
    readonly FlatVector _gradient;
    readonly FlatVector _direction;
    readonly FlatVector _previous;
    readonly List<Pair> _pairs = [];
    readonly double[] _alphas;
    readonly Action? _forget;
    FlatVector? _start;
    FlatVector[] _trials = [];
    double _step;
    double _scale = 1;
    double _loss;
    bool _disposed;

    /// <summary>Makes an optimizer.</summary>
    /// <param name="options">How it runs.</param>
    /// <param name="group">The parameters, all fp32 or all fp64 and on one device; weight decay 0. Borrowed: they must outlive the optimizer.</param>
    /// <param name="forget">Called whenever gradients are cleared, by whoever else keeps them: where ranks bring theirs together. Null: nobody does.</param>
    /// <exception cref="ArgumentException">There is no parameter, or dtypes or devices differ or are not supported, or the group has weight decay.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range.</exception>
    public Lbfgs(LbfgsOptions options, ParameterGroup group, Action? forget = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(group);
        options.Validate();
        Check(group);
        Options = options;
        Group = group;
        _forget = forget;
        _parameters = [.. group.Parameters.Select(p => p.Value)];
        _names = [.. group.Parameters.Select(p => p.Key)];
        _gradient = new(_parameters);
        _direction = new(_parameters);
        _previous = new(_parameters);
        _alphas = new double[options.History];
    }

    /// <summary>A step s, the change y of the gradient along it, and 1/yᵀs.</summary>
    sealed record Pair(FlatVector Step, FlatVector Change)
    {
        public double Inverse { get; set; }

        public void Dispose()
        {
            Step.Dispose();
            Change.Dispose();
        }
    }

    /// <summary>How it runs.</summary>
    public LbfgsOptions Options { get; }

    /// <summary>The parameters; the learning rate may be set between steps.</summary>
    public ParameterGroup Group { get; }

    /// <summary>Calls of <see cref="Step"/> so far.</summary>
    public long Updates { get; private set; }

    /// <summary>Iterations so far, over all steps.</summary>
    public long Iterations { get; private set; }

    /// <summary>Evaluations of the loss so far.</summary>
    public long Evaluations { get; private set; }

    /// <summary>Runs iterations until a stopping rule holds. The last gradients are left in the parameters.</summary>
    /// <param name="closure">Computes the loss, runs backward and returns the loss; gradients are cleared before each call. Called with gradients enabled as they are on this thread.</param>
    /// <returns>The loss before the step.</returns>
    public double Step(Func<double> closure)
    {
        ArgumentNullException.ThrowIfNull(closure);
        ObjectDisposedException.ThrowIf(_disposed, this);
        var before = Evaluate(closure, _gradient);
        Updates++;
        if (_gradient.LargestMagnitude() <= Options.GradientTolerance) return before;
        var limit = Options.MaxEvaluations ?? Options.MaxIterations * 5 / 4;
        var (loss, evaluations) = (before, 1);
        for (var iteration = 1; iteration <= Options.MaxIterations; iteration++)
        {
            Iterations++;
            FindDirection();
            _previous.Flat.copy_(_gradient.Flat);
            _loss = loss;
            _step = Group.LearningRate * (Iterations == 1 ? Math.Min(1, 1 / _gradient.SumOfMagnitudes()) : 1);
            var slope = _gradient.Dot(_direction);
            if (slope > -Options.ChangeTolerance) break;

            var last = iteration == Options.MaxIterations;
            if (Options.StrongWolfe)
            {
                (loss, var searched) = Search(closure, loss, slope);
                evaluations += searched;
            }
            else
            {
                Move(_step);
                // The next step evaluates here in any case.
                if (last) break;
                loss = Evaluate(closure, _gradient);
                evaluations++;
            }

            if (last || evaluations >= limit || _gradient.LargestMagnitude() <= Options.GradientTolerance) break;
            if (_direction.LargestMagnitude() * _step <= Options.ChangeTolerance || Math.Abs(loss - _loss) < Options.ChangeTolerance) break;
        }

        return before;
    }

    /// <summary>Sets every gradient to none, which releases its memory.</summary>
    public void ClearGradients()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (var parameter in _parameters) GradientAccess.ClearGradient(parameter);
        _forget?.Invoke();
    }

    void FindDirection()
    {
        using var none = no_grad();
        if (Iterations > 1) Remember();
        _direction.Flat.copy_(_gradient.Flat).neg_();
        for (var k = _pairs.Count - 1; k >= 0; k--)
        {
            _alphas[k] = _pairs[k].Step.Dot(_direction) * _pairs[k].Inverse;
            _direction.Flat.add_(_pairs[k].Change.Flat, -_alphas[k]);
        }

        _direction.Flat.mul_(_scale);
        for (var k = 0; k < _pairs.Count; k++)
            _direction.Flat.add_(_pairs[k].Step.Flat, _alphas[k] - (_pairs[k].Change.Dot(_direction) * _pairs[k].Inverse));
    }

    // The pair of the last iteration takes the memory of the oldest when the history is full.
    void Remember()
    {
        // Nobody needs the last direction and gradient after this: they become the pair where they are.
        _direction.Flat.mul_(_step);
        _previous.Flat.neg_().add_(_gradient.Flat);
        var curvature = _previous.Dot(_direction);
        if (!(curvature > LeastCurvature)) return;
        var full = _pairs.Count == Options.History;
        var pair = full ? _pairs[0] : new(new(_parameters), new(_parameters));
        if (full) _pairs.RemoveAt(0);
        pair.Change.Flat.copy_(_previous.Flat);
        pair.Step.Flat.copy_(_direction.Flat);
        pair.Inverse = 1 / curvature;
        _scale = curvature / pair.Change.Dot(pair.Change);
        _pairs.Add(pair);
    }

    (double Loss, int Evaluations) Search(Func<double> closure, double loss, double slope)
    {
        _start ??= new(_parameters);
        if (_trials.Length == 0) _trials = [.. Enumerable.Range(0, WolfeSearch.Gradients).Select(_ => new FlatVector(_parameters))];
        using (no_grad()) Foreach.Copy(_start.Parts, _parameters);
        var search = new WolfeSearch(Try, new(0, loss, slope, -1), _direction.LargestMagnitude(), Options.ChangeTolerance);
        var found = search.Find(_step);
        using var none = no_grad();
        if (found.Gradient >= 0) _gradient.Flat.copy_(_trials[found.Gradient].Flat);
        _step = found.Step;
        MoveFromStart(_step);
        return (found.Loss, search.Evaluations);

        WolfeSearch.Point Try(double step, int gradient)
        {
            MoveFromStart(step);
            var there = Evaluate(closure, _trials[gradient]);
            return new(step, there, _trials[gradient].Dot(_direction), gradient);
        }
    }

    void MoveFromStart(double step)
    {
        using (no_grad()) Foreach.Copy(_parameters, _start!.Parts);
        Move(step);
    }

    void Move(double step)
    {
        using var none = no_grad();
        Foreach.Add(_parameters, _direction.Parts, step);
    }

    double Evaluate(Func<double> closure, FlatVector gradient)
    {
        ClearGradients();
        Evaluations++;
        var loss = closure();
        using var none = no_grad();
        using var scope = NewDisposeScope();
        for (var i = 0; i < _parameters.Length; i++)
        {
            if (_parameters[i].grad is { } own)
                gradient.Parts[i].copy_(own);
            else
                gradient.Parts[i].zero_();
        }

        return loss;
    }

    static void Check(ParameterGroup group)
    {
        if (group.Parameters.Count == 0) throw new ArgumentException($"Parameter group '{group.Name}' has no parameters.", nameof(group));
        if (group.WeightDecay != 0) throw new ArgumentException($"Parameter group '{group.Name}' has weight decay {group.WeightDecay}; L-BFGS has none: add the penalty to the loss.", nameof(group));
        var first = group.Parameters[0].Value;
        foreach (var (name, parameter) in group.Parameters)
        {
            TensorGuard.ThrowIfFreed(parameter, name);
            if (parameter.dtype is not (ScalarType.Float32 or ScalarType.Float64))
                throw new ArgumentException($"Parameter '{name}' has dtype {parameter.dtype}; L-BFGS needs Float32 or Float64.", nameof(group));
            if (parameter.dtype != first.dtype || parameter.device.ToString() != first.device.ToString())
                throw new ArgumentException($"Parameter '{name}' is {parameter.dtype} on {parameter.device}, '{group.Parameters[0].Key}' is {first.dtype} on {first.device}; L-BFGS needs one dtype and device.", nameof(group));
        }
    }

    /// <summary>Frees the state; parameters and gradients stay.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var pair in _pairs) pair.Dispose();
        foreach (var trial in _trials) trial.Dispose();
        _gradient.Dispose();
        _direction.Dispose();
        _previous.Dispose();
        _start?.Dispose();
    }
}
