using Microsoft.Extensions.Logging;
using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Owns the loop: trains, validates, tests and predicts with a <see cref="TrainingModule{TBatch}"/>, by its options alone.</summary>
/// <remarks>Built on <see cref="Fabric"/>; a loop of your own can use that directly. One trainer may run several fits, one after another.</remarks>
public sealed partial class Trainer
{
    readonly ILogger _logger;
    readonly World? _world;
    FitResult? _lastFit;

    /// <summary>Makes a trainer and seeds everything random, so that a model made after it starts from the same weights in every run.</summary>
    /// <remarks>
    /// Where <see cref="TrainerOptions.Devices"/> asks for several ranks, the program is run once for each from here: this process ends with them, and starts them again as often as
    /// <see cref="TrainerOptions.MaxRestarts"/> says.
    /// </remarks>
    /// <exception cref="InvalidOptionsException">Other ranks were started than the options ask for.</exception>
    public Trainer(TrainerOptions options) : this(options, null)
    {
    }

    /// <summary>
    /// Makes the trainer of one rank of a world that is there already: of <see cref="World.Run{T}"/>, or one you joined. Ranks as threads share libtorch's default generators:
    /// what draws from them (dropout, a fresh model's weights) comes in no fixed order.
    /// </summary>
    /// <param name="options">The settings; the same on every rank.</param>
    /// <param name="world">The ranks; they stay yours to dispose. Null: those a launcher started, else as many as the options say.</param>
    public Trainer(TrainerOptions options, World? world)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        _logger = options.Logger ?? new StandardErrorLogger();
        if (options is { MaxRestarts: > 0, Devices: > 1, Output: null } && world is null)
            InvalidOptionsException.ThrowIfAny([new("trainer.output", $"is not set, but maxRestarts = {options.MaxRestarts}: ranks that are started again go on from the checkpoints in the run's folder. Name one.")]);
        LibTorch.EnsureLoaded();
        _world = RankWorld.Of(options.Ranks, world, options.Device, "trainer");
        using var peers = new Peers(_world);
        peers.SeedRank(options.Seed);
        peers.Meet();
    }

    // One that goes on where another was: nothing is seeded anew.
    Trainer(TrainerOptions options, FitResult? lastFit, World? world)
    {
        _world = world;
        Options = options;
        _logger = options.Logger ?? new StandardErrorLogger();
        _lastFit = lastFit;
    }

    /// <summary>The settings.</summary>
    public TrainerOptions Options { get; }

    /// <summary>This rank's number among those that train together, from 0.</summary>
    public int Rank => _world?.Rank ?? 0;

    /// <summary>How many ranks train together.</summary>
    public int WorldSize => _world?.Size ?? 1;

    /// <summary>Whether this is the rank that writes and prints for all.</summary>
    public bool IsRankZero => Rank == 0;

    /// <summary>What a fit would do: everything decided, nothing done.</summary>
    /// <exception cref="InvalidOptionsException">The options can't be; carries every fault.</exception>
    public RunPlan Plan<TBatch>(TrainingModule<TBatch> module, DataLoaders<TBatch> data) where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(data);
        module.EnsureRegistered();
        using var peers = new Peers(_world);
        return RunPlan.Build(Options, module, data, RunCallbacks.For(RunStage.Fit, Options, module.OwnCallbacks(), peers.IsFirst), peers);
    }

    /// <summary>Trains.</summary>
    /// <param name="module">The model and its steps; it holds the trained weights afterwards.</param>
    /// <param name="data">The loaders.</param>
    /// <param name="resume">Where to start; null or <see cref="Resume.None"/>: afresh. After a restart (<see cref="TrainerOptions.MaxRestarts"/>) always from the run's last checkpoint, where it has one.</param>
    /// <param name="cancellationToken">Ends training at the end of the step, saved; that is no error.</param>
    /// <exception cref="InvalidOptionsException">The options can't be; nothing was done.</exception>
    /// <exception cref="NonFiniteLossException">A loss was NaN or infinite.</exception>
    /// <exception cref="CheckpointException">A checkpoint could not be read or written.</exception>
    public FitResult Fit<TBatch>(TrainingModule<TBatch> module, DataLoaders<TBatch> data, Resume? resume = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch>
    {
        ArgumentNullException.ThrowIfNull(data);
        return Fit(module, new GivenLoaders<TBatch>(data), resume, cancellationToken);
    }

    /// <summary>Trains on what a data module gives: it is prepared and set up first, and taken down in the end.</summary>
    /// <inheritdoc cref="Fit{TBatch}(TrainingModule{TBatch}, DataLoaders{TBatch}, Resume?, CancellationToken)"/>
    public FitResult Fit<TBatch>(TrainingModule<TBatch> module, DataModule<TBatch> data, Resume? resume = null, CancellationToken cancellationToken = default)
        where TBatch : IBatch<TBatch>
    {
        using var stage = StageSetup<TBatch>.Begin(RunStage.Fit, Options, module, data, _world, cancellationToken);
        try
        {
            return _lastFit = Fit(stage, module, data, resume ?? Resume.None, cancellationToken);
        }
        catch (Exception error)
        {
            stage.Fail(null, error);
            if (TensorGuard.IsUseAfterFree(error)) throw new InvalidOperationException(TensorGuard.UseAfterFreeRemedy, error);
            if (NondeterministicOpException.TryExplain(error, out var nondeterministic)) throw nondeterministic;
            if (OutOfDeviceMemoryException.TryExplain(error, out var full)) throw full;
            throw;
        }
    }

    FitResult Fit<TBatch>(StageSetup<TBatch> stage, TrainingModule<TBatch> module, DataModule<TBatch> data, Resume resume, CancellationToken cancellationToken)
        where TBatch : IBatch<TBatch>
    {
        var loaders = new DataLoaders<TBatch>(data.TrainLoader() ?? throw NoLoader(data, "TrainLoader"), data.ValidationLoaders());
        var peers = stage.Peers;
        var plan = RunPlan.Build(Options, module, loaders, stage.Callbacks, peers);
        if (peers.IsFirst)
            foreach (var warning in plan.Warnings) _logger.LogWarning("{Warning}", warning);
        peers.Agree("the options, the data or the model", RunFingerprint.Of(plan, module, stage.Callbacks));

        using var checkpoints = plan.Directory is null ? null : OpenCheckpoints(plan.Directory, peers);
        using var from = plan.Directory is null ? null : FindCheckpoint(resume, checkpoints!.Store, plan.Directory, peers, cancellationToken);
        if (plan.Directory is not null && peers.IsFirst) CreateFolder(plan.Directory);

        using var fabric = Fabric.Launch(new FabricOptions
        {
            Device = Options.Device,
            Precision = Options.Precision,
            Strategy = Options.Strategy,
            Recompute = Options.Recompute,
            World = _world,
            Seed = null,
            LossScale = Options.LossScale,
            ClipGradients = Options.ClipGradients,
            TotalSteps = plan.EstimatedSteps,
            StepsPerEpoch = plan.StepsPerEpoch,
            Logger = _logger,
        });
        using var stop = new StopSignal(Options.HandleSignals, cancellationToken);
        var loggers = plan.Directory is null ? [] : Options.Loggers ?? [new CsvLogger()];
        var driver = new FitDriver<TBatch>(plan, fabric, module, data, loaders, stage, checkpoints, stop, _logger);
        string ended;
        try
        {
            ended = driver.Fit(from, loggers);
        }
        catch (Exception error)
        {
            // First of all, so that no rank waits for this one.
            peers.GiveUp(error);
            // While everything is still there to be saved or shown.
            driver.Fail(error);
            stage.Fail(driver.Run, error);
            driver.SaveAfterFailure();
            throw;
        }
        finally
        {
            driver.Dispose();
        }
        var result = FitResult.Of(plan, driver.Run, ended, driver.Signal ?? stop.Signal, checkpoints?.Store.List() ?? [], stage.Callbacks, loggers);
        if (result.ExitCode != 0) Environment.ExitCode = result.ExitCode;
        return result;
    }

    /// <summary>Loads the weights of a checkpoint into a module.</summary>
    /// <param name="module">The model.</param>
    /// <param name="path">The checkpoint's folder.</param>
    /// <param name="strict">Whether every weight must be there and none be left over; the error lists the whole difference.</param>
    /// <exception cref="CheckpointException">It is missing, damaged, or does not fit.</exception>
    public static void LoadWeights(nn.Module module, string path, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(module);
        var folder = Path.GetFullPath(path);
        using var store = new CheckpointStore(Path.GetDirectoryName(folder)!);
        using var checkpoint = store.Open(folder);
        RunState.RestoreModel(checkpoint, module, strict);
    }

    RunCheckpoints OpenCheckpoints(string directory, Peers peers) =>
        new(new CheckpointStore(RunFolder.Checkpoints(directory), Options.Time, _logger), peers, _logger);

    // The first rank looks, and all open what it found.
    LoadedCheckpoint? FindCheckpoint(Resume resume, CheckpointStore store, string directory, Peers peers, CancellationToken cancellationToken)
    {
        var found = peers.IsFirst ? FindCheckpoint(resume, store, directory, cancellationToken) : null;
        var path = peers.OfFirst(found?.Path ?? "");
        return peers.IsFirst || path.Length == 0 ? found : LoadedCheckpoint.Open(path);
    }

    LoadedCheckpoint? FindCheckpoint(Resume resume, CheckpointStore store, string directory, CancellationToken cancellationToken)
    {
        // What was started again goes on where it was, if it had come to a checkpoint.
        if (Options.MaxRestarts > 0 && RankProcess.IsSupervised && RankProcess.Restart > 0 && store.Last() is not null) resume = Resume.Last;
        switch (resume)
        {
            case Resume.FromPath(var path):
                var folder = Path.GetFullPath(path);
                using (var other = new CheckpointStore(Path.GetDirectoryName(folder)!)) return other.Open(folder);

            case Resume.FromLast:
                if (store.Last() is null && Options.Callbacks.OfType<ModelCheckpoint>().Select(c => c.MirrorTo).FirstOrDefault(m => m is not null) is { } mirror
                    && CheckpointMirror.Fetch(mirror, store.Folder, cancellationToken) is { } fetched)
                    _logger.LogInformation("Fetched the checkpoint {Name} from {Location}.", fetched, mirror.Location);
                var found = store.OpenLastGood(out var skipped);
                foreach (var error in skipped) _logger.LogWarning("Passed over a damaged checkpoint: {Message}", error.Message);
                if (found is null) _logger.LogWarning("Nothing to resume in {Directory}: no checkpoint is there yet. Starting afresh.", directory);
                return found;

            default:
                if (store.Last() is { } there)
                    InvalidOptionsException.ThrowIfAny([new("trainer.output", $"= {directory} already holds a run (its last checkpoint: {there.Name}); resume it, or give another folder")]);
                return null;
        }
    }

    static InvalidOptionsException NoLoader<TBatch>(DataModule<TBatch> data, string method) where TBatch : IBatch<TBatch> =>
        new([new("data", $"{data.GetType().Name}.{method} gives no loader: override it")]);

    static void CreateFolder(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            InvalidOptionsException.ThrowIfAny([new("trainer.output", $"= {directory} can't be written: {error.Message} Give a folder that can.")]);
        }
    }
}
