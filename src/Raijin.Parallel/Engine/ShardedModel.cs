// A step of N ranks over Ψ parameters moves, in units of a ring's volume (Ledger.Volume): stage 0  2Ψ (all-reduce of gradients);
// stages 1, 2  2Ψ (reduce-scatter of gradients, all-gather of parameters); stage 3  3Ψ (all-gather before forward and before backward, reduce-scatter).
// Held per rank with Adam in mixed precision: 16Ψ, 4Ψ + 12Ψ/N, 2Ψ + 14Ψ/N, 16Ψ/N.

using Raijin.Collectives;
using Raijin.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel;

/// <summary>
/// A module whose training state is divided among ranks: ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054), of which data parallelism is stage 0. The module itself stays what it was: the same object, called as before.
/// </summary>
/// <remarks>
/// <para>Every rank makes it of the same module with the same strategy; rank 0's values are everyone's. Then, in each step: backward (through <see cref="Backward"/>), <see cref="FinishBackward"/>, and the optimizers of <see cref="CreateOptimizer"/>.</para>
/// <para>In stage 3 a parameter that nobody computes with is a tensor of the meta device: its shape is there, its values are not. They are inside the calls of the unit it belongs to, and in <see cref="Gather"/>.</para>
/// </remarks>
public sealed partial class ShardedModel : IDisposable
{
    readonly EngineContext _context;
    readonly List<ShardUnit> _units = [];
    readonly Dictionary<nint, ShardedParameter> _byHandle = [];
    readonly Dictionary<string, ShardedParameter> _byName = new(StringComparer.Ordinal);
    readonly List<ShardedOptimizer> _optimizers = [];
    readonly List<TrustSums> _trustSums = [];
    readonly List<OneBitAdamUpdater> _oneBit = [];
    readonly List<(IParameterUpdater Updater, IReadOnlyDictionary<string, Tensor>? Masters)> _updaters = [];
    readonly GradientReducer? _reducer;
    readonly GatherScheduler? _scheduler;
    readonly ShardStore? _store;
    readonly SynchronizedNorms? _norms;
    readonly Group? _normGroup;
    bool _disposed;

    /// <summary>Divides a module.</summary>
    /// <param name="module">On its device, of its final types; rank 0's values become everyone's. On the meta device its parameters are made unit by unit, so that no rank ever holds them all.</param>
    /// <param name="strategy">What is divided.</param>
    /// <param name="world">All ranks that train it; each makes it of the same module.</param>
    /// <param name="initialize">Gives values to a parameter that has none yet, by name and on its device; for a module of the meta device. Rank 0's are taken.</param>
    /// <param name="device">Where the parameters of a module of the meta device will lie; null for the host.</param>
    /// <exception cref="InvalidOptionsException">The strategy can't be; carries every fault.</exception>
    /// <exception cref="ArgumentException">A parameter, or a buffer, has no values and nothing gives it any.</exception>
    /// <exception cref="NotSupportedException">A module on the meta device holds its parameters inside libtorch: an embedding, an LSTM.</exception>
    public ShardedModel(Module module, Strategy strategy, Group world, Action<string, Tensor>? initialize = null, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(strategy);
        ArgumentNullException.ThrowIfNull(world);
        device ??= module.parameters().FirstOrDefault(p => p.device_type != TorchSharp.DeviceType.META)?.device ?? CPU;
        InvalidOptionsException.ThrowIfAny([.. strategy.Faults(world.Size), .. strategy.FaultsOn(device)]);
        NativeModules.ThrowIfMeta(module);
        if (module.named_buffers().FirstOrDefault(b => b.buffer.device_type == TorchSharp.DeviceType.META) is { buffer: not null } hollow)
            throw new ArgumentException($"Buffer '{hollow.name}' is on the meta device and has no values: make buffers on the host.", nameof(module));
        Module = module;
        Strategy = strategy;
        World = world;
        _context = EngineContext.Make(strategy, world, device);
        if (device.type == TorchSharp.DeviceType.CPU)
        {
            // What is gathered and let go must not stay resident.
            if (_context.DividesGradients) NativeHeap.ReturnLargeBlocks();
            else NativeHeap.ReuseLargeBlocks();
        }
        using (no_grad())
        using (NewDisposeScope())
        {
            var planned = UnitPlan.Of(module, strategy);
            _store = MakeStore(planned);
            foreach (var unit in planned) _units.Add(MakeUnit(unit, initialize));
            foreach (var (_, buffer) in module.named_buffers()) Broadcast(buffer);
        }
        _reducer = world.Size == 1 && _store is null ? null : new GradientReducer(_context, strategy.Stage == 3 ? p => _scheduler!.GradientTaken(p) : null);
        // Before the units are watched: a norm that is a unit is still whole when its hook computes with it.
        if (strategy.SyncBatchNorm && world.Size > 1)
        {
            _normGroup = world.Split([.. Enumerable.Range(0, world.Size)], "batch norms");
            _norms = new SynchronizedNorms(module, _normGroup);
        }
        if (_context.DividesParameters)
        {
            _scheduler = new GatherScheduler([.. _units.Where(u => u.State == UnitState.Sharded)], strategy.UnitsAhead(device), _context.Pool);
        }
    }

