using Raijin.Collectives;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

// g this rank's gradients, N ranks:
//   t ≤ freeze:  ḡ = Σ g / N;  m ← β₁m + (1 - β₁)ḡ;  v ← β₂v + (1 - β₂)ḡ²
//   after it:    m ← 1-bit mean over ranks of (β₁m + (1 - β₁)g), with the errors of both of its hops kept
//   p ← p - lr · (m / (√v + ε) + λp),  the first term 0 where v = 0: an element that had no gradient before the freeze (the row of a token not seen yet) has signs, but no measure for them.
// Cost a step after the freeze: some n / 4 bytes where an all-reduce of fp32 has 4n. Memory: m, v and the worker's errors, 12 bytes a parameter, and the server's, 4 / N.

/// <summary>
/// <see cref="OneBitAdam"/> on the ranks of a group, which all hold all parameters (stage 0). It is given each rank's own gradients and reduces them itself: nobody reduces them before.
/// </summary>
/// <remarks>
/// Every parameter is updated at every step; one without a gradient counts as zero. The state is the same on all ranks; what the codec keeps is each rank's own (<see cref="SaveTensors"/>).
/// </remarks>
sealed class OneBitAdamUpdater : IParameterUpdater
{
    // Bits come by the byte, and slices by the rank.
    const int Grain = 32;
    const string Bucket = "momentum";

    readonly OneBitAdam _algorithm;
    readonly Group _group;
    readonly CodedGradientExchange _exchange;
    readonly EngineContext? _context;

    // Never stepped: it checks the parameters, measures and clears gradients, and compares states.
    readonly FusedOptimizer _whole;
    readonly Entry[] _entries;
    readonly Tensor _gradients;
    readonly Tensor _momentum;
    readonly Tensor _variance;
    readonly Tensor? _masters;
    readonly Tensor _square;
    readonly long _count;
    bool _disposed;

    /// <summary>Makes an updater. All ranks of the group make it, over the same parameters.</summary>
    /// <param name="algorithm">Hyper-parameters.</param>
    /// <param name="groups">As for <see cref="FusedOptimizer"/>.</param>
    /// <param name="group">The ranks; borrowed.</param>
    /// <param name="masters">fp32 values, by parameter name, that masters of half-precision parameters start from; null: from the parameters themselves.</param>
    /// <param name="context">The engine in whose books it is; null for none.</param>
    public OneBitAdamUpdater(OneBitAdam algorithm, IReadOnlyList<ParameterGroup> groups, Group group, IReadOnlyDictionary<string, Tensor>? masters = null, EngineContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        ArgumentNullException.ThrowIfNull(group);
        _whole = new(algorithm, groups, new() { UseLibtorchOnly = true });
        _algorithm = algorithm;
        _group = group;
        _context = context;
        _exchange = new(group, new OneBitCodec());
        using var none = no_grad();
        _count = groups.Sum(g => g.Parameters.Sum(p => p.Value.numel()));
        var grain = (long)Grain * group.Size;
        var padded = (_count + grain - 1) / grain * grain;
        _gradients = group.Allocate(padded, ScalarType.Float32).DetachFromDisposeScope();
        _momentum = zeros(padded, ScalarType.Float32).DetachFromDisposeScope();
        _variance = zeros(padded, ScalarType.Float32).DetachFromDisposeScope();
        _square = zeros(1, ScalarType.Float64).DetachFromDisposeScope();
        if (groups.Any(g => g.Parameters.Any(p => p.Value.dtype != ScalarType.Float32))) _masters = zeros(padded, ScalarType.Float32).DetachFromDisposeScope();
        long offset = 0;
        var entries = new List<Entry>();
        foreach (var parameters in groups)
        {
            foreach (var (name, parameter) in parameters.Parameters)
            {
                Tensor? master = null;
                if (parameter.dtype != ScalarType.Float32)
                {
                    master = View(_masters!, offset, parameter);
                    master.copy_(masters?.GetValueOrDefault(name) ?? parameter);
                }
                entries.Add(new(name, parameter, parameters, View(_gradients, offset, parameter), View(_momentum, offset, parameter), View(_variance, offset, parameter), master));
                offset += parameter.numel();
            }
        }
        _entries = [.. entries];
        _context?.Ledger.Allocated(BufferKind.Bucket, BytesOf(_gradients));
        _context?.Ledger.Allocated(BufferKind.OptimizerState, StateBytes);
    }

