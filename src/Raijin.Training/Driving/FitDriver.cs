// The loop as a state machine. Its cursor says what comes next, each state does one thing and moves the cursor on, and only then is a
// checkpoint taken: a resumed run continues with the very state an uninterrupted one would have entered.
//
//   EpochStart ──► Step ──► Step ──► … ──► (Validate) ──► EpochEnd ──► EpochStart
//                   └──► (Validate) ──┘  in the middle of an epoch

using Microsoft.Extensions.Logging;
using Raijin.Collectives;
using Raijin.Tensors;

namespace Raijin.Training;

/// <summary>Drives one fit from its plan to its result.</summary>
sealed partial class FitDriver<TBatch> : IDisposable where TBatch : IBatch<TBatch>
{
    readonly RunPlan _plan;
    readonly Fabric _fabric;
    readonly Peers _peers;
    readonly TrainingModule<TBatch> _module;
    readonly DataModule<TBatch> _data;
    readonly IReadOnlyList<Callback> _callbacks;
    readonly HookTable _hooks;
    readonly ModuleOverrides<TBatch> _overrides;
    readonly BatchPlacement<TBatch> _placement;
    readonly TrainingRun _run;
    readonly StopSignal _stop;
    readonly ILogger _logger;
    readonly RunCheckpoints? _checkpoints;
    readonly Evaluator<TBatch> _evaluator;

    FitCursor _cursor = FitCursor.Start;
    DataLoader<TBatch> _train = null!;
    LoaderSet<TBatch>? _validation;
    BatchReader<TBatch>? _reader;
    LogPump? _pump;

    // Whether anybody writes what is logged: the first rank's loggers do.
    bool _isLogged;
    readonly ProfileSession? _profile;
    CommsLog? _comms;
    RunCard? _card;

    public FitDriver(RunPlan plan, Fabric fabric, TrainingModule<TBatch> module, DataModule<TBatch> data, DataLoaders<TBatch> loaders, StageSetup<TBatch> stage, RunCheckpoints? checkpoints, StopSignal stop, ILogger logger)
    {
        _plan = plan;
        _fabric = fabric;
        _peers = fabric.Peers;
        _module = module;
        _data = data;
        _callbacks = stage.Callbacks;
        _stop = stop;
        _logger = logger;
        _hooks = stage.Hooks;
        _overrides = stage.Overrides;
        _placement = new BatchPlacement<TBatch>(fabric, _overrides);
        _run = new TrainingRun(plan, module, logger, fabric);
        _evaluator = new Evaluator<TBatch>(fabric, module, _hooks, _overrides, _run);
        _checkpoints = checkpoints;
        _logDue = plan.Options.Log;
        _validateDue = plan.Validate;
        Take(loaders);
        // One rank's time is as good as another's.
        _run.Profile = _profile = (_peers.IsFirst ? plan.Options.Profiler : null)?.Start(NewTarget());
        if (_profile is null) return;
        _hooks.ProfileIn(_profile);
        fabric.Models.Joining = () => _profile.Mark(ProfilePhase.Reduce);
    }

    public TrainingRun Run => _run;

    public FitCursor Cursor => _cursor;