    /// <summary>The module.</summary>
    public Module Module { get; }

    /// <summary>What is divided.</summary>
    public Strategy Strategy { get; }

    /// <summary>All ranks that train it.</summary>
    public Group World { get; }

    /// <summary>What this rank holds, and what crossed.</summary>
    public Ledger Ledger => _context.Ledger;

    /// <summary>
    /// What losses are multiplied by before backward, and gradients with them (the loss scale of float16), to be said before each pass in which it is another. What a codec keeps of earlier gradients is in the measure of
    /// those, and follows.
    /// </summary>
    /// <value>Default 1.</value>
    public double GradientScale
    {
        get;
        set
        {
            if (!(value > 0) || !double.IsFinite(value)) throw new ArgumentOutOfRangeException(nameof(value), value, "A loss scale is positive and finite.");
            if (value == field) return;
            _context.Gradients.Rescale(value / field);
            field = value;
        }
    } = 1;

    /// <summary>
    /// Whether a rank holds what no other does, so that all of them write a checkpoint of it: parts of the state, or what coded gradients have yet to give back.
    /// </summary>
    public bool HoldsItsOwn => World.Size > 1 && (Strategy.Stage > 0 || Strategy.GradientCodec != GradientCodec.None || _oneBit.Count > 0);

    /// <summary>Names of the units, in the order of the forward pass; what is around others comes before them.</summary>
    public IReadOnlyList<string> Units => [.. _units.Select(u => u.Name)];

    /// <summary>
    /// Makes the optimizer of some of the parameters. Its <see cref="IParameterUpdater.MeasureGradients"/> gives the norm over all ranks; its step updates this rank's part and brings the parts together.
    /// </summary>
    /// <param name="algorithm">What is done to each parameter. From stage 1 on elementwise ones, LAMB and LARS; on several ranks 1-bit Adam in stage 0 alone.</param>
    /// <param name="groups">Parameters of the module.</param>
    /// <param name="options">How it runs; its masters are whole, under the names of <paramref name="groups"/>.</param>
    /// <exception cref="NotSupportedException">The algorithm needs whole tensors, but each rank has parts of them.</exception>
    /// <exception cref="ArgumentException">A parameter is not the module's, or has an optimizer already.</exception>
    public IParameterUpdater CreateOptimizer(OptimizerAlgorithm algorithm, IReadOnlyList<ParameterGroup> groups, FusedOptimizerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        ArgumentNullException.ThrowIfNull(groups);
        ObjectDisposedException.ThrowIf(_disposed, this);
        options ??= new FusedOptimizerOptions();
        var updater = MakeOptimizer(algorithm, groups, options);
        _updaters.Add((updater, options.Masters));
        return updater;
    }

