using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;

namespace Raijin.Tensors;

/// <summary>
/// Raijin's own kernels at work on many parameters: fp32 and bf16 in contiguous host memory, with gradients of either type. A pass updates
/// all parameters, or sums the squares of all gradients. Threads take the units of the plan in order, one at a time, so that a thread
/// that is held up costs at most one unit.
/// </summary>
sealed unsafe class KernelSweep : KernelJob, IDisposable
{
    // Below this many elements the work is done before another thread would have taken it up.
    const int AloneBelow = 2 * WorkPlan.UnitElements;

    readonly OptimizedParameter[] _parameters;
    readonly OptimizerAlgorithm _algorithm;
    readonly UpdateKernel _kernel;
    readonly int _threads;
    readonly WorkPlan _plan;
    readonly double[] _squares;
    readonly List<(ParameterGroup Group, long Updates, Carried Carried)> _coefficients = [];

    // Of layerwise algorithms: a sum per range of the plan, and per parameter.
    readonly TrustSquares[] _rangeSquares = [];
    readonly TrustSquares[] _parameterSquares = [];
    readonly SumOverParts? _sumOverParts;
    readonly string[] _names = [];
    SweepTensor* _tensors;
    Pass _pass;
    int _next;

    public KernelSweep(OptimizedParameter[] parameters, OptimizerAlgorithm algorithm, int threads, SumOverParts? sumOverParts)
    {
        _parameters = parameters;
        _algorithm = algorithm;
        _kernel = algorithm.CreateKernel(Vector512.IsHardwareAccelerated);
        _plan = new([.. parameters.Select(p => p.Tensor.numel())]);
        _threads = _plan.Units * WorkPlan.UnitElements < AloneBelow ? 1 : threads;
        _squares = new double[_plan.Units];
        if (_kernel is TrustKernel)
        {
            _rangeSquares = new TrustSquares[_plan.Units + parameters.Length];
            _parameterSquares = new TrustSquares[parameters.Length];
            _sumOverParts = sumOverParts;
            _names = [.. parameters.Select(p => p.Name)];
        }

        _tensors = (SweepTensor*)NativeMemory.AllocZeroed((nuint)parameters.Length, (nuint)sizeof(SweepTensor));
        for (var i = 0; i < parameters.Length; i++) _tensors[i].Count = _plan.Counts[i];
    }

    enum Pass
    {
        Update,
        SumSquares,
        MeasureTrust,
    }

    /// <summary>What the last pass found behind a parameter.</summary>
    public GradientFinding Found(int parameter) => _tensors[parameter].Found;

    /// <summary>Updates every parameter that has a usable gradient, and state; of the others only finds out about the gradient.</summary>
    /// <param name="gradientScale">Multiplies each gradient element first; negative to ascend.</param>
    /// <param name="gradientBound">Clamps it to ± this then; infinite for no clamp.</param>
    /// <param name="only">When given, only these are updated.</param>
    public void Update(double gradientScale, double gradientBound, HashSet<OptimizedParameter>? only = null)
    {
        _coefficients.Clear();
        for (var i = 0; i < _parameters.Length; i++)
        {
            var parameter = _parameters[i];
            ref var tensor = ref Visit(i);
            tensor.Updates = parameter.HasSlots && !parameter.NeedsOperators && (only is null || only.Contains(parameter));
            if (!tensor.Updates) continue;
            tensor.Coefficients = Coefficients(parameter);
            if (tensor.S0 == null && tensor.Master == null) BindSlots(ref tensor, parameter);
        }

        _kernel.GradientScale = (float)gradientScale;
        _kernel.GradientBound = (float)gradientBound;
        if (_kernel is TrustKernel trusting)
        {
            Run(Pass.MeasureTrust);
            PrepareTrust(trusting);
        }

        Run(Pass.Update);
    }

    /// <summary>Σ g² over all usable gradients, in an order that depends on their sizes alone; not finite exactly when some element is not.</summary>
    public double SumOfSquares()
    {
        for (var i = 0; i < _parameters.Length; i++) Visit(i);
        Run(Pass.SumSquares);
        var sum = 0.0;
        foreach (var part in _squares) sum += part;
        return sum;
    }

    public override void Execute()
    {
        for (var unit = Interlocked.Increment(ref _next) - 1; unit < _plan.Units; unit = Interlocked.Increment(ref _next) - 1)
        {
            if (_pass == Pass.SumSquares)
                _squares[unit] = Measure(_plan.Unit(unit));
            else if (_pass == Pass.MeasureTrust)
                MeasureTrust((TrustKernel)_kernel, unit);
            else
                Update(_plan.Unit(unit));
        }
    }

