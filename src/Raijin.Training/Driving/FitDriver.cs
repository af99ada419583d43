// The loop as a state machine. Its cursor says what comes next, each state does one thing and moves the cursor on, and only then is a
// checkpoint taken: a resumed run continues with the very state an uninterrupted one would have entered.
//
//   EpochStart ──► Step ──► Step ──► … ──► (Validate) ──► EpochEnd ──► EpochStart
//                   └──► (Validate) ──┘  in the middle of an epoch

using Microsoft.Extensions.Logging;
using Raijin.Tensors;

namespace Raijin.Training;

/// <summary>Drives one fit from its plan to its result.</summary>
sealed partial class FitDriver<TBatch> : IDisposable where TBatch : IBatch<TBatch>
{
    readonly RunPlan _plan;
    readonly Fabric _fabric;
    readonly TrainingModule<TBatch> _module;
    readonly DataLoaders<TBatch> _data;
    readonly IReadOnlyList<Callback> _callbacks;
    readonly HookTable _hooks;
    readonly TrainingRun _run;
    readonly StopSignal _stop;
    readonly ILogger _logger;
    readonly RunCheckpoints? _checkpoints;
    readonly Evaluator<TBatch> _evaluator;

    FitCursor _cursor = FitCursor.Start;
    BatchReader<TBatch>? _reader;
    LogPump? _pump;
    RunCard? _card;

    public FitDriver(RunPlan plan, Fabric fabric, TrainingModule<TBatch> module, DataLoaders<TBatch> data, IReadOnlyList<Callback> callbacks, RunCheckpoints? checkpoints, StopSignal stop, ILogger logger)
    {
        _plan = plan;
        _fabric = fabric;
        _module = module;
        _data = data;
        _callbacks = callbacks;
        _stop = stop;
        _logger = logger;
        _hooks = HookTable.Of(callbacks, module);
        _run = new TrainingRun(plan, module, logger);
        _evaluator = new Evaluator<TBatch>(fabric, module, _hooks, _run);
        _checkpoints = checkpoints;
        _logDue = plan.Options.Log;
        _validateDue = plan.Options.Validate;
    }

    public TrainingRun Run => _run;

    public FitCursor Cursor => _cursor;

