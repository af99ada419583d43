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
    readonly int _threads = get_num_threads();
    bool _dataIsUp;
    bool _failed;

    StageSetup(RunSetup setup, DataModule<TBatch> data, TrainingModule<TBatch> module, IReadOnlyList<Callback> callbacks, IDisposable? algorithms)
    {
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

    /// <exception cref="InvalidOptionsException">A callback's settings can't be, or two would share a state key.</exception>
    public static StageSetup<TBatch> Begin(RunStage stage, TrainerOptions options, TrainingModule<TBatch> module, DataModule<TBatch> data, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(data);
        var device = options.Device.Resolve();
        var callbacks = RunCallbacks.For(stage, options, module.OwnCallbacks());
        var algorithms = options.Deterministic != Determinism.Off || options.Benchmark
            ? AlgorithmChoice.Set(options.Deterministic != Determinism.Off, options.Deterministic == Determinism.Warn, options.Benchmark)
            : null;
        var begun = new StageSetup<TBatch>(new RunSetup(stage, module, device, options), data, module, callbacks, algorithms);
        try
        {
            data.Prepare(cancellationToken);
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

    /// <summary>Tells everybody that the run failed, once.</summary>
    public void Fail(TrainingRun? run, Exception error)
    {
        if (_failed) return;
        _failed = true;
        HookTable.Call(Hooks.Exception, run, error);
        _data.OnException(error);
    }

    public void Dispose()
    {
        if (_dataIsUp) _data.Teardown(_setup.Stage);
        HookTable.Call(Hooks.Teardown, _setup);
        _algorithms?.Dispose();
        if (_setup.Options.Threads is not null) set_num_threads(_threads);
    }
}

/// <summary>Where layers that are made late lie, and in which dtype.</summary>
static class ModelContext
{
    public static void Build(Action build, Device device, Precision precision)
    {
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