    IParameterUpdater MakeOptimizer(OptimizerAlgorithm algorithm, IReadOnlyList<ParameterGroup> groups, FusedOptimizerOptions options)
    {
        if (_reducer is null) return MakeUpdater(algorithm, groups, options, isMeasuring: false);
        if (algorithm is OneBitAdam oneBit && World.Size > 1)
        {
            if (_context.DividesUpdates) throw new NotSupportedException($"1-bit Adam keeps whole moments on every rank: use it with stage 0, not {Strategy.Stage}.");
            if (Strategy.OffloadOptimizer is Tier.OnDisk) throw new NotSupportedException($"1-bit Adam keeps its moments in memory, not on {Strategy.OffloadOptimizer}.");
            foreach (var (name, parameter) in groups.SelectMany(g => g.Parameters)) Find(name, parameter);
            // It averages momenta itself: gradients stay on the rank.
            var updater = new OneBitAdamUpdater(oneBit, groups, World, options.Masters, _context);
            _oneBit.Add(updater);
            return updater;
        }
        if (_context.DividesUpdates && algorithm.LooksAtWholeTensors)
        {
            if (algorithm is not (Lamb or Lars))
                throw new NotSupportedException(
                    $"{algorithm.GetType().Name} looks at whole tensors, but in stage {Strategy.Stage} each rank updates parts of them. Use data parallelism (stage 0), LAMB or LARS, or an elementwise algorithm such as AdamW.");
            var sums = new TrustSums(_context.ShardGroup, groups.SelectMany(g => g.Parameters.Select(p => p.Key)));
            _trustSums.Add(sums);
            options = options with { SumOverParts = sums.Add };
        }
        var owners = groups.SelectMany(g => g.Parameters.Select(p => (Group: g, p.Key, Parameter: Find(p.Key, p.Value)))).ToList();
        // In the order in which backward completes them: the last units first, what is around them in the end.
        var owned = owners.Select(o => o.Parameter.Buffer).ToHashSet();
        var buffers = _units.SelectMany(u => u.Buffers).Where(owned.Contains).Reverse().ToList();
        _reducer.Add(buffers);
        var pieces = new List<(ParameterGroup, string, ParameterPiece)>();
        var parts = buffers.ToDictionary(b => b, b => b.Pieces.ToDictionary(p => p.Entry));
        foreach (var (group, name, parameter) in owners)
        {
            if (!parts[parameter.Buffer].TryGetValue(parameter.Entry, out var part)) continue;
            parameter.Piece = new ParameterPiece(parameter, part, parameter.Buffer.Shard, parameter.Buffer.Bucket!.Measured);
            pieces.Add((group, name, parameter.Piece));
        }
        using var scope = NewDisposeScope();
        var homes = pieces.Where(p => p.Item3.Owner.Buffer.Stored is not null).ToDictionary(p => p.Item2, p => p.Item3.Owner.Buffer.Stored!, StringComparer.Ordinal);
        var made = new ShardedOptimizer(_context, _reducer, groups, pieces, buffers, (g, isMeasuring) => MakeUpdater(algorithm, g, ForPieces(options, g, pieces), isMeasuring, homes));
        _optimizers.Add(made);
        return made;
    }

