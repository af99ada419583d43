using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Tensors;
using Raijin.Training;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>
/// The small verb set under the <see cref="Trainer"/>, usable alone in a loop of your own: set up a model and its optimizer, take batches, run
/// backward, step, save, load. It owns device, precision, seeding, clipping and lifetimes; the loop is yours.
/// </summary>
public sealed class Fabric : IDisposable
{
    readonly FabricOptions _options;
    readonly List<RunOptimizer> _optimizers = [];
    readonly Dictionary<Module, Dictionary<string, Tensor>> _fullPrecision = new(ReferenceEqualityComparer.Instance);
    readonly List<ShardedModel> _sharded = [];
    readonly World? _ownWorld;
    Tensor? _seedGradient;
    double _seedScale;
    long _steps;

    Fabric(FabricOptions options)
    {
        _options = options;
        InvalidOptionsException.ThrowIfAny(options.Faults());
        var world = RankWorld.Of(options.Ranks, options.World, options.Device, "fabric");
        // One rank may divide nothing, but offload.
        if (world is null && options.Strategy is not null) world = _ownWorld = World.Single(options.Ranks.Group);
        Peers = new Peers(world);
        Device = RankWorld.DeviceOf(options.Device, world);
        if (options.Precision.ScalesLoss)
        {
            if (Device.type == TorchSharp.DeviceType.CPU)
                InvalidOptionsException.ThrowIfAny([new("fabric.precision", $"= {options.Precision} on the CPU, where float16 matmuls run at 0.4 GFLOP/s: use bfloat16 or float32")]);
            Scaler = new LossScaler(options.LossScale);
        }
        Logger = options.Logger ?? NullLogger.Instance;
    }

    /// <summary>The device everything set up lives on.</summary>
    public Device Device { get; }

    /// <summary>The arithmetic.</summary>
    public Precision Precision => _options.Precision;

    /// <summary>This rank's number among all, from 0.</summary>
    public int Rank => Peers.Rank;

    /// <summary>How many ranks train together.</summary>
    public int WorldSize => Peers.Size;

    /// <summary>Whether this is the rank that writes and prints for all.</summary>
    public bool IsRankZero => Peers.IsFirst;

    /// <summary>The group of all ranks, for collectives of your own. Every rank makes the same calls in the same order.</summary>
    /// <exception cref="InvalidOperationException">This rank is alone.</exception>
    public Group Group => Peers.World?.Group ?? throw new InvalidOperationException("One rank trains alone: there is no group. Ask for WorldSize first.");

    /// <summary>Where messages go.</summary>
    public ILogger Logger { get; }

    internal Peers Peers { get; }

    internal LossScaler? Scaler { get; }

    /// <summary>Whether the next backward passes bring the ranks' gradients together; else they stay here until one does.</summary>
    internal bool Synchronizes { get; set; } = true;

    /// <summary>Whether the ranks' gradients came together since this was last set to false.</summary>
    internal bool HasJoined { get; set; }

    /// <summary>Whether something set up here shares its training with other ranks, or is laid out to.</summary>
    internal bool Shares => _sharded.Count > 0;

    /// <summary>Whether gradients lie divided, so that each backward pass meets the other ranks, synchronizing or not.</summary>
    internal bool ReducesEachPass => !Peers.IsAlone && _options.Strategy is { Stage: >= 2 };

    /// <summary>Whether each rank holds only a part of the training state.</summary>
    internal bool IsDivided => !Peers.IsAlone && _options.Strategy is { Stage: > 0 };

    /// <summary>Whether a forward pass meets the other ranks, because parameters lie divided among them.</summary>
    internal bool GathersInForward => !Peers.IsAlone && _options.Strategy is { Stage: 3 };

    internal IReadOnlyList<RunOptimizer> AllOptimizers => _optimizers;

    /// <summary>Makes a fabric: resolves the device and seeds the generators.</summary>
    /// <exception cref="InvalidOptionsException">The options can't be; carries every fault.</exception>
    public static Fabric Launch(FabricOptions? options = null)
    {
        options ??= new FabricOptions();
        LibTorch.EnsureLoaded();
        var fabric = new Fabric(options);
        if (options.Seed is { } seed) fabric.Peers.SeedRank(seed);
        return fabric;
    }