    ref SweepTensor Visit(int index)
    {
        var parameter = _parameters[index].Tensor;
        TensorGuard.ThrowIfFreed(parameter, _parameters[index].Name);
        ref var tensor = ref _tensors[index];
        tensor.Handle = parameter.Handle;
        tensor.Found = GradientFinding.None;
        if (!GradientAccess.IsDirect) tensor.AskAhead(parameter);
        return ref tensor;
    }

    void Run(Pass pass)
    {
        _pass = pass;
        _next = 0;
        KernelTeam.Shared.Run(this, _threads);
    }

    void Update(WorkPlan.UnitEnumerator ranges)
    {
        while (ranges.MoveNext())
        {
            ref var tensor = ref _tensors[ranges.Tensor];
            if (tensor.TryFindAll(out var found) && tensor.Updates)
                _kernel.Run(found, ranges.Offset, ranges.Count);
        }
    }

    // From one range to the next the unit, the tensor or both go up by one: their sum numbers the ranges.
    void MeasureTrust(TrustKernel kernel, int unit)
    {
        var ranges = _plan.Unit(unit);
        while (ranges.MoveNext())
        {
            ref var tensor = ref _tensors[ranges.Tensor];
            _rangeSquares[unit + ranges.Tensor] = tensor.TryFindAll(out var found) && tensor.Updates ? kernel.Measure(found, ranges.Offset, ranges.Count) : default;
        }
    }

    // Adds each parameter's sums in order and turns them into its factor.
    void PrepareTrust(TrustKernel kernel)
    {
        Array.Clear(_parameterSquares);
        for (var unit = 0; unit < _plan.Units; unit++)
        {
            var ranges = _plan.Unit(unit);
            while (ranges.MoveNext()) _parameterSquares[ranges.Tensor] += _rangeSquares[unit + ranges.Tensor];
        }

        _sumOverParts?.Invoke(_names, MemoryMarshal.Cast<TrustSquares, double>(_parameterSquares.AsSpan()));
        for (var i = 0; i < _parameters.Length; i++)
        {
            if (!_tensors[i].Updates) continue;
            var scalars = _parameters[i].Scalars;
            var squares = _parameterSquares[i];
            var trust = ((LayerwiseAlgorithm)_algorithm).Trust(scalars, Math.Sqrt(squares.Weights), Math.Sqrt(squares.Direction), _tensors[i].Count);
            kernel.Prepare(_tensors[i].Coefficients, scalars with { Trust = trust });
        }
    }

    double Measure(WorkPlan.UnitEnumerator ranges)
    {
        var sum = 0.0;
        while (ranges.MoveNext())
        {
            if (!_tensors[ranges.Tensor].TryFindGradient(out var gradient)) continue;
            sum += gradient.DType == torch.ScalarType.BFloat16
                ? GradientSquares.Sum((ushort*)gradient.Data + ranges.Offset, ranges.Count)
                : GradientSquares.Sum((float*)gradient.Data + ranges.Offset, ranges.Count);
        }

        return sum;
    }

    void BindSlots(ref SweepTensor tensor, OptimizedParameter parameter)
    {
        var addresses = parameter.SlotAddresses;
        if (_kernel.Slots > 0) tensor.S0 = (float*)addresses[0];
        if (_kernel.Slots > 1) tensor.S1 = (float*)addresses[1];
        if (_kernel.Slots > 2) tensor.S2 = (float*)addresses[2];
        if (parameter.HasMaster) tensor.Master = (float*)addresses[^1];
    }

    // One set of coefficients per group, count of updates and what they left behind; nearly always one per group. Layerwise algorithms have one per parameter.
    int Coefficients(OptimizedParameter parameter)
    {
        for (var i = _coefficients.Count - 1; i >= 0 && _kernel is not TrustKernel; i--)
            if (ReferenceEquals(_coefficients[i].Group, parameter.Group) && _coefficients[i].Updates == parameter.Updates && _coefficients[i].Carried == parameter.Carried) return i;
        _coefficients.Add((parameter.Group, parameter.Updates, parameter.Carried));
        _kernel.Prepare(_coefficients.Count - 1, parameter.Scalars);
        return _coefficients.Count - 1;
    }

    public void Dispose()
    {
        NativeMemory.Free(_tensors);
        _tensors = null;
    }
}