    /// <summary>Sets up, resumes if asked, and runs to the end.</summary>
    /// <returns>Why training stopped.</returns>
    public string Fit(LoadedCheckpoint? resumeFrom, IReadOnlyList<RunLogger> loggers)
    {
        if (_plan.Options.LogCollectives && !_peers.IsAlone) _comms = CommsLog.Start(_peers.World!.Group);
        _module.EnsureRegistered();
        _fabric.Setup<TorchSharp.torch.nn.Module>(_module);
        _module.train();
        _run.Optimizers = _fabric.SetupOptimizers(_callbacks.Aggregate(_plan.Options.Optimizers?.Invoke(_module) ?? _module.Configure(), (setup, callback) => callback.Amend(setup, _plan)));
        if (!_plan.Manual && _run.Optimizers.Count > 1)
            InvalidOptionsException.ThrowIfAny([new("optimizers", $"{_run.Optimizers.Count} are configured, but TrainingStep drives one: override ManualStep to drive several")]);
        if (_run.Optimizers.Any(o => o.EvaluatesLoss) && (_plan.Accumulation > 1 || _plan.AccumulationChanges.Count > 0))
            InvalidOptionsException.ThrowIfAny([new("trainer.accumulateGradients", $"= {_plan.Accumulation}, but L-BFGS evaluates one batch again and again: give it a larger batch instead")]);

        _run.Clock = new RunClock(_plan.Options.Time, resumeFrom is null ? TimeSpan.Zero : RunSnapshot.ElapsedOf(resumeFrom));
        if (!_peers.IsAlone) MeetNow();
        if (resumeFrom is not null) _cursor = RunSnapshot.Restore(resumeFrom, _plan, _run, _module, _data, _callbacks, _fabric.Sharded(_module));
        _run.FirstStep = _cursor.Step;
        Publish();
        _isLogged = _plan.Directory is not null && loggers.Count > 0;
        if (_isLogged) _run.Rich.Show(loggers);
        if (_plan.Directory is { } directory && _peers.IsFirst)
        {
            var monitor = _callbacks.OfType<ModelCheckpoint>().FirstOrDefault(c => c.Monitor is not null)?.Monitor;
            _card = RunCard.Start(directory, _plan.Options.Time.GetUtcNow(), monitor?.ToString());
            _card.Write(directory, _logger);
            if (loggers.Count > 0) OpenLogs(loggers, directory);
        }

        using var scope = TensorScope.Open();
        _step = _plan.Manual ? new ManualStep(_run, scope, _fabric) : new TrainStep(_run, scope, _fabric);
        foreach (var optimizer in _run.Optimizers) Connect(optimizer);
        if (_plan.Options.DetectAnomaly)
        {
            _probe = NonFiniteProbe.Attach(_module);
            foreach (var (_, metric) in _module.Metrics()) metric.CheckAtOnce();
        }
        HookTable.Call(_hooks.FitStart, _run);
        if (resumeFrom is null && _plan.SanityBatches > 0) SanityCheck();
        HookTable.Call(_hooks.TrainStart, _run);
        // Hooks and set-up may have drawn random numbers: the generators go back to where the checkpoint left them at the last moment.
        if (resumeFrom is not null) RunSnapshot.RestoreRandomState(resumeFrom, _plan.Options.Seed, _peers);
        // From here on time triggers count.
        _lastLog = _lastValidation = _run.Elapsed;

        string? ended;
        while ((ended = WhyEnd()) is null)
        {
            switch (_cursor.Phase)
            {
                case FitPhase.EpochStart: StartEpoch(); break;
                case FitPhase.Step: TrainOneStep(); break;
                case FitPhase.Validate: Validate(); break;
                case FitPhase.EpochEnd: EndEpoch(); break;
            }
            Publish();
            if (!_cursor.IsBoundary || _run.WaitingForUpdate.Count > 0) continue;
            _profile?.Mark(ProfilePhase.Checkpoint);
            _checkpoints?.Advance();
            _checkpoints?.Execute(_run, Snapshot, _hooks);
            _profile?.Mark(ProfilePhase.Loop);
        }
        Finish();
        End(new(IsInterrupted ? RunStatus.Interrupted : RunStatus.Finished, ended, _run.Metrics));
        return ended;
    }

    /// <summary>Writes the checkpoint that a callback asked for when it heard of the failure, if one did.</summary>
    public void SaveAfterFailure()
    {
        if (_checkpoints is null || !_run.HasRequests || !_peers.IsFirst) return;
        if (_fabric.IsDivided)
        {
            _logger.LogError("The state at the failure is not saved: it lies divided among ranks that do not answer any more.");
            return;
        }
        try
        {
            _checkpoints.Execute(_run, SnapshotOfFailure, _hooks);
            _checkpoints.Flush();
        }
        catch (CheckpointException error)
        {
            // The failure itself is what the caller must hear of.
            _logger.LogError(error, "The state at the failure could not be saved: {Message}", error.Message);
        }
    }

    /// <summary>Has the loggers and the run's own record say that it failed.</summary>
    public void Fail(Exception error) => End(new(RunStatus.Failed, error.Message, _run.Metrics));

    void End(RunOutcome outcome)
    {
        if (_pump is not null) _pump.Outcome = outcome;
        if (_card is null) return;
        var ended = _card with { Status = outcome.Status.ToString().ToLowerInvariant(), Reason = outcome.Reason, Ended = _plan.Options.Time.GetUtcNow() };
        (ended with { Steps = _cursor.Step, Epoch = _cursor.Epoch, Seconds = _run.Elapsed.TotalSeconds, Metrics = outcome.Metrics, Ranks = _run.RankUsage }).Write(_plan.Directory!, _logger);
    }

    void OpenLogs(IReadOnlyList<RunLogger> loggers, string directory)
    {
        var described = loggers.Any(l => l.Accepts(LogKind.Parameters));
        var run = new RunDescription(Path.GetFileName(directory), _plan.Options, (_module as IHyperParameters)?.HyperParameters, described ? LayerList.Of(_module) : null);
        _pump = new LogPump(loggers, directory, _cursor.Step, _logger, run, _plan.Options.Time);
        _run.Rich.Attach(_pump);
        // A resumed run finds the records of every step its checkpoint has.
        if (_checkpoints is not null) _checkpoints.BeforeSave = _pump.Flush;
    }

