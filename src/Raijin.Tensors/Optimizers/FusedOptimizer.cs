using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Updates all parameters of all groups in one pass over memory. Unscaling, clipping by value and the factor of a clip by norm ride along in that
/// pass; the norm itself costs one pass that only reads gradients. Results are those of <c>torch.optim</c> (docs/design/optimizers.md
/// gives the tolerances); bf16 and fp16 parameters are updated through fp32 masters.
/// </summary>
/// <remarks>
/// A step makes no tensor and allocates no managed memory for contiguous fp32 and bf16 host parameters. Writing parameters does not
/// advance autograd's version counters: a graph recorded before a step must not be run backward after it. Not thread-safe.
/// </remarks>
public sealed partial class FusedOptimizer : IParameterUpdater
{
    readonly OptimizedParameter[] _parameters;
    readonly KernelSweep? _kernels;
    readonly LibtorchUpdate _libtorch;
    readonly List<OptimizedParameter> _byKernels;
    readonly List<OptimizedParameter> _byLibtorch = [];
    readonly List<Tensor> _slabs = [];
    readonly IReadOnlyDictionary<string, Tensor>? _masters;
    readonly Tensor? _stateMemory;
    readonly bool _carries;
    readonly bool _hasParts;
    long _stateMemoryUsed;
    bool _disposed;

    /// <summary>Makes an optimizer; state is allocated when a parameter first has a gradient.</summary>
    /// <param name="algorithm">What is done to each parameter.</param>
    /// <param name="groups">At least one; names and parameters unique, parameters floating-point leaves. Borrowed: the parameters must outlive the optimizer.</param>
    /// <param name="options">How it runs; null for the defaults.</param>
    /// <exception cref="ArgumentException">A group is empty, or a group name, a parameter name or a parameter occurs twice, or a parameter is not a leaf or not floating-point.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A hyper-parameter of the algorithm, or the number of threads, is outside its range.</exception>
    /// <exception cref="NotSupportedException">The algorithm is L-BFGS.</exception>
    public FusedOptimizer(OptimizerAlgorithm algorithm, IReadOnlyList<ParameterGroup> groups, FusedOptimizerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        ArgumentNullException.ThrowIfNull(groups);
        options ??= new();
        algorithm.Validate();
        var threads = options.Threads ?? get_num_threads();
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1, nameof(options));