    /// <summary>Moves a model to the device and gives its weights the precision's dtype. The same object comes back.</summary>
    public TModule Setup<TModule>(TModule module) where TModule : Module
    {
        ArgumentNullException.ThrowIfNull(module);
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        if (Precision.ConvertsWeights)
        {
            // All ranks' masters start from the first one's weights.
            foreach (var parameter in module.parameters()) Peers.TakeFirst(parameter);
            // The optimizer's masters start from the weights as they were, not from their rounded copies.
            var originals = module.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter.detach().to(ScalarType.Float32, copy: true).DetachFromDisposeScope());
            _fullPrecision[module] = originals;
            module.to(Precision.Compute);
        }
        module.to(Device);
        if (Peers.World is { } world) _sharded.Add(new ShardedModel(module, _options.Strategy ?? Zero.Stage0, world.Group));
        return module;
    }

    /// <summary>Sets up a model and the optimizer that <paramref name="configure"/> asks for: <c>fabric.Setup(new Gpt(options), m => Optimizers.AdamW(m, 3e-4))</c>.</summary>
    /// <exception cref="ArgumentException">It asks for several: use <see cref="SetupOptimizers"/>.</exception>
    public (TModule Model, RunOptimizer Optimizer) Setup<TModule>(TModule module, Func<TModule, OptimizerSetup> configure) where TModule : Module
    {
        ArgumentNullException.ThrowIfNull(configure);
        Setup(module);
        var setup = configure(module);
        if (setup.Requests.Count != 1)
            throw new ArgumentException($"One optimizer is expected here, {setup.Requests.Count} were configured: call Setup(module) and then SetupOptimizers.", nameof(configure));
        return (module, SetupOptimizers(setup)[0]);
    }

    /// <summary>Makes the optimizers of models that are set up. The fabric frees them.</summary>
    /// <exception cref="InvalidOptionsException">A module has nothing to train, or a schedule needs what the run does not know (its number of steps, the steps of an epoch) or the optimizer does not have (a momentum).</exception>
    public IReadOnlyList<RunOptimizer> SetupOptimizers(OptimizerSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        var faults = new List<OptionFault>();
        var stage = Peers.World is null ? 0 : _options.Strategy?.Stage ?? 0;
        foreach (var request in setup.Requests)
        {
            var key = $"optimizer {request.Algorithm.GetType().Name} of {request.Module.GetName()}";
            if (!request.Module.parameters().Any(p => p.requires_grad)) faults.Add(new(key, "has no parameter to train: none wants a gradient"));
            faults.AddRange(request.ScheduleFaults(_options.TotalSteps, _options.StepsPerEpoch).Select(fault => new OptionFault(key, fault)));
            if (stage > 0 && request.Algorithm.LooksAtWholeTensors && request.Algorithm is not LbfgsOptions)
                faults.Add(new(key, $"needs each parameter whole (its norm, its rows, its singular values), but stage {stage} cuts parameters where ranks meet: give strategy ddp, or an optimizer that works element by element, such as AdamW"));
            if (request.Algorithm is not LbfgsOptions) continue;
            if (request.Groups().Count > 1 || request.WeightDecay != 0) faults.Add(new(key, "minimises one function of all parameters: leave out groups and weight decay, and add a penalty to the loss instead"));
            if (_options.ClipGradients != Clip.None) faults.Add(new(key, $"can't have its gradients clipped (clipGradients = {_options.ClipGradients}): its line search trusts them; leave clipping out"));
            if (!Peers.IsAlone) faults.Add(new(key, $"searches along a line by one rank's loss, but {Peers.Size} ranks train: leave it to one rank"));
            if (Scaler is not null || Precision.ConvertsWeights) faults.Add(new(key, $"needs float32 or float64 weights, not precision = {Precision}"));
        }
        InvalidOptionsException.ThrowIfAny(faults);

        var made = new List<RunOptimizer>();
        foreach (var request in setup.Requests)
        {
            foreach (var pattern in request.UnmatchedPatterns())
                Logger.LogWarning("The pattern {Pattern} matches no parameter of {Module}: it has no effect.", pattern, request.Module.GetName());
            made.Add(new RunOptimizer(request, _options.ClipGradients, Scaler, _options.TotalSteps, _options.StepsPerEpoch, Updater(request)));
        }
        _optimizers.AddRange(made);
        return made;
    }

    /// <summary>The batches of an epoch, each on the device and in the right dtype, freed when the next one is asked for. Of several ranks each gets its own share of the loader.</summary>
    public IEnumerable<TBatch> Batches<TBatch>(DataLoader<TBatch> loader, long epoch = 0, long firstBatch = 0) where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(loader);
        if (WorldSize > 1) loader = loader.Shard(Rank, WorldSize);
        using var reader = loader.Open(epoch, firstBatch);
        using var scope = TensorScope.Open();
        while (reader.MoveNext())
        {
            yield return Place(reader.Current);
            scope.Free();
        }
    }

    /// <summary>Opens a step: a scope in which intermediates are freed at its end.</summary>
    public FabricStep Step() => new(_steps++);

    /// <summary>
    /// Opens a look at a model: evaluation mode, no gradients, and a scope that frees what is made in it. Everything is as before when it is disposed: <c>using (fabric.Evaluate(model)) …</c>
    /// </summary>
    public FabricEvaluation Evaluate(Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new(model);
    }

    /// <summary>Runs the forward pass in the precision's arithmetic: <c>using (fabric.Forward()) loss = model.call(x)</c>. Needed for the autocast precisions only.</summary>
    public ForwardScope Forward() => Precision.UsesAutocast ? new(Autocast.Enter(Device.type, Precision.Compute)) : default;

    /// <summary>Accumulates gradients of the loss (times <paramref name="scale"/>) into the parameters. Whatever a hook or a custom function throws comes out here.</summary>
    /// <param name="loss">A scalar with a gradient; borrowed.</param>
    /// <param name="scale">A factor on the gradients, such as 1 / the number of accumulated microbatches.</param>
    public void Backward(Tensor loss, double scale = 1.0)
    {
        TensorGuard.ThrowIfFreed(loss);
        if (Scaler is not null) scale *= Scaler.Scale;
        var seed = scale == 1.0 ? null : SeedGradient(loss, scale);
        if (_sharded.Count == 0)
        {
            Tensors.Backward.Run(loss, seed);
            return;
        }
        if (Synchronizes)
        {
            Tensors.Backward.Run(loss, seed);
            JoinGradients();
            return;
        }
        var held = _sharded.ConvertAll(model => model.NoSync());
        try
        {
            Tensors.Backward.Run(loss, seed);
            if (ReducesEachPass) JoinGradients();
        }
        finally
        {
            foreach (var model in held) model.Dispose();
        }
    }

    /// <summary>Brings together the gradients that wait here with those of the other ranks, all of which call it: what the last synchronizing backward has left over.</summary>
    internal void JoinGradients()
    {
        foreach (var model in _sharded) model.FinishBackward();
        HasJoined = true;
    }

    /// <summary>What holds a model that several ranks train: whole or local values of its parameters, gradients and state, and what was moved for it. Null where this rank holds all of it.</summary>
    /// <param name="module">A model that was set up, or a part of one.</param>
    public ShardedModel? Sharded(Module module) => _sharded.Find(s => ReferenceEquals(s.Module, module) || s.Module.named_modules().Any(m => ReferenceEquals(m.module, module)));

    UpdaterFactory Updater(OptimizerRequest request)
    {
        var masters = MastersOf(request.Module);
        if (Sharded(request.Module) is { } sharded) return (algorithm, groups) => sharded.CreateOptimizer(algorithm, groups, new FusedOptimizerOptions { Masters = masters });
        if (Peers.World is not null) throw new InvalidOperationException($"{request.Module.GetName()} was not set up: call Setup on it before its optimizer is made.");
        return (algorithm, groups) => new FusedOptimizer(algorithm, groups, new FusedOptimizerOptions { Masters = masters });
    }

    /// <summary>The mean over all ranks, on the host and on each of them. Every rank calls it.</summary>
    public double Mean(Tensor value)
    {
        TensorGuard.ThrowIfFreed(value);
        if (ScalarReader.TryRead(value, out var number)) return Peers.Mean(number);
        using var scope = NewDisposeScope();
        return Peers.Mean(value.to(ScalarType.Float64).cpu().item<double>());
    }

    /// <summary>The sum over all ranks, on each of them. Every rank calls it.</summary>
    public double Sum(double value)
    {
        Span<double> sum = [value];
        Peers.Sum(sum);
        return sum[0];
    }

    /// <summary>Reduces a flat tensor over all ranks, in place: <see cref="Collectives.Group.AllReduce"/> of the group of all. Every rank calls it.</summary>
    public void AllReduce(Tensor buffer, ReduceOp op = ReduceOp.Sum, CancellationToken cancellationToken = default)
    {
        TensorGuard.ThrowIfFreed(buffer);
        if (!Peers.IsAlone) Group.AllReduce(buffer, op, cancellationToken: cancellationToken);
    }

    /// <summary>Nobody goes on before all ranks have come.</summary>
    public void Barrier() => Peers.Meet();

    /// <summary>
    /// While it is open, backward passes leave their gradients on this rank: for accumulation. The first pass after it brings together what was gathered. Without effect where one rank trains.
    /// <code>using (fabric.NoSync()) fabric.Backward(first, 0.5);   fabric.Backward(second, 0.5);</code>
    /// </summary>
    public FabricNoSync NoSync() => new(this);

    /// <summary>Every parameter whole while it is open, on every rank, whatever the strategy: to read or save weights in a way of your own. Every rank opens it.</summary>
    public IDisposable Gather(Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        return Sharded(module)?.Gather() ?? new FabricNoSync(null);
    }

    /// <summary>Prints a line, once for all ranks.</summary>
    public void Print(string line)
    {
        if (IsRankZero) (_options.Console ?? AnsiConsole.Console).WriteLine(line);
    }

    /// <summary>Writes a checkpoint folder: weights, optimizers, random state of every rank, and <paramref name="state"/> of your own (the first rank's). Atomic and durable. Every rank calls it.</summary>
    /// <exception cref="CheckpointException">It could not be written; what was there before is untouched.</exception>
    public void Save(string path, Module model, JsonObject? state = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var scope = TensorScope.Open();
        var divided = IsDivided ? Sharded(model) : null;
        var content = RunState.Capture(model, _optimizers, divided);
        content.State["user"] = state?.DeepClone();
        RankStates.Gather(Peers, content, new JsonObject { [RunState.Random] = content.State[RunState.Random]!.DeepClone() }, RunState.CallbackFile, []);
        if (IsRankZero && Path.GetDirectoryName(Path.GetFullPath(path)) is { } parent) Directory.CreateDirectory(parent);
        if (content.Slices is { } slices)
        {
            ShardedCheckpointWriter.Write(path, Group, new ShardedContent { Slices = slices, State = content.State }, new CheckpointFacts(_steps));
            return;
        }
        if (IsRankZero) CheckpointFolder.Write(path, content, new CheckpointFacts(_steps));
        // Whoever returns may read it.
        Peers.Meet();
    }

    /// <summary>Reads a checkpoint back into a model and its optimizers, and restores the random state.</summary>
    /// <returns>The state of your own that was saved.</returns>
    /// <exception cref="CheckpointException">It is missing or damaged, or does not fit; nothing was changed then, as far as the weights go.</exception>
    public JsonObject? Load(string path, Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var checkpoint = LoadedCheckpoint.Open(path);
        RunState.Restore(checkpoint, model, _optimizers, Sharded(model));
        RunState.RestoreRandom(checkpoint, _options.Seed ?? 0, Peers);
        return checkpoint.State["user"]?.DeepClone().AsObject();
    }

    /// <summary>Gives every rank the first one's buffers, such as running means: each has those of its own samples until then.</summary>
    internal void ShareBuffers()
    {
        if (Peers.IsAlone) return;
        foreach (var model in _sharded) model.SynchronizeBuffers();
    }

    /// <summary>
    /// Ends the sharing of what was set up, each model with all its parameters whole again, on every rank. Every rank calls it, and no optimizer is used after it. Without it a model that
    /// stage 3 divided is left without values.
    /// </summary>
    public void MakeWhole()
    {
        if (_sharded.Count == 0) return;
        foreach (var optimizer in _optimizers) optimizer.Dispose();
        _optimizers.Clear();
        ShareBuffers();
        foreach (var model in _sharded)
        {
            var values = model.Strategy.Stage == 3 && !Peers.IsAlone ? model.StateDict() : null;
            model.Dispose();
            if (values is null) continue;
            foreach (var (name, parameter) in model.Module.named_parameters())
            {
                using var value = values[name];
                using var leaf = value.requires_grad_(parameter.requires_grad);
                TensorBox.Point(parameter, leaf);
            }
            foreach (var (name, _) in model.Module.named_buffers()) values[name].Dispose();
        }
        _sharded.Clear();
    }

    /// <summary>Frees the optimizers' state. Models are yours.</summary>
    public void Dispose()
    {
        foreach (var optimizer in _optimizers) optimizer.Dispose();
        _optimizers.Clear();
        foreach (var model in _sharded) model.Dispose();
        _sharded.Clear();
        Peers.Dispose();
        _ownWorld?.Dispose();
        _seedGradient?.Dispose();
        foreach (var original in _fullPrecision.Values.SelectMany(o => o.Values)) original.Dispose();
        _fullPrecision.Clear();
    }

    /// <summary>A batch on the run's device and, where weights are converted, in their dtype.</summary>
    internal TBatch Place<TBatch>(TBatch batch) where TBatch : IBatch<TBatch>
    {
        if (Device.type != TorchSharp.DeviceType.CPU) batch = batch.Map(t => t.to(Device, non_blocking: true));
        return Convert(batch);
    }

    /// <summary>A batch in the dtype of converted weights.</summary>
    internal TBatch Convert<TBatch>(TBatch batch) where TBatch : IBatch<TBatch> =>
        Precision.ConvertsWeights ? batch.Map(t => t.is_floating_point() ? t.to(Precision.Compute) : t) : batch;

    IReadOnlyDictionary<string, Tensor>? MastersOf(Module module)
    {
        if (!Precision.ConvertsWeights) return null;
        if (_fullPrecision.TryGetValue(module, out var originals)) return originals;
        // An optimizer over a part of what was set up: its parameters carry the part's own names.
        foreach (var (root, all) in _fullPrecision)
            foreach (var (prefix, child) in root.named_modules())
                if (ReferenceEquals(child, module))
                    return all.Where(o => o.Key.StartsWith(prefix + ".", StringComparison.Ordinal)).ToDictionary(o => o.Key[(prefix.Length + 1)..], o => o.Value);
        throw new InvalidOperationException($"{module.GetName()} was not set up: call Setup on it before its optimizer is made.");
    }

    Tensor SeedGradient(Tensor loss, double scale)
    {
        // One constant serves every step of the same scale: no op a step for scaling the loss.
        if (_seedGradient is null || _seedScale != scale || _seedGradient.dtype != loss.dtype)
        {
            _seedGradient?.Dispose();
            _seedGradient = full_like(loss, scale, requires_grad: false).DetachFromDisposeScope();
            _seedScale = scale;
        }
        return _seedGradient;
    }
}