    void StartEpoch()
    {
        _profile?.Mark(ProfilePhase.Loop);
        if (_cursor.Epoch > 0 && _plan.Options.ReloadLoaders.IsDueAfterEpoch(_cursor.Epoch - 1)) Reload();
        OpenReader();
        HookTable.Call(_hooks.TrainEpochStart, new TrainEpoch(_run, _cursor.Epoch, _run.Metrics));
        _cursor = _cursor with { Phase = FitPhase.Step };
    }

    void OpenReader()
    {
        _reader?.Dispose();
        // Where several ranks train none leaves a step alone: what to stop for is agreed on between them.
        _reader = _train.Open(_cursor.Epoch, _cursor.Batch, _peers.IsAlone ? _stop.BetweenSteps : CancellationToken.None);
    }

    void Reload()
    {
        var train = _data.TrainLoader() ?? throw new InvalidOperationException($"{_data.GetType().Name}.TrainLoader gave no loader when it was asked anew in epoch {_cursor.Epoch}.");
        if (_plan.BatchesOf(RunPlan.ShareOf(train, _peers)) != _plan.BatchesPerEpoch)
            throw new InvalidOperationException(
                $"{_data.GetType().Name}.TrainLoader gave a loader of {_plan.BatchesOf(RunPlan.ShareOf(train, _peers))} batches in epoch {_cursor.Epoch}, after one of {_plan.BatchesPerEpoch}: schedules and resuming count on epochs of one length. Set limitTrain to what all have.");
        Take(new DataLoaders<TBatch>(train, _data.ValidationLoaders()));
    }

    void Take(DataLoaders<TBatch> loaders)
    {
        // The evaluator takes its rank's share itself.
        var train = _plan.Options.OverfitBatches.IsNone ? loaders.Train : new OverfitLoader<TBatch>(loaders.Train, _plan.BatchesPerEpoch!.Value);
        _train = RunPlan.ShareOf(train, _peers);
        _validation = _plan.Options.OverfitBatches.IsNone ? loaders.Validation : train;
    }

    void Validate()
    {
        _profile?.Mark(ProfilePhase.Validation);
        var random = RandomState.Capture();
        _fabric.Models.ShareBuffers();
        var results = _evaluator.Run(EvalPhase.Validation, _validation!, _plan.LimitValidation.Apply, _stop.Token);
        if (results is null)
        {
            // Interrupted in the middle: the cursor stays, and a resumed run validates again from the same random state.
            random.Restore();
            return;
        }
        if (!_peers.IsAlone)
        {
            MeetNow();
            _hasMet = true;
        }
        _lastValidation = _run.Elapsed;
        WriteRecord(LogScope.Epoch, [.. results.Values]);
        foreach (var optimizer in _run.Optimizers) optimizer.Observe(results.Values);
        _profile?.Mark(ProfilePhase.Loop);
        _cursor = _cursor with { Phase = EpochIsOver ? FitPhase.EpochEnd : FitPhase.Step, ValidatedAt = _cursor.Step };
    }

    void EndEpoch()
    {
        var values = ReadEpoch();
        foreach (var (key, value) in values) _run.SetMetric(key, value);
        foreach (var optimizer in _run.Optimizers) optimizer.Observe(values, complete: _cursor.ValidatedAt >= 0 || !_plan.Validates);
        // What a hook logs for the epoch is in the epoch's own record.
        HookTable.Call(_hooks.TrainEpochEnd, new TrainEpoch(_run, _cursor.Epoch, _run.Metrics) { Logged = values });
        WriteRecord(LogScope.Epoch, values);
        _run.TrainLog.Reset();
        _reader?.Dispose();
        _reader = null;
        _cursor = _cursor with { Phase = FitPhase.EpochStart, Epoch = _cursor.Epoch + 1, Batch = 0 };
    }

    void SanityCheck()
    {
        var random = RandomState.Capture();
        HookTable.Call(_hooks.SanityCheckStart, _run);
        _evaluator.Run(EvalPhase.Sanity, _validation!, all => Math.Min(_plan.SanityBatches, _plan.LimitValidation.Apply(all) ?? long.MaxValue), _stop.Token);
        HookTable.Call(_hooks.SanityCheckEnd, _run);
        random.Restore();
    }

