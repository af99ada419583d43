using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Keeps an average of weights: an exponential one, or the mean (SWA). An update is one pass over memory for all tensors on all cores, 12 bytes an fp32 weight. Averages are fp32, of bf16 and fp16
/// weights too (fp64 of fp64 ones); tensors of integers (a batch norm's counter) are copied.
/// </summary>
/// <remarks>
/// The weights stay where they are when averages are put in their place: optimizers and graphs that point at them go on working. Like the optimizers', these writes do not advance autograd's version counters. fp32 and
/// bf16 weights in contiguous host memory exchange places with their averages; of others a copy is kept meanwhile. Not thread-safe.
/// </remarks>
public sealed class WeightAverager : IDisposable
{
    readonly string[] _names;
    readonly Tensor[] _weights;
    readonly Tensor[] _averages;
    readonly Tensor _slab;
    readonly AverageSweep _sweep;

    // Of the weights that kernels could not exchange, while the averages are in.
    readonly Tensor?[] _held;
    bool _disposed;

    /// <summary>Makes an averager whose averages start at the weights.</summary>
    /// <param name="weights">Name and tensor, each once: parameters, and buffers where they are to be averaged too. Borrowed: they must outlive the averager.</param>
    /// <param name="averaging">How the averages follow.</param>
    /// <param name="threads">Threads that share an update, at least 1. Default null: as many as libtorch's operators use now.</param>
    /// <exception cref="ArgumentException">There is no tensor, or a name or a tensor occurs twice, or one is complex or quantised.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The averaging or the number of threads is outside its range.</exception>
    public WeightAverager(IEnumerable<KeyValuePair<string, Tensor>> weights, Averaging averaging, int? threads = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(averaging);
        if (threads is { } count) ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof(threads));
        averaging.Validate();
        Averaging = averaging;
        KeyValuePair<string, Tensor>[] all = [.. weights];
        Check(all);
        _names = Array.ConvertAll(all, pair => pair.Key);
        _weights = Array.ConvertAll(all, pair => pair.Value);
        _held = new Tensor?[all.Length];
        (_slab, _averages) = Allocate(_weights);
        using (no_grad())
            for (var i = 0; i < all.Length; i++) _averages[i].copy_(_weights[i]);
        _sweep = new(_weights, Array.ConvertAll(_averages, Address), threads ?? get_num_threads());
    }

    /// <summary>How the averages follow the weights.</summary>
    public Averaging Averaging { get; }

    /// <summary>Updates so far.</summary>
    public long Updates { get; private set; }

    /// <summary>Whether the averages are in the place of the weights.</summary>
    public bool AveragesAreIn { get; private set; }

    /// <summary>Moves the averages towards the weights as they are now. No tensor and no managed memory is made for fp32 and bf16 weights in contiguous host memory.</summary>
    /// <exception cref="InvalidOperationException">The averages are in the place of the weights.</exception>
    public void Update()
    {
        ThrowIfUnusable();
        var share = Averaging.Share(Updates);
        _sweep.Run(AverageSweep.Job.Update, share);
        if (!_sweep.DidAll) UpdateOthers(share);
        Updates++;
    }

    /// <summary>Puts the averages into the weights, for an evaluation or an export; without effect when they are in. Until <see cref="UseWeights"/> the weights must not be written by anyone.</summary>
    public void UseAverages()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (AveragesAreIn) return;
        _sweep.Run(AverageSweep.Job.SwapIn);
        if (!_sweep.DidAll) PutOthersIn();
        AveragesAreIn = true;
    }

    /// <summary>Puts the weights back, bit for bit; without effect when they are in place.</summary>
    /// <exception cref="InvalidOperationException">A tensor has moved to other memory of another kind since.</exception>
    public void UseWeights()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!AveragesAreIn) return;
        AveragesAreIn = false;
        _sweep.Run(AverageSweep.Job.SwapBack);
        if (!_sweep.DidAll) PutOthersBack();
    }

    /// <summary>The state as it is: live averages, borrowed.</summary>
    /// <exception cref="InvalidOperationException">The averages are in the place of the weights.</exception>
    public WeightAveragerState CaptureState()
    {
        ThrowIfUnusable();
        return new(Updates, [.. _names.Zip(_averages, KeyValuePair.Create)]);
    }

    /// <summary>Takes over a state by names, in any order; values are copied.</summary>
    /// <param name="state">Borrowed; any device, and any dtype.</param>
    /// <exception cref="ArgumentException">Names or shapes differ; nothing was changed.</exception>
    /// <exception cref="InvalidOperationException">The averages are in the place of the weights.</exception>
    public void LoadState(WeightAveragerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        ThrowIfUnusable();
        var saved = new Dictionary<string, Tensor>(state.Averages, StringComparer.Ordinal);
        string[] faults =
        [
            .. _names.Except(saved.Keys).Select(name => $"missing: {name}"),
            .. saved.Keys.Except(_names).Select(name => $"unexpected: {name}"),
            .. _names.Zip(_weights).Where(pair => saved.TryGetValue(pair.First, out var average) && !average.shape.SequenceEqual(pair.Second.shape))
                .Select(pair => $"{pair.First}: [{string.Join(", ", saved[pair.First].shape)}], but the weights are [{string.Join(", ", pair.Second.shape)}]"),
        ];
        if (faults.Length > 0)
            throw new ArgumentException($"The saved averages do not fit these weights: {string.Join("; ", faults.Take(8))}{(faults.Length > 8 ? $"; and {faults.Length - 8} more" : "")}.", nameof(state));
        using var none = no_grad();
        for (var i = 0; i < _names.Length; i++) _averages[i].copy_(saved[_names[i]]);
        Updates = state.Updates;
    }

    // By libtorch's operators, one call for each device and dtype.
    void UpdateOthers(double share)
    {
        using var none = no_grad();
        using var scope = NewDisposeScope();
        var floating = new List<int>();
        for (var i = 0; i < _weights.Length; i++)
        {
            if (_sweep.Did(i)) continue;
            if (_averages[i].is_floating_point())
                floating.Add(i);
            else
                _averages[i].copy_(_weights[i]);
        }

        foreach (var alike in floating.GroupBy(i => (_averages[i].device.ToString(), _averages[i].dtype)))
            Foreach.Lerp([.. alike.Select(i => _averages[i])], [.. alike.Select(i => _weights[i].to(_averages[i].dtype))], share);
    }

    void PutOthersIn()
    {
        using var none = no_grad();
        for (var i = 0; i < _weights.Length; i++)
        {
            if (_sweep.Did(i)) continue;
            _held[i] = _weights[i].clone().DetachFromDisposeScope();
            _weights[i].copy_(_averages[i]);
        }
    }

    void PutOthersBack()
    {
        using var none = no_grad();
        for (var i = 0; i < _weights.Length; i++)
        {
            if (_sweep.Did(i)) continue;
            if (_held[i] is not { } held)
                throw new InvalidOperationException($"'{_names[i]}' was contiguous fp32 or bf16 host memory when its average was put in, and is no more: call UseWeights() before moving or converting a module.");
            _weights[i].copy_(held);
            held.Dispose();
            _held[i] = null;
        }
    }

    static nint Address(Tensor average) =>
        average.dtype == ScalarType.Float32 && TensorAccess.TryGetHostMemory(average, out var memory) ? memory.Data : 0;

    // The averages of fp32 and half-precision host tensors lie in one block, on 2 MB pages where the system grants them.
    static (Tensor Slab, Tensor[] Averages) Allocate(Tensor[] weights)
    {
        const int CacheLine = 16;
        using var none = no_grad();
        var slab = empty(weights.Where(InSlab).Sum(Padded), ScalarType.Float32).DetachFromDisposeScope();
        HugePages.Advise(slab);
        var averages = new Tensor[weights.Length];
        long offset = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            if (!InSlab(weights[i]))
            {
                averages[i] = empty_like(weights[i], dtype: weights[i].dtype == ScalarType.Float16 || weights[i].dtype == ScalarType.BFloat16 ? ScalarType.Float32 : weights[i].dtype, requires_grad: false).DetachFromDisposeScope();
                continue;
            }

            using var range = slab.narrow(0, offset, weights[i].numel());
            averages[i] = range.view(weights[i].shape).DetachFromDisposeScope();
            offset += Padded(weights[i]);
        }

        return (slab, averages);

        static long Padded(Tensor tensor) => (tensor.numel() + CacheLine - 1) / CacheLine * CacheLine;
    }

    static bool InSlab(Tensor tensor) =>
        tensor.device_type == DeviceType.CPU && tensor.is_contiguous() && tensor.dtype is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16;

    void ThrowIfUnusable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (AveragesAreIn) throw new InvalidOperationException("The averages are in the place of the weights: call UseWeights() first.");
    }

    static void Check(KeyValuePair<string, Tensor>[] weights)
    {
        if (weights.Length == 0) throw new ArgumentException("An averager needs at least one tensor.", nameof(weights));
        var names = new HashSet<string>(StringComparer.Ordinal);
        var owners = new Dictionary<nint, string>();
        foreach (var (name, tensor) in weights)
        {
            ArgumentException.ThrowIfNullOrEmpty(name);
            TensorGuard.ThrowIfFreed(tensor, name);
            if (!names.Add(name)) throw new ArgumentException($"Two tensors are named '{name}'.", nameof(weights));
            if (!owners.TryAdd(tensor.Handle, name)) throw new ArgumentException($"'{name}' is the same tensor as '{owners[tensor.Handle]}'.", nameof(weights));
            if (tensor.is_complex() || !(tensor.is_floating_point() || tensor.is_integral() || tensor.dtype == ScalarType.Bool))
                throw new ArgumentException($"'{name}' has dtype {tensor.dtype}; only real and integer tensors can be averaged.", nameof(weights));
        }
    }

    /// <summary>Frees the averages. Weights that hold their averages keep them.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _sweep.Dispose();
        foreach (var average in _averages) average.Dispose();
        foreach (var held in _held) held?.Dispose();
        _slab.Dispose();
    }
}