    /// <summary>Sets up, resumes if asked, and runs to the end.</summary>
    /// <returns>Why training stopped.</returns>
    public string Fit(LoadedCheckpoint? resumeFrom, IReadOnlyList<RunLogger> loggers)
    {
        _module.EnsureRegistered();
        _fabric.Setup<TorchSharp.torch.nn.Module>(_module);
        _module.train();
        _run.Optimizers = _fabric.SetupOptimizers(_module.Configure());
        if (!_plan.Manual && _run.Optimizers.Count > 1)
            InvalidOptionsException.ThrowIfAny([new("optimizers", $"{_run.Optimizers.Count} are configured, but TrainingStep drives one: override ManualStep to drive several")]);

        _run.Clock = new RunClock(_plan.Options.Time, resumeFrom is null ? TimeSpan.Zero : RunSnapshot.ElapsedOf(resumeFrom));
        if (resumeFrom is not null) _cursor = RunSnapshot.Restore(resumeFrom, _plan, _run, _module, _callbacks);
        _run.FirstStep = _cursor.Step;
        Publish();
        if (_plan.Directory is { } directory)
        {
            var monitor = _callbacks.OfType<ModelCheckpoint>().FirstOrDefault(c => c.Monitor is not null)?.Monitor;
            _card = RunCard.Start(directory, _plan.Options.Time.GetUtcNow(), monitor?.ToString());
            _card.Write(directory, _logger);
            if (loggers.Count > 0) OpenLogs(loggers, directory);
        }

        using var scope = TensorScope.Open();
        _step = _plan.Manual ? new ManualStep(_run, scope, _fabric) : new TrainStep(_run, scope);
        if (_plan.Options.DetectAnomaly) _probe = NonFiniteProbe.Attach(_module);
        HookTable.Call(_hooks.FitStart, _run);
        if (resumeFrom is null && _plan.SanityBatches > 0) SanityCheck();
        // Hooks and set-up may have drawn random numbers: the generators go back to where the checkpoint left them at the last moment.
        if (resumeFrom is not null) RunSnapshot.RestoreRandomState(resumeFrom);
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
            if (_cursor.IsBoundary) _checkpoints?.Execute(_run, Snapshot, _hooks);
        }
        Finish();
        End(new(_stop.IsRequested ? RunStatus.Interrupted : RunStatus.Finished, ended, _run.Metrics));
        return ended;
    }

    /// <summary>Tells every callback, and the loggers, that the run failed.</summary>
    public void Fail(Exception error)
    {
        End(new(RunStatus.Failed, error.Message, _run.Metrics));
        HookTable.Call(_hooks.Exception, _run, error);
    }

    void End(RunOutcome outcome)
    {
        if (_pump is not null) _pump.Outcome = outcome;
        if (_card is null) return;
        var ended = _card with { Status = outcome.Status.ToString().ToLowerInvariant(), Reason = outcome.Reason, Ended = _plan.Options.Time.GetUtcNow() };
        (ended with { Steps = _cursor.Step, Epoch = _cursor.Epoch, Seconds = _run.Elapsed.TotalSeconds, Metrics = outcome.Metrics }).Write(_plan.Directory!, _logger);
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
        OpenReader();
        HookTable.Call(_hooks.TrainEpochStart, new TrainEpoch(_run, _cursor.Epoch, _run.Metrics));
        _cursor = _cursor with { Phase = FitPhase.Step };
    }

    void OpenReader()
    {
        _reader?.Dispose();
        _reader = _data.Train.Open(_cursor.Epoch, _cursor.Batch, _stop.BetweenSteps);
    }

    void Validate()
    {
        var random = RandomState.Capture();
        var results = _evaluator.Run(EvalPhase.Validation, _data.Validation!.Only, _plan.ValidationBatches, _stop.Token);
        if (results is null)
        {
            // Interrupted in the middle: the cursor stays, and a resumed run validates again from the same random state.
            random.Restore();
            return;
        }
        _lastValidation = _run.Elapsed;
        WriteRecord(LogScope.Epoch, results);
        _cursor = _cursor with { Phase = EpochIsOver ? FitPhase.EpochEnd : FitPhase.Step, ValidatedAt = _cursor.Step };
    }

    void EndEpoch()
    {
        var values = _run.TrainLog.ReadEpoch();
        foreach (var (key, value) in values) _run.SetMetric(key, value);
        WriteRecord(LogScope.Epoch, values);
        HookTable.Call(_hooks.TrainEpochEnd, new TrainEpoch(_run, _cursor.Epoch, _run.Metrics));
        _run.TrainLog.Reset();
        _reader?.Dispose();
        _reader = null;
        _cursor = _cursor with { Phase = FitPhase.EpochStart, Epoch = _cursor.Epoch + 1, Batch = 0 };
    }

    void SanityCheck()
    {
        var random = RandomState.Capture();
        _evaluator.Run(EvalPhase.Sanity, _data.Validation!.Only, Math.Min(_plan.SanityBatches, _plan.ValidationBatches ?? long.MaxValue), _stop.Token);
        random.Restore();
    }

    void Finish()
    {
        // The end validates what the last validation has not seen; without drawing from the run's generators, so that a
        // run that is later made longer goes on as if it had never ended here.
        if (_plan.Validates && !_stop.IsRequested && _cursor.Step > _cursor.ValidatedAt && _cursor.Step > _run.FirstStep)
        {
            var random = RandomState.Capture();
            var results = _evaluator.Run(EvalPhase.Validation, _data.Validation!.Only, _plan.ValidationBatches, _stop.Token);
            random.Restore();
            if (results is not null) WriteRecord(LogScope.Epoch, results);
        }
        if (_cursor.Batch > 0)
            foreach (var (key, value) in _run.TrainLog.ReadEpoch()) _run.SetMetric(key, value);
        HookTable.Call(_hooks.FitEnd, _run);
        _checkpoints?.Execute(_run, Snapshot, _hooks);
        _checkpoints?.Flush();
    }

    /// <summary>Why to end now: null while training goes on. Only asked, and only answered, where the state is whole.</summary>
    string? WhyEnd()
    {
        if (_stop.IsRequested) return _stop.Reason;
        if (!_cursor.IsBoundary) return null;
        var options = _plan.Options;
        if (options.MaxSteps is { } steps && _cursor.Step >= steps) return $"maxSteps = {steps} reached";
        if (_cursor.Phase == FitPhase.EpochStart && _plan.MaxEpochs is { } epochs && _cursor.Epoch >= epochs) return $"maxEpochs = {epochs} reached";
        if (options.MaxTime is { } time && _run.Elapsed >= time) return $"maxTime = {time:c} reached";
        return _run.StopReason is { } reason && _cursor.Epoch >= options.MinEpochs && _cursor.Step >= options.MinSteps ? reason : null;
    }

    CheckpointContent Snapshot() => RunSnapshot.Capture(_plan, _run, _cursor, _module, _callbacks);

    void Publish()
    {
        _run.Step = _cursor.Step;
        _run.Epoch = _cursor.Epoch;
        _run.Batch = _cursor.Batch;
        _run.Samples = _cursor.Samples;
    }

    public void Dispose()
    {
        _reader?.Dispose();
        _pump?.Dispose();
        _run.Display.Dispose();
        _probe?.Dispose();
    }
}