    void Finish()
    {
        // The end validates what the last validation has not seen; without drawing from the run's generators, so that a
        // run that is later made longer goes on as if it had never ended here.
        if (_plan.Validates && !IsInterrupted && _cursor.Step > _cursor.ValidatedAt && _cursor.Step > _run.FirstStep)
        {
            _profile?.Mark(ProfilePhase.Validation);
            var random = RandomState.Capture();
            _fabric.Models.ShareBuffers();
            var results = _evaluator.Run(EvalPhase.Validation, _validation!, _plan.LimitValidation.Apply, _stop.Token, isExtra: true);
            random.Restore();
            if (results is not null) WriteRecord(LogScope.Epoch, [.. results.Values]);
            _profile?.Mark(ProfilePhase.Loop);
        }
        if (_cursor.Batch > 0)
            foreach (var (key, value) in ReadEpoch()) _run.SetMetric(key, value);
        HookTable.Call(_hooks.TrainEnd, _run);
        HookTable.Call(_hooks.FitEnd, _run);
        _profile?.Mark(ProfilePhase.Checkpoint);
        _checkpoints?.Execute(_run, Snapshot, _hooks);
        _checkpoints?.Flush();
        // Whoever goes on may read it.
        _peers.Meet();
        // The caller keeps the weights that are meant to be used.
        foreach (var optimizer in _run.Optimizers) optimizer.UseEvaluationWeights();
        if (_comms is not null) Publish(_run.Comms = _comms.Compare());
        foreach (var callback in _callbacks) callback.BeforeHandover(_run);
        // The engine's books end with it.
        if (!_peers.IsAlone && _fabric.Sharded(_module) is { } sharded) _run.RankUsage = RankUsage.Measure(sharded, PlannedOptions(), _peers);
        _fabric.MakeWhole();
    }

    // Null where the plan knows nothing of an optimizer's state, or of what it moves.
    PlanOptions? PlannedOptions()
    {
        if (_run.Optimizers is not [{ Algorithm: { } algorithm }] || algorithm is Adafactor or Muon or LbfgsOptions or OneBitAdam) return null;
        return new PlanOptions { Precision = _plan.Options.Precision, Microbatches = _plan.Accumulation, ComputesOnHost = _plan.Device.type == TorchSharp.DeviceType.CPU }.For(algorithm);
    }

    List<KeyValuePair<string, double>> ReadEpoch()
    {
        var reduction = new EpochReduction(_run.TrainLog, _peers, _module.Metrics);
        reduction.Meet([]);
        return reduction.Read();
    }

    /// <summary>Why to end now: null while training goes on. Only asked, and only answered, where the state is whole.</summary>
    string? WhyEnd()
    {
        if (!_peers.IsAlone) return WhyAllEnd();
        if (_stop.IsRequested) return _stop.Reason;
        return _cursor.IsBoundary ? LimitReached() ?? StopWished() : null;
    }

    // All ranks find the same: the time is agreed on, like everything else here.
    string? LimitReached()
    {
        var options = _plan.Options;
        if (options.MaxSteps is { } steps && _cursor.Step >= steps) return $"maxSteps = {steps} reached";
        if (_cursor.Phase == FitPhase.EpochStart && _plan.MaxEpochs is { } epochs && _cursor.Epoch >= epochs) return $"maxEpochs = {epochs} reached";
        return options.MaxTime is { } time && _run.Elapsed >= time ? $"maxTime = {time:c} reached" : null;
    }

    string? StopWished() => _run.StopReason is { } reason && _cursor.Epoch >= _plan.Options.MinEpochs && _cursor.Step >= _plan.Options.MinSteps ? reason : null;

    CheckpointContent Snapshot() => RunSnapshot.Capture(_plan, _run, _cursor, _module, _data, _callbacks, _peers, _fabric.SavedTogether(_module));

    CheckpointContent SnapshotOfFailure() => RunSnapshot.Capture(_plan, _run, _cursor, _module, _data, _callbacks, Peers.None, null);

    void Publish()
    {
        _run.Step = _cursor.Step;
        _run.Epoch = _cursor.Epoch;
        _run.Batch = _cursor.Batch;
        _run.Samples = _cursor.Samples;
        _run.Batches = _cursor.Batches;
        _run.Tokens = _cursor.Tokens;
    }

    public void Dispose()
    {
        _reader?.Dispose();
        _pump?.Dispose();
        _run.Display.Dispose();
        _probe?.Dispose();
        _fabric.Models.Joining = null;
        _profile?.Dispose();
        // A run that failed has what this rank saw of it.
        if (_comms is not null && _run.Comms is null) Publish(_comms.Report());
        _comms?.Dispose();
    }

    void Publish(CommsReport report)
    {
        if (!_peers.IsFirst) return;
        var target = NewTarget();
        ProfileText.Print(target, report.ToString());
        if (target.File("comms.txt") is not { } path) return;
        // As wide as it is.
        File.WriteAllText(path, report.ToString());
        ProfileText.WriteJson(Path.ChangeExtension(path, ".json"), report.WriteJson);
    }

    ProfileTarget NewTarget() => new()
    {
        Model = _module,
        Folder = _plan.Directory,
        Ledger = () => _fabric.Sharded(_module)?.Ledger,
        Samples = () => _run.Samples,
        Ranks = _peers.Size,
        Console = _plan.Options.Console ?? Spectre.Console.AnsiConsole.Console,
        Logger = _logger,
    };
}
