using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Tensors;
using Raijin.Training;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>
/// The small verb set under the <see cref="Trainer"/>, usable alone in a loop of your own: set up a model and its optimizer, take batches, run
/// backward, step, save, load. It owns device, precision, seeding, clipping and lifetimes; the loop is yours.
/// </summary>
public sealed partial class Fabric : IDisposable
{
    readonly FabricOptions _options;
    readonly FullPrecision _fullPrecision = new();
    readonly SharedModels _models;
    readonly List<RecomputedUnits> _recomputed = [];
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
        _models = new SharedModels(Peers, options.Strategy);
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

    /// <summary>Where messages go.</summary>
    public ILogger Logger { get; }

    internal LossScaler? Scaler { get; }

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
            // All ranks' masters start from the first one's weights, as they were, not from their rounded copies.
            foreach (var parameter in module.parameters()) Peers.TakeFirst(parameter);
            _fullPrecision.Keep(module);
            module.to(Precision.Compute);
        }
        module.to(Device);
        if (Peers.IsAlone && Device.type == DeviceType.CPU) NativeHeap.ReuseLargeBlocks();
        if (_options.Recompute) RecomputeUnits(module);
        _models.Add(module);
        return module;
    }

    /// <summary>
    /// Sets up a model that was made on the meta device, and has no values yet: its parameters are made unit by unit, in the precision's type, and divided as they come, so that no rank ever holds them all. The same object
    /// comes back. DeepSpeed's <c>zero.Init</c>.
    /// </summary>
    /// <param name="module">Its buffers, and modules that libtorch computes by itself (embeddings, LSTMs), are made on the host.</param>
    /// <param name="initialize">Gives a parameter its first values, in place, by its name; rank 0's are everyone's.</param>
    /// <exception cref="InvalidOperationException">One rank is alone, without a strategy: there is nothing to divide.</exception>
    /// <exception cref="NotSupportedException">Such a module is on the meta device; or the device is none of the host's, and not all is on the meta device.</exception>
    public TModule Setup<TModule>(TModule module, Action<string, Tensor> initialize) where TModule : Module
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(initialize);
        if (Peers.World is null) throw new InvalidOperationException("One rank trains alone, without a strategy: it holds all of a model anyway. Make the model on its device, or give a strategy.");
        if (Device.type != TorchSharp.DeviceType.CPU && module.named_parameters().FirstOrDefault(p => p.parameter.device_type != TorchSharp.DeviceType.META) is { parameter: not null } made)
            throw new NotSupportedException($"'{made.name}' has values on {made.parameter.device}, and others of {module.GetName()} have none yet: make all of it on the meta device to train it on {Device}.");
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        if (Precision.ConvertsWeights)
        {
            module.to(Precision.Compute);
            _fullPrecision.KeepNothing(module);
        }
        _models.Add(module, initialize, Device);
        return module;
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
    /// <exception cref="InvalidOperationException">The loss has no values: a parameter that stage 3 divides was used outside its unit.</exception>
    public void Backward(Tensor loss, double scale = 1.0)
    {
        TensorGuard.ThrowIfFreed(loss);
        if (Scaler is not null)
        {
            scale *= Scaler.Scale;
            _models.ScaleGradients(Scaler.Scale);
        }
        _models.Backward(loss, scale == 1.0 ? null : SeedGradient(loss, scale));
    }

    /// <summary>Frees the optimizers' state. Models are yours.</summary>
    public void Dispose()
    {
        FreeOptimizers();
        _models.Dispose();
        foreach (var units in _recomputed) units.Dispose();
        Peers.Dispose();
        _ownWorld?.Dispose();
        _seedGradient?.Dispose();
        _fullPrecision.Dispose();
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

    // Before the model is divided.
    void RecomputeUnits(Module module)
    {
        var units = new RecomputedUnits(module, _options.Strategy ?? Zero.Stage0);
        _recomputed.Add(units);
        if (units.Names.Count < 2 && IsRankZero)
            Logger.LogWarning(
                "recompute: {Module} has {Count} unit(s) to compute again, and it is what lies in the others that is not kept: nothing is saved. Name its blocks (IShardable), or cut it smaller (strategy.unitBytes).",
                module.GetName(), units.Names.Count);
    }

    void FreeOptimizers()
    {
        foreach (var optimizer in _optimizers) optimizer.Dispose();
        _optimizers.Clear();
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
