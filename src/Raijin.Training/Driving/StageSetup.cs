using Raijin.Collectives;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>
/// What every entry point does before and after its work: the data module is prepared and set up, callbacks and the module hear of it, late layers are made; and in the end
/// all of it is taken down, whatever happened.
/// </summary>
sealed class StageSetup<TBatch> : IDisposable where TBatch : IBatch<TBatch>
{
    readonly RunSetup _setup;
    readonly DataModule<TBatch> _data;
    readonly IDisposable? _algorithms;
    readonly Peers _peers;
    readonly int _threads = get_num_threads();
    bool _dataIsUp;
    bool _failed;

    StageSetup(RunSetup setup, DataModule<TBatch> data, TrainingModule<TBatch> module, IReadOnlyList<Callback> callbacks, IDisposable? algorithms, Peers peers)
    {
        _peers = peers;
        _setup = setup;
        _data = data;
        _algorithms = algorithms;
        Callbacks = callbacks;
        Hooks = HookTable.Of(callbacks, module);
        Overrides = module.Overrides().With(data);
        if (setup.Options.Threads is > 0 and { } threads) set_num_threads(threads);
    }

    public IReadOnlyList<Callback> Callbacks { get; }

    public HookTable Hooks { get; }

    public ModuleOverrides<TBatch> Overrides { get; }

    public Peers Peers => _peers;

    /// <exception cref="InvalidOptionsException">A callback's settings can't be, or two would share a state key.</exception>
    public static StageSetup<TBatch> Begin(RunStage stage, TrainerOptions options, TrainingModule<TBatch> module, DataModule<TBatch> data, World? world, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(data);
        // What is plainly wrong is said before anything is downloaded; loaders that are there already cost nothing to ask, and their faults then stand in the plan's one list.
        if (stage == RunStage.Fit && data is not GivenLoaders<TBatch>) InvalidOptionsException.ThrowIfAny(options.Faults());
        var device = ResolveDevice(stage, options, world);
        var peers = new Peers(world);
        var callbacks = RunCallbacks.For(stage, options, module.OwnCallbacks(), shows: peers.IsFirst);
        var algorithms = options.Deterministic != Determinism.Off || options.Benchmark
            ? AlgorithmChoice.Set(options.Deterministic != Determinism.Off, options.Deterministic == Determinism.Warn, options.Benchmark)
            : null;
        var begun = new StageSetup<TBatch>(new RunSetup(stage, module, device, options), data, module, callbacks, algorithms, peers);
        try
        {
            // What is downloaded lies on the machine: one rank of it does it.
            if (world is null || world.Identity.LocalRank == 0) data.Prepare(cancellationToken);
            peers.Meet();
            begun._dataIsUp = true;
            data.Setup(stage);
            HookTable.Call(begun.Hooks.Setup, begun._setup);
            ModelContext.Build(module.BuildModel, device, options.Precision);
            module.EnsureRegistered();
            return begun;
        }
        catch (Exception error)
        {
            begun.Fail(null, error);
            begun.Dispose();
            throw;
        }
    }

    // A fit's plan names a device that can't be among all its faults.
    static Device ResolveDevice(RunStage stage, TrainerOptions options, World? world)
    {
        try
        {
            return RankWorld.DeviceOf(options.Device, world);
        }
        catch (InvalidOptionsException error)
        {
            return stage == RunStage.Fit ? CPU : throw new InvalidOptionsException([.. error.Faults.Select(f => f with { Key = "trainer.device" })]);
        }
    }

    /// <summary>Tells everybody that the run failed, once.</summary>
    public void Fail(TrainingRun? run, Exception error)
    {
        if (_failed) return;
        _failed = true;
        _peers.GiveUp(error);
        HookTable.Call(Hooks.Exception, run, error);
        _data.OnException(error);
    }

    public void Dispose()
    {
        if (_dataIsUp) _data.Teardown(_setup.Stage);
        HookTable.Call(Hooks.Teardown, _setup);
        _algorithms?.Dispose();
        if (_setup.Options.Threads is not null) set_num_threads(_threads);
        _peers.Dispose();
    }
}

/// <summary>Where layers that are made late lie, and in which dtype.</summary>
static class ModelContext
{
    // The defaults are the process's: ranks as threads build one after another, or one would take another's for what was before.
    static readonly Lock Gate = new();

    public static void Build(Action build, Device device, Precision precision)
    {
        using var alone = Gate.EnterScope();
        var (dtype, before) = (get_default_dtype(), get_default_device());
        try
        {
            if (precision.ConvertsWeights) set_default_dtype(precision.Compute);
            set_default_device(device);
            build();
        }
        finally
        {
            set_default_dtype(dtype);
            set_default_device(before);
        }
    }
}