        Algorithm = algorithm;
        _carries = algorithm.CarriedNames.Count > 0;
        _masters = options.Masters;
        _stateMemory = options.StateMemory is { } memory ? Checked(memory) : null;
        Groups = [.. groups];
        _parameters = Collect(Groups, algorithm, options.AllowEmptyGroups);
        _byKernels = new(_parameters.Length);
        _hasParts = options.SumOverParts is not null;
        if (_hasParts && options.UseLibtorchOnly) throw new ArgumentException("Libtorch's operators know nothing of parts of tensors: give one of UseLibtorchOnly and SumOverParts.", nameof(options));
        _kernels = options.UseLibtorchOnly ? null : new(_parameters, algorithm, threads, options.SumOverParts);
        _libtorch = new(algorithm);
    }

    /// <summary>What is done to each parameter.</summary>
    public OptimizerAlgorithm Algorithm { get; }

    /// <summary>The parameter groups; their learning rates and weight decays may be set between steps.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>How many calls of <see cref="Step"/> updated at least one parameter.</summary>
    public long Updates { get; private set; }

    /// <inheritdoc/>
    public long StateBytes => _parameters.Sum(p => p.Slots.Sum(s => s.NumberOfElements * s.ElementSize));

    /// <summary>Elements of <see cref="FusedOptimizerOptions.StateMemory"/> that hold state: a range from its beginning, which grows when a parameter has its first gradient.</summary>
    public long StateMemoryUsed => _stateMemoryUsed;

    /// <summary>
    /// Updates every parameter that has a gradient, with clamp(gradient × <paramref name="gradientScale"/>, ±<paramref name="clipValue"/>) in its
    /// gradient's place. The gradients themselves stay as they are.
    /// </summary>
    /// <param name="gradientScale">Finite. Default 1.</param>
    /// <param name="clipValue">Positive. Default infinite: no clamp.</param>
    /// <exception cref="NotSupportedException">A gradient is sparse.</exception>
    /// <exception cref="InvalidOperationException">The evaluation weights are in.</exception>
    public void Step(double gradientScale = 1.0, double clipValue = double.PositiveInfinity)
    {
        if (!double.IsFinite(gradientScale))
            throw new ArgumentOutOfRangeException(nameof(gradientScale), gradientScale, "The gradient scale must be finite: a step with overflown gradients is to be skipped.");
        if (!(clipValue > 0))
            throw new ArgumentOutOfRangeException(nameof(clipValue), clipValue, "The clip value must be positive.");
        ObjectDisposedException.ThrowIf(_disposed, this);
        ThrowIfEvaluating();
        var scale = Algorithm.Maximize ? -gradientScale : gradientScale;
        if (_hasParts)
        {
            UpdateParts(scale, clipValue);
        }
        else
        {
            _kernels?.Update(scale, clipValue);
            Sort(updating: true);
            if (_byKernels.Count + _byLibtorch.Count == 0) return;
            if (AllocateMissingSlots() is { } fresh) _kernels?.Update(scale, clipValue, fresh);
        }
        _libtorch.Update(_byLibtorch, scale, clipValue);
        foreach (var parameter in _byKernels) Advance(parameter);
        foreach (var parameter in _byLibtorch) Advance(parameter);
        if (_byKernels.Count + _byLibtorch.Count > 0) Updates++;
    }

    /// <summary>Reads all gradients once. Nothing is written, and no value depends on the number of threads.</summary>
    /// <exception cref="NotSupportedException">A gradient is sparse.</exception>
    public GradientNorm MeasureGradients()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var squares = _kernels?.SumOfSquares() ?? 0;
        Sort(updating: false);
        squares += LibtorchUpdate.SumOfSquares(_byLibtorch);
        return new(Math.Sqrt(squares), _byKernels.Count + _byLibtorch.Count);
    }

    /// <summary>Sets every gradient to none, which releases its memory.</summary>
    public void ClearGradients()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (var parameter in _parameters)
            GradientAccess.ClearGradient(parameter.Tensor);
    }

    /// <summary>Frees the state; parameters and gradients stay.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _kernels?.Dispose();
        foreach (var parameter in _parameters) parameter.Dispose();
        foreach (var held in _heldWeights) held?.Dispose();
        foreach (var slab in _slabs) slab.Dispose();
    }

    // Everybody's parts are summed once: state is there before, and who has no part takes part.
    void UpdateParts(double scale, double clipValue)
    {
        _kernels!.SumOfSquares();
        Sort(updating: true);
        if (_byLibtorch.Count > 0) throw new NotSupportedException($"'{_byLibtorch[0].Name}' is a part of a tensor and {Algorithm.GetType().Name} scales steps by norms of whole ones: that needs contiguous host memory of fp32 or bf16.");
        AllocateMissingSlots();
        _kernels.Update(scale, clipValue);
    }

    void Advance(OptimizedParameter parameter)
    {
        if (_carries) parameter.Carried = Algorithm.At(parameter.Scalars).Carry(parameter.Scalars);
        parameter.Updates++;
    }

    // Who works on the parameters that have a gradient, after the kernels' pass.
    void Sort(bool updating)
    {
        _byKernels.Clear();
        _byLibtorch.Clear();
        for (var i = 0; i < _parameters.Length; i++)
        {
            var parameter = _parameters[i];
            var found = _kernels?.Found(i) ?? (GradientAccess.HasGradient(parameter.Tensor) ? GradientFinding.Other : GradientFinding.None);
            if (found == GradientFinding.Usable && !(updating && parameter.NeedsOperators))
            {
                _byKernels.Add(parameter);
            }
            else if (found != GradientFinding.None)
            {
                RefuseSparse(parameter);
                _byLibtorch.Add(parameter);
            }
        }
    }

    // The parameters whose first gradient this is; null when there is none.
    HashSet<OptimizedParameter>? AllocateMissingSlots()
    {
        if (_byKernels.TrueForAll(p => p.HasSlots) && _byLibtorch.TrueForAll(p => p.HasSlots)) return null;
        var fresh = _byKernels.Concat(_byLibtorch).Where(p => !p.HasSlots).ToHashSet();
        AllocateSlots([.. fresh]);
        return fresh;
    }

    void AllocateSlots(IReadOnlyList<OptimizedParameter> parameters)
    {
        if (_stateMemory is null) _slabs.Add(StateSlab.Allocate(parameters, Algorithm));
        else StateSlab.Allocate(parameters, Algorithm, _stateMemory, ref _stateMemoryUsed);
        if (_masters is null) return;
        using var gradients = no_grad();
        foreach (var parameter in parameters)
            if (parameter.HasMaster && _masters.TryGetValue(parameter.Name, out var original)) parameter.Slots[^1].copy_(original);
    }

    static Tensor Checked(Tensor memory)
    {
        if (memory.dtype != ScalarType.Float32 || memory.dim() != 1 || !TensorAccess.TryGetHostMemory(memory, out _))
            ShapeMismatchException.Throw("state memory", "flat, contiguous Float32 on the host", $"[{string.Join(", ", memory.shape)}] {memory.dtype} on {memory.device}");
        return memory;
    }

    static void RefuseSparse(OptimizedParameter parameter)
    {
        using var gradient = parameter.Tensor.grad!;
        if (gradient.is_sparse)
            throw new NotSupportedException($"The gradient of parameter '{parameter.Name}' is sparse; make the layer with sparse: false.");
    }

    static OptimizedParameter[] Collect(IReadOnlyList<ParameterGroup> groups, OptimizerAlgorithm algorithm, bool allowEmpty)
    {
        if (groups.Count == 0) throw new ArgumentException("An optimizer needs at least one parameter group.", nameof(groups));
        var groupNames = new HashSet<string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var owners = new Dictionary<nint, string>();
        var all = new List<OptimizedParameter>();
        foreach (var group in groups)
        {
            if (!groupNames.Add(group.Name))
                throw new ArgumentException($"Two parameter groups are named '{group.Name}'.", nameof(groups));
            if (group.Parameters.Count == 0 && !allowEmpty)
                throw new ArgumentException($"Parameter group '{group.Name}' has no parameters.", nameof(groups));
            foreach (var (name, parameter) in group.Parameters)
            {
                Check(name, parameter, group);
                if (!names.Add(name))
                    throw new ArgumentException($"Two parameters are named '{name}', the second in group '{group.Name}'.", nameof(groups));
                if (!owners.TryAdd(parameter.Handle, name))
                    throw new ArgumentException($"Parameter '{name}' in group '{group.Name}' is the same tensor as '{owners[parameter.Handle]}'.", nameof(groups));
                all.Add(new(name, parameter, group) { NeedsOperators = algorithm.NeedsOperators(name, parameter.shape) });
            }
        }

        return [.. all];
    }

    static void Check(string name, Parameter parameter, ParameterGroup group)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        TensorGuard.ThrowIfFreed(parameter, name);
        if (!parameter.is_leaf)
            throw new ArgumentException($"Parameter '{name}' in group '{group.Name}' is not a leaf: it is the result of an operation, and gets no gradient of its own.", nameof(group));
        if (!parameter.is_floating_point())
            throw new ArgumentException($"Parameter '{name}' in group '{group.Name}' has dtype {parameter.dtype}; only floating-point parameters can be optimized.", nameof(group));
    }
}
