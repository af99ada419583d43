using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>
/// Collects gradients while backward goes on and reduces them bucket by bucket, in one order on every rank: a bucket is begun as soon as it and all before it are complete. What stays incomplete (a parameter that got no
/// gradient in this pass) waits for <see cref="Finish"/>, where ranks agree on which parameters have a gradient at all.
/// </summary>
/// <remarks>
/// A step costs one all-reduce of a byte a parameter besides the buckets. A parameter that no rank has a gradient of gets none, as on one rank; one that only some ranks have counts as zero on the others.
/// </remarks>
sealed class GradientReducer : IDisposable
{
    readonly EngineContext _context;
    readonly List<GradientBucket> _buckets = [];
    readonly List<ShardedParameter> _parameters = [];
    readonly List<IDisposable> _hooks = [];
    readonly Queue<GradientBucket> _underWay = new();
    readonly Action<ShardedParameter>? _taken;
    Tensor? _presence;
    byte[] _mine = [];
    byte[] _present = [];
    bool _isAgreed;
    BucketRing? _ring;
    int _next;

    /// <param name="context">The engine's.</param>
    /// <param name="taken">Told of each gradient after it was taken.</param>
    public GradientReducer(EngineContext context, Action<ShardedParameter>? taken)
    {
        _context = context;
        _taken = taken;
    }

    /// <summary>Whether passes are reduced; when not, gradients stay on this rank and add up.</summary>
    public bool Synchronizes
    {
        get;
        set
        {
            field = value;
            foreach (var bucket in _buckets) bucket.ExpectAll();
        }
    } = true;

    public IReadOnlyList<GradientBucket> Buckets => _buckets;

    /// <summary>Reduces the gradients of these buffers too, in this order, from the next pass on.</summary>
    public void Add(IReadOnlyList<FlatBuffer> buffers)
    {
        var added = buffers.Where(b => b.Bucket is null).ToList();
        if (added.Count == 0) return;
        if (_context.DividesGradients)
        {
            // Ring buffers serve every bucket: as large as the largest.
            var largest = added.Max(b => b.FullBytes);
            if (_ring is null || _ringBytes < largest)
            {
                _ring?.Dispose();
                // The host computes while it waits in neither case; an accelerator copies one while it fills the other.
                _ring = new BucketRing(_context, largest, _context.Device.type == TorchSharp.DeviceType.CPU ? 1 : 2);
                _ringBytes = largest;
            }
        }
        foreach (var buffer in added)
        {
            buffer.Bucket = new GradientBucket(_context, buffer, _ring);
            _buckets.Add(buffer.Bucket);
            foreach (var parameter in buffer.Parameters)
            {
                parameter.Index = _parameters.Count;
                _parameters.Add(parameter);
                // The callback is given the same object each time: nothing is allocated in a pass.
                _hooks.Add(GradientHooks.OnReady(parameter.Real, _ => OnReady(parameter)));
            }
        }
        _presence?.Dispose();
        _presence = _context.Control.Allocate(_parameters.Count, ScalarType.Byte).DetachFromDisposeScope();
        _mine = new byte[_parameters.Count];
        _present = new byte[_parameters.Count];
        _isAgreed = false;
    }

    long _ringBytes;

    void OnReady(ShardedParameter parameter)
    {
        var bucket = parameter.Buffer.Bucket!;
        bucket.Take(parameter, isNext: _next < _buckets.Count && ReferenceEquals(_buckets[_next], bucket));
        // Ranks that compare their calls wait for each other at each: then all are made in Finish, where they stand in one order.
        if ((Synchronizes || _context.DividesGradients) && !_context.World.Options.CheckCalls)
        {
            while (_next < _buckets.Count && _buckets[_next].IsComplete && _buckets[_next].State == BucketState.Filling && HasRoom()) LaunchNext();
            if (_underWay.Count > 0) _context.Gradients.Progress();
        }
        _taken?.Invoke(parameter);
    }

    // Backward never waits for another rank, which may have no pass of its own and wait in Finish: what finds no buffer is left to Finish too.
    bool HasRoom()
    {
        if (_ring is null || _ring.CanLease || _buckets[_next].HasLease) return true;
        if (!_underWay.Peek().TryComplete()) return false;
        _underWay.Dequeue();
        return true;
    }

    /// <summary>Ends a pass: reduces what is left, and gives each parameter's reduced gradient to whoever updates it.</summary>
    public void Finish(CancellationToken cancellation)
    {
        if (_buckets.Count == 0 || !(Synchronizes || _context.DividesGradients)) return;
        Agree(cancellation);
        while (_next < _buckets.Count)
        {
            if (IsPresent(_buckets[_next])) LaunchNext(cancellation);
            else _next++;
        }
        while (_underWay.TryDequeue(out var bucket)) bucket.Complete(cancellation);
        _next = 0;
        foreach (var parameter in _parameters)
        {
            parameter.Buffer.Bucket!.Show(parameter, _present[parameter.Index] != 0);
            parameter.Piece?.Show(_present[parameter.Index] != 0);
        }
    }

    void LaunchNext(CancellationToken cancellation = default)
    {
        var bucket = _buckets[_next++];
        if (_ring is { CanLease: false } && !bucket.HasLease) _underWay.Dequeue().Complete(cancellation);
        bucket.Launch();
        _underWay.Enqueue(bucket);
    }

    /// <summary>Whether some rank has a gradient of it, as was agreed on last.</summary>
    public bool IsPresent(ShardedParameter parameter) => _present[parameter.Index] != 0;

    bool IsPresent(GradientBucket bucket)
    {
        foreach (var parameter in bucket.Buffer.Parameters)
            if (_present[parameter.Index] != 0) return true;
        return false;
    }

    // A byte a parameter: 1 where some rank has a gradient of it.
    void Agree(CancellationToken cancellation)
    {
        if (_context.Strategy.StaticGraph && _isAgreed)
        {
            foreach (var parameter in _parameters) ThrowIfChanged(parameter);
            return;
        }
        foreach (var parameter in _parameters)
            _mine[parameter.Index] = (byte)(parameter.Buffer.Bucket!.IsFilled(parameter.Entry) ? 1 : 0);
        Write(_mine, _presence!);
        // Buckets that are under way go on meanwhile: ranks wait for each other once.
        _context.Control.AllReduceAsync(_presence!, Collectives.ReduceOp.Max).Wait(_context.Gradients.Group, cancellation);
        Read(_presence!, _present);
        _isAgreed = true;
    }

    static void Write(byte[] values, Tensor into)
    {
        if (HostTensor.TryOpen(into, out var host))
        {
            using (host) values.CopyTo(host.Span<byte>());
            return;
        }
        using var none = no_grad();
        using var copy = tensor(values);
        into.copy_(copy);
    }

    static void Read(Tensor from, byte[] values)
    {
        if (HostTensor.TryOpen(from, out var host))
        {
            using (host) host.Span<byte>().CopyTo(values);
            return;
        }
        using var copy = from.cpu();
        copy.data<byte>().CopyTo(values);
    }

    void ThrowIfChanged(ShardedParameter parameter)
    {
        var has = parameter.Buffer.Bucket!.IsFilled(parameter.Entry);
        if (has == (_mine[parameter.Index] != 0)) return;
        throw new InvalidOperationException(
            $"strategy.staticGraph says that every step gives the same parameters a gradient, but {parameter.Name} {(has ? "has one now and had none" : "has none now and had one")} in the first: leave staticGraph out.");
    }

    public void Dispose()
    {
        foreach (var hook in _hooks) hook.Dispose();
        _presence?.Dispose();
        _ring?.Dispose();
    }
}