    /// <summary>
    /// Has the gradients of some parameters brought together, whole on every rank, for an optimizer that is none of <see cref="CreateOptimizer"/>: one that evaluates the loss again and again, as L-BFGS does.
    /// </summary>
    /// <param name="group">Parameters of the module.</param>
    /// <returns>Forgets these gradients: to be called whenever the parameters' own are cleared.</returns>
    /// <exception cref="NotSupportedException">Each rank has parts of the gradients: from stage 1 on.</exception>
    /// <exception cref="ArgumentException">A parameter is not the module's, or has an optimizer already.</exception>
    public Action ShareGradients(ParameterGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_reducer is null) return static () => { };
        if (_context.DividesUpdates) throw new NotSupportedException($"In stage {Strategy.Stage} each rank has parts of the gradients, but whole ones are asked for: use data parallelism (stage 0).");
        var shared = group.Parameters.Select(p => Find(p.Key, p.Value).Buffer).ToHashSet();
        var buffers = _units.SelectMany(u => u.Buffers).Where(shared.Contains).Reverse().ToList();
        _reducer.Add(buffers);
        return () =>
        {
            foreach (var buffer in buffers) buffer.Bucket!.Clear();
        };
    }

    /// <summary>Ends a backward pass on every rank: reduces the gradients that are still to be, and lets the optimizers see them. Call it after each backward that is not inside <see cref="NoSync"/>.</summary>
    /// <param name="cancellationToken">Gives up waiting, and with it the engine.</param>
    /// <exception cref="CollectiveException">Another rank failed, or did not come.</exception>
    public void FinishBackward(CancellationToken cancellationToken = default)
    {
        _scheduler?.EndPass();
        foreach (var optimizer in _optimizers) optimizer.ReadAhead();
        _reducer?.Finish(cancellationToken);
    }

    /// <summary>Refuses a loss that was computed with parameters whose values were not there. Call it before backward.</summary>
    /// <exception cref="InvalidOperationException">It has no values.</exception>
    public void ThrowIfReleased(Tensor loss)
    {
        TensorGuard.ThrowIfFreed(loss);
        if (loss.device_type != TorchSharp.DeviceType.META) return;
        throw new InvalidOperationException(
            $"The loss has no values: a parameter was used outside the call of its unit, where stage 3 has let its values go. Call modules through call(), not forward(); name parameters that another module uses too (tied weights) in "
            + $"strategy.sharedParameters; or choose units that hold whoever uses a parameter (IShardable). The units: {string.Join(", ", Units.Select(u => u.Length == 0 ? "the model itself" : u))}.");
    }

    /// <summary>
    /// Gradients of the passes inside stay on this rank and add up; the first pass after it reduces their sum. From stage 2 on nothing is kept whole: each pass is reduced by itself, and
    /// <see cref="FinishBackward"/> is called in here too.
    /// </summary>
    public IDisposable NoSync() => new Unsynchronized(_reducer);

    /// <summary>Makes rank 0's buffers (running statistics of batch norms) everyone's, as they are not reduced in training.</summary>
    public void SynchronizeBuffers()
    {
        using var none = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (_, buffer) in Module.named_buffers()) Broadcast(buffer);
    }

    /// <summary>
    /// Gives the module its parameters back, whole and in memory of their own, on every rank, and ends the engine: the module is as one that was never divided. All ranks call it.
    /// </summary>
    public void Restore()
    {
        if (_disposed) return;
        using (no_grad())
        {
            foreach (var unit in _units)
            {
                var isGathered = unit.State != UnitState.Full;
                if (isGathered) unit.Need(CancellationToken.None);
                foreach (var parameter in unit.Parameters)
                {
                    using var own = parameter.Real.detach();
                    using var copy = own.clone();
                    Aten.SetData(parameter.Real, copy);
                }
                if (!isGathered) continue;
                // What was gathered goes before the next unit comes: no rank holds the model twice.
                unit.Done();
                foreach (var parameter in unit.Parameters) parameter.Show();
            }
        }
        Dispose();
    }

    /// <summary>Ends the engine, without a word to the other ranks. Parameters that were divided have no values afterwards, unless <see cref="Restore"/> was called.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var parameter in _byName.Values) GradientAccess.ClearGradient(parameter.Real);
        foreach (var optimizer in _optimizers) optimizer.Dispose();
        foreach (var sums in _trustSums) sums.Dispose();
        _scheduler?.Dispose();
        _norms?.Dispose();
        _normGroup?.Dispose();
        _reducer?.Dispose();
        foreach (var unit in _units) unit.Dispose();
        _store?.Dispose();
        _context.Dispose();
    }

    // On a disk also what one rank has all of.
    bool IsDivided(PlannedUnit planned) => _context.DividesParameters && (_context.NumShards > 1 || Strategy.OffloadParameters is Tier.OnDisk) && planned.Module is not null;

    ShardStore? MakeStore(IReadOnlyList<PlannedUnit> planned)
    {
        if (Strategy.OffloadParameters is not Tier.OnDisk disk) return null;
        var units = planned.Where(IsDivided).Select(unit => (unit.Name, (IReadOnlyList<(ScalarType, long)>)[.. unit.Parameters
            .GroupBy(p => (p.Parameter.dtype, p.Parameter.requires_grad))
            .Select(kind => (kind.Key.dtype, new FlatLayout(kind.Select(p => (p.Name, (IReadOnlyList<long>)p.Parameter.shape)), _context.NumShards).SliceElements))])).ToList();
        return units.Count == 0 ? null : new(disk.Folder, units, ShardStore.NumLeases + Strategy.UnitsAhead(_context.Device), bytes => _context.ShardGroup.Allocate(bytes, ScalarType.Byte), Ledger, Strategy.OffloadThreads);
    }

    ShardUnit MakeUnit(PlannedUnit planned, Action<string, Tensor>? initialize)
    {
        var isDivided = IsDivided(planned);
        var parameters = new List<ShardedParameter>();
        foreach (var (name, parameter) in planned.Parameters)
        {
            var sharded = new ShardedParameter(name, parameter, isDivided, _context.Device);
            parameters.Add(sharded);
            _byHandle.Add(parameter.Handle, sharded);
            _byName.Add(name, sharded);
        }
        var kinds = parameters.GroupBy(p => (p.DType, p.IsTrainable)).ToList();
        var buffers = new List<FlatBuffer>();
        foreach (var kind in kinds)
        {
            var name = kinds.Count == 1 ? planned.Name : $"{planned.Name} ({kind.Key.DType}{(kind.Key.IsTrainable ? "" : ", frozen")})";
            var buffer = new FlatBuffer(_context, name, [.. kind], isDivided);
            foreach (var parameter in kind.Where(p => p.WasMeta))
            {
                if (initialize is null) throw new ArgumentException($"Parameter '{parameter.Name}' is on the meta device and has no values: give an initializer.", nameof(initialize));
                initialize(parameter.Name, parameter.Real);
            }
            Broadcast(buffer.Full);
            buffers.Add(buffer);
        }
        var unit = new ShardUnit(_context, planned.Name, planned.Module, buffers, isDivided ? _store?[planned.Name] : null);
        if (isDivided) unit.Divide();
        return unit;
    }

    void Broadcast(Tensor tensor)
    {
        if (World.Size == 1 || tensor.NumberOfElements == 0) return;
        if (tensor.is_contiguous())
        {
            World.Broadcast(tensor.view(-1), root: 0);
            return;
        }
        var flat = tensor.contiguous().view(-1);
        World.Broadcast(flat, root: 0);
        tensor.copy_(flat.view(tensor.shape));
    }

    ShardedParameter Find(string name, Parameter parameter)
    {
        if (!_byHandle.TryGetValue(parameter.Handle, out var found))
            throw new ArgumentException($"Parameter '{name}' is not one of the module that was divided: make the optimizer of the module's own parameters.", nameof(parameter));
        if (found.Piece is not null) throw new ArgumentException($"Parameter '{name}' has an optimizer already.", nameof(parameter));
        if (!found.IsTrainable) throw new ArgumentException($"Parameter '{name}' was frozen when the module was divided: let it require a gradient before.", nameof(parameter));
        return found;
    }

    // One that only measures never has state. Where parameters come and go their state may stay.
    IParameterUpdater MakeUpdater(OptimizerAlgorithm algorithm, IReadOnlyList<ParameterGroup> groups, FusedOptimizerOptions options, bool isMeasuring, IReadOnlyDictionary<string, StoredShards>? homes = null)
    {
        var disk = Strategy.OffloadOptimizer as Tier.OnDisk;
        if (isMeasuring || (disk is null && _store is null)) return new FusedOptimizer(algorithm, groups, options);
        return new TieredOptimizer(algorithm, groups, new TieredOptimizerOptions
        {
            Folder = disk?.Folder ?? "",
            OffloadRatio = disk is null ? 0 : Strategy.OffloadRatio,
            Threads = options.Threads,
            DiskThreads = Strategy.OffloadThreads,
            Masters = options.Masters,
            Homes = homes,
            Ledger = Ledger,
        });
    }

    // Masters of pieces are parts of the masters.
    FusedOptimizerOptions ForPieces(FusedOptimizerOptions options, IReadOnlyList<ParameterGroup> groups, IReadOnlyList<(ParameterGroup Group, string Name, ParameterPiece Piece)> pieces)
    {
        if (options.Masters is null || groups.Any(g => g.Parameters.Any(p => _byHandle.ContainsKey(p.Value.Handle)))) return options with { AllowEmptyGroups = true };
        var masters = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (_, name, piece) in pieces)
            if (options.Masters.TryGetValue(name, out var whole)) masters[name] = whole.view(-1).narrow(0, piece.Start, piece.Values.NumberOfElements).DetachFromDisposeScope();
        return options with { AllowEmptyGroups = true, Masters = masters };
    }

    sealed class Unsynchronized : IDisposable
    {
        readonly GradientReducer? _reducer;
        readonly bool _before;

        public Unsynchronized(GradientReducer? reducer)
        {
            _reducer = reducer;
            if (reducer is null) return;
            _before = reducer.Synchronizes;
            reducer.Synchronizes = false;
        }

        public void Dispose()
        {
            if (_reducer is not null) _reducer.Synchronizes = _before;
        }
    }
}