    /// <inheritdoc/>
    public OptimizerAlgorithm Algorithm => _algorithm;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterGroup> Groups => _whole.Groups;

    /// <inheritdoc/>
    public long Updates { get; private set; }

    /// <inheritdoc/>
    /// <remarks>What the codec keeps is not among it.</remarks>
    public long StateBytes => _entries.Sum(e => e.Slots.Count * e.Parameter.numel() * sizeof(float));

    /// <summary>Whether the second moment stands still, and momenta cross as signs.</summary>
    public bool IsCompressing => Updates >= _algorithm.FreezeStep;

    /// <inheritdoc/>
    public void Step(double gradientScale = 1.0, double clipValue = double.PositiveInfinity)
    {
        if (!double.IsFinite(gradientScale))
            throw new ArgumentOutOfRangeException(nameof(gradientScale), gradientScale, "The gradient scale must be finite: a step with overflown gradients is to be skipped.");
        if (!(clipValue > 0))
            throw new ArgumentOutOfRangeException(nameof(clipValue), clipValue, "The clip value must be positive.");
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Groups.FirstOrDefault(g => g.Momentum is not null) is { } cycled)
            throw new InvalidOperationException($"Parameter group '{cycled.Name}' has a momentum of its own, but 1-bit Adam has one for all: leave ParameterGroup.Momentum null.");
        using var none = no_grad();
        using var scope = NewDisposeScope();
        Collect(_algorithm.Maximize ? -gradientScale : gradientScale, clipValue);
        if (IsCompressing)
        {
            _momentum.mul_(_algorithm.Beta1).add_(_gradients, alpha: 1 - _algorithm.Beta1);
            foreach (var call in _exchange.CallsToAllReduce(_momentum)) _context?.Post(BufferKind.Gradients, call);
            _exchange.AllReduce(Bucket, _momentum).Wait();
            // The padding has signs too; what is saved has no padding.
            _momentum.narrow(0, _count, _momentum.NumberOfElements - _count).zero_();
        }
        else
        {
            _context?.Post(BufferKind.Gradients, new(_group, CollectiveKind.AllReduce, BytesOf(_gradients)));
            _group.AllReduce(_gradients, ReduceOp.Mean);
            _momentum.mul_(_algorithm.Beta1).add_(_gradients, alpha: 1 - _algorithm.Beta1);
            _variance.mul_(_algorithm.Beta2).addcmul_(_gradients, _gradients, value: 1 - _algorithm.Beta2);
        }
        foreach (var entry in _entries) Update(entry);
        Updates++;
        _context?.Ledger.EndStep();
    }

    /// <summary>
    /// Reads all gradients once. The norm is the root mean square over ranks of the norms of their own gradients: the mean gradient is known to nobody before the step, and its norm is no larger.
    /// </summary>
    public GradientNorm MeasureGradients()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var mine = _whole.MeasureGradients();
        using var none = no_grad();
        _square.fill_(mine.Norm * mine.Norm);
        _group.AllReduce(_square, ReduceOp.Mean);
        return mine with { Norm = Math.Sqrt(_square.item<double>()) };
    }

    /// <inheritdoc/>
    public void ClearGradients() => _whole.ClearGradients();

    /// <inheritdoc/>
    public OptimizerState CaptureState()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var groups = Groups.Select(g => new ParameterGroupState(g.Name, g.LearningRate, g.WeightDecay, g.Momentum));
        var begun = Updates == 0 ? [] : _entries;
        return new(new(Algorithm, Updates, [.. groups], begun.ToDictionary(e => e.Name, _ => Updates, StringComparer.Ordinal)), begun.SelectMany(e => e.Slots.Select(s => ($"{e.Name}/{s.Key}", s.Value))));
    }

    /// <inheritdoc/>
    public OptimizerStateDifference LoadState(OptimizerState state, bool strict = true)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var difference = _whole.CompareState(state);
        if (strict && !difference.IsEmpty) throw new OptimizerStateMismatchException(difference);
        using var none = no_grad();
        foreach (var entry in _entries)
        {
            var saved = state.Slots(entry.Name);
            foreach (var (name, slot) in entry.Slots)
            {
                if (saved.TryGetValue(name, out var tensor) && tensor.shape.SequenceEqual(slot.shape)) slot.copy_(tensor);
                else if (ReferenceEquals(slot, entry.Master)) slot.copy_(entry.Parameter);
                else slot.zero_();
            }
        }
        foreach (var group in Groups)
        {
            if (state.Scalars.Groups.FirstOrDefault(g => g.Name == group.Name) is not { } saved) continue;
            (group.LearningRate, group.WeightDecay, group.Momentum) = (saved.LearningRate, saved.WeightDecay, saved.Momentum);
        }
        Updates = state.Scalars.Updates;
        return difference;
    }

    /// <summary>What this rank's codec keeps from step to step; belongs to the state of a run, rank by rank.</summary>
    public IReadOnlyList<(string Key, Tensor Tensor)> SaveTensors() => _exchange.SaveTensors();

    /// <summary>Takes over what <see cref="SaveTensors"/> gave on this rank.</summary>
    public void LoadTensors(IReadOnlyDictionary<string, Tensor> tensors) => _exchange.LoadTensors(tensors);

    /// <inheritdoc/>
    public void UseEvaluationWeights()
    {
    }

    /// <inheritdoc/>
    public void UseTrainingWeights()
    {
    }

    /// <summary>Frees the state; parameters and gradients stay.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _context?.Ledger.Freed(BufferKind.Bucket, BytesOf(_gradients));
        _context?.Ledger.Freed(BufferKind.OptimizerState, StateBytes);
        _exchange.Dispose();
        _whole.Dispose();
        foreach (var entry in _entries) entry.Dispose();
        _gradients.Dispose();
        _momentum.Dispose();
        _variance.Dispose();
        _masters?.Dispose();
        _square.Dispose();
    }

    void Collect(double scale, double bound)
    {
        _gradients.zero_();
        foreach (var entry in _entries)
            if (GradientAccess.HasGradient(entry.Parameter)) GradientAccess.MoveTo(entry.Parameter, entry.Gradient, add: false);
        _gradients.mul_(scale);
        if (double.IsFinite(bound)) _gradients.clamp_(-bound, bound);
    }

    void Update(Entry entry)
    {
        var (rate, decay) = (entry.Group.LearningRate, entry.Group.WeightDecay);
        var weights = entry.Master ?? entry.Parameter;
        // A master follows what others wrote to its parameter.
        if (entry.Master is { } master) master.copy_(where(master.to(entry.Parameter.dtype).ne(entry.Parameter), entry.Parameter.to(ScalarType.Float32), master));
        if (decay != 0) weights.mul_(1 - (rate * decay));
        weights.addcdiv_(entry.Momentum, entry.Variance.sqrt().add_(_algorithm.Epsilon).masked_fill_(entry.Variance.eq(0), double.PositiveInfinity), -rate);
        if (entry.Master is not null) entry.Parameter.copy_(weights);
    }

    static long BytesOf(Tensor flat) => flat.NumberOfElements * sizeof(float);

    static Tensor View(Tensor flat, long offset, Tensor like)
    {
        using var range = flat.narrow(0, offset, like.numel());
        return range.view(like.shape).DetachFromDisposeScope();
    }

    sealed record Entry(string Name, Tensor Parameter, ParameterGroup Group, Tensor Gradient, Tensor Momentum, Tensor Variance, Tensor? Master) : IDisposable
    {
        public IReadOnlyList<KeyValuePair<string, Tensor>> Slots { get; } =
            Master is null ? [new("exp_avg", Momentum), new("exp_avg_sq", Variance)] : [new("exp_avg", Momentum), new("exp_avg_sq", Variance), new("master", Master)];

        public void Dispose()
        {
            Gradient.Dispose();
            Momentum.Dispose();
            Variance.Dispose();
            Master?.Dispose();
        }
    }
}