/// <summary>While it is open, gradients stay on their rank.</summary>
public sealed class FabricNoSync : IDisposable
{
    readonly Fabric? _fabric;
    readonly bool _before;

    internal FabricNoSync(Fabric? fabric)
    {
        _fabric = fabric;
        if (fabric is null) return;
        _before = fabric.Synchronizes;
        fabric.Synchronizes = false;
    }

    /// <summary>The next backward pass brings the ranks' gradients together again.</summary>
    public void Dispose()
    {
        if (_fabric is not null) _fabric.Synchronizes = _before;
    }
}

/// <summary>The arithmetic of a forward pass; nothing where the precision needs nothing.</summary>
public readonly ref struct ForwardScope
{
    readonly Autocast.Scope _autocast;
    readonly bool _entered;

    internal ForwardScope(Autocast.Scope autocast)
    {
        _autocast = autocast;
        _entered = true;
    }

    /// <summary>Goes back to the arithmetic of before.</summary>
    public void Dispose()
    {
        if (_entered) _autocast.Dispose();
    }
}

/// <summary>A step of a hand-written loop: what is made in it is freed at its end.</summary>
public sealed class FabricStep : IDisposable
{
    readonly TensorScope _scope = TensorScope.Open();

    internal FabricStep(long index) => Index = index;

    /// <summary>Steps opened before this one.</summary>
    public long Index { get; }

    /// <summary>Keeps a tensor beyond the step. The caller owns it then.</summary>
    public Tensor Keep(Tensor tensor) => _scope.Release(tensor);

    /// <summary>Frees what the step made.</summary>
    public void Dispose() => _scope.Dispose();
}

/// <summary>A look at a model of a hand-written loop: evaluation mode, no gradients, and what is made in it is freed at its end.</summary>
public sealed class FabricEvaluation : IDisposable
{
    readonly ModuleModes _modes;
    readonly IDisposable _gradients = no_grad();
    readonly TensorScope _scope = TensorScope.Open();

    internal FabricEvaluation(Module model)
    {
        _modes = new ModuleModes(model);
        model.eval();
    }

    /// <summary>Keeps a tensor beyond the look. The caller owns it then.</summary>
    public Tensor Keep(Tensor tensor) => _scope.Release(tensor);

    /// <summary>Frees what was made, and puts every submodule back into its mode.</summary>
    public void Dispose()
    {
        _scope.Dispose();
        _gradients.Dispose();
        _modes.Restore();
    }
}
