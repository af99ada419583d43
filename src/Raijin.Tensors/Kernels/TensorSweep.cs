using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>
/// One pass over many CPU tensors by many threads: the update of all parameters, or the sum of squares of all gradients. Threads take the
/// units of the plan in order, one at a time, so that a thread that is held up costs at most one unit.
/// </summary>
sealed unsafe class TensorSweep : KernelJob, IDisposable
{
    // Below this many elements the work ends before a parked worker would have woken up.
    const int AloneBelow = 2 * WorkPlan.UnitElements;

    readonly WorkPlan _plan;
    readonly UpdateKernel _kernel;
    readonly double[] _squares;
    KernelTensor* _tensors;
    bool _measuring;
    int _next;

    public TensorSweep(UpdateKernel kernel, ReadOnlySpan<long> counts)
    {
        _plan = new(counts);
        _kernel = kernel;
        _squares = new double[_plan.Units];
        _tensors = (KernelTensor*)NativeMemory.AlignedAlloc((nuint)(Math.Max(1, counts.Length) * sizeof(KernelTensor)), 64);
        Tensors.Clear();
    }

    /// <summary>The tensors, in the order of the counts given; the owner keeps their pointers valid while a pass runs.</summary>
    public Span<KernelTensor> Tensors => new(_tensors, _plan.Counts.Length);

    /// <summary>Elements of one tensor.</summary>
    public long Count(int tensor) => _plan.Counts[tensor];

    /// <summary>Updates every tensor that has a gradient.</summary>
    public void Update(int threads) => Run(measuring: false, threads);

    /// <summary>Σ g² over all gradients, in an order that depends on their sizes alone; not finite exactly when some element is not.</summary>
    public double SumOfSquares(int threads)
    {
        Run(measuring: true, threads);
        var sum = 0.0;
        foreach (var part in _squares) sum += part;
        return sum;
    }

    void Run(bool measuring, int threads)
    {
        _measuring = measuring;
        _next = 0;
        KernelTeam.Shared.Run(this, _plan.Units * WorkPlan.UnitElements < AloneBelow ? 1 : threads);
    }

    public override void Execute()
    {
        for (var unit = Interlocked.Increment(ref _next) - 1; unit < _plan.Units; unit = Interlocked.Increment(ref _next) - 1)
        {
            if (_measuring)
                _squares[unit] = Measure(unit);
            else
                Update(_plan.Unit(unit));
        }
    }

    void Update(WorkPlan.UnitEnumerator ranges)
    {
        while (ranges.MoveNext())
        {
            ref var tensor = ref _tensors[ranges.Tensor];
            if (tensor.Gradient != null) _kernel.Run(tensor, ranges.Offset, ranges.Count);
        }
    }

    double Measure(int unit)
    {
        var sum = 0.0;
        var ranges = _plan.Unit(unit);
        while (ranges.MoveNext())
        {
            ref var tensor = ref _tensors[ranges.Tensor];
            if (tensor.Gradient == null) continue;
            sum += tensor.GradientIsBFloat16
                ? GradientSquares.Sum((ushort*)tensor.Gradient + ranges.Offset, ranges.Count)
                : GradientSquares.Sum((float*)tensor.Gradient + ranges.Offset, ranges.Count);
        }

        return sum;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_tensors);
        _tensors = null;
    }
}
