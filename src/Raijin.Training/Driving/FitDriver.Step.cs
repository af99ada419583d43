// B samples of a microbatch; a step is `window` microbatches, fewer at the end of an epoch

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

sealed partial class FitDriver<TBatch>
{
    NonFiniteProbe? _probe;
    readonly Every _logDue;
    readonly Every _validateDue;
    readonly LoggedValue _lossWatch = new("loss", Reduce.Sum);
    TrainStep _step = null!;
    TimeSpan _lastLog;
    TimeSpan _lastValidation;

    bool EpochIsOver => _epochEnded || _plan.BatchesPerEpoch is { } batches && _cursor.Batch >= batches;

    // A stream's end was met, or a hook asked to end the epoch.
    bool _epochEnded;

    /// <summary>One optimizer step, top to bottom.</summary>
    void TrainOneStep()
    {
        _profile?.StepStart(_cursor.Step, _cursor.Epoch);
        if (_reader is null) OpenReader();
        var step = _step;
        var window = _plan.WindowAt(_cursor.Epoch, _cursor.Batch);
        step.Index = _cursor.Step;
        step.Microbatches = window;
        step.LossShare = _plan.Manual ? 1.0 : 1.0 / window;
        step.Tokens = 0;
        step.IsWritten = _isLogged && _logDue.IsDueAfterStep(_cursor.Step + 1, _run.Elapsed - _lastLog);
        _run.TrainLog.BeginStep();
        _epochEnded = false;
        _fabric.Models.HasJoined = false;
        if (_run.Rich.IsUsed) _run.Rich.IsStepDue = step.IsWritten;

        var done = 0;
        var backward = 0;
        var samples = 0L;
        while (done < window)
        {
            // The last microbatch's tensors live until the step's end, where hooks may still want them.
            if (done > 0) step.Scope.Free();
            _profile?.Mark(ProfilePhase.Fetch);
            if (!Fetch(done)) break;
            // From the first microbatch on, the step is finished whatever comes: a stop waits for its end.
            if (done == 0 && _peers.IsAlone && !_stop.TryBeginStep()) break;
            _profile?.Mark(ProfilePhase.Transfer);
            var batch = _placement.Place(_reader!.Current);
            step.Microbatch = done;
            // Gradients stay here until the step's last microbatch has its own; under manual optimisation the step says when.
            if (!_plan.Manual) _fabric.Models.Synchronizes = done == window - 1;
            step.Samples = batch.Count;
            HookTable.Call(_hooks.TrainBatchStart, step);
            _profile?.Mark(ProfilePhase.Forward);
            if (_plan.Manual) TrainManually(batch, step);
            else if (_run.Optimizers[0].EvaluatesLoss) Minimize(batch, step);
            else
            {
                _fabric.Models.HasJoined = false;
                if (ForwardAndBackward(batch, step)) backward++;
                // What a rank passed over, it still brings to where all ranks' gradients meet.
                if (!_fabric.Models.HasJoined && _fabric.Models.Stage >= 2) _fabric.Models.Join();
            }
            HookTable.Call(_hooks.TrainBatchEnd, step);
            step.Published.Clear();
            samples += batch.Count;
            done++;
            _run.Batch++;
            _run.Batches++;
            // Several ranks end their epoch with the step: whoever asks for it has the others' microbatches to match.
            if (step.EpochEndRequested && _peers.IsAlone) break;
        }
        if (done == 0 && !_epochEnded)
        {
            // Stopped before the step began: the batch, if one was fetched, is fetched again by whoever resumes.
            step.Scope.Free();
            return;
        }

        double gradients = backward;
        if (!_peers.IsAlone)
        {
            if (!_plan.Manual && !_run.Optimizers[0].EvaluatesLoss && !_fabric.Models.HasJoined) _fabric.Models.Join();
            Meet(new StepAgreement { Gradients = backward, Samples = samples, Tokens = step.Tokens, EpochEnds = step.EpochEndRequested || _epochEnded ? 1 : 0 }, _cursor.Step + 1);
            _hasMet = true;
            (gradients, samples, step.Tokens) = (_agreed.Gradients, (long)_agreed.Samples, (long)_agreed.Tokens);
            // A rank without a batch takes part in the step of those that have one.
            if (samples > 0 && done == 0) done = 1;
            _epochEnded = _agreed.EpochEnds > 0;
            // What a hook asks for from here on is heard of at the next step.
            step.EpochEndRequested = false;
        }
        else if (_fabric.Models.Any && backward > 0 && !_fabric.Models.HasJoined)
        {
            _fabric.Models.Join();
        }

        // A window that ended early, or of which microbatches were passed over, made fewer gradients than the loss was divided by.
        if (gradients > 0) UpdateWeights(step, rescale: (double)window * _peers.Size / gradients);

        if (done > 0)
        {
            var isStep = _plan.Manual || gradients > 0 || _run.Optimizers[0].EvaluatesLoss;
            _cursor = _cursor with
            {
                Batch = _cursor.Batch + done,
                Batches = _cursor.Batches + done,
                Step = _cursor.Step + (isStep ? 1 : 0),
                Samples = _cursor.Samples + samples,
                Tokens = _cursor.Tokens + step.Tokens,
            };
            Publish();
            _profile?.Mark(ProfilePhase.Log);
            if (isStep)
            {
                HookTable.Call(_hooks.TrainStepEnd, step);
                WriteStepIfDue(step);
            }
            _stop.EndStep();
        }
        if (step.EpochEndRequested && _peers.IsAlone)
        {
            step.EpochEndRequested = false;
            _epochEnded = true;
        }
        _profile?.Mark(ProfilePhase.Loop);
        step.Scope.Free();
        _profile?.StepEnd();

        var validate = _plan.Validates && _cursor.Step > _cursor.ValidatedAt
            && (done > 0 && _validateDue.IsDueAfterStep(StepForValidation, _run.Elapsed - _lastValidation) || EpochIsOver && _validateDue.IsDueAfterEpoch(_cursor.Epoch));
        if (validate || EpochIsOver) _cursor = _cursor with { Phase = validate ? FitPhase.Validate : FitPhase.EpochEnd };
    }

    /// <summary>The steps that are counted to the next validation: those of the epoch where its parts are counted.</summary>
    long StepForValidation => _plan.Options.Validate.IsPartOfEpoch ? (_cursor.Batch + _plan.AccumulationIn(_cursor.Epoch) - 1) / _plan.AccumulationIn(_cursor.Epoch) : _cursor.Step;

    /// <returns>Whether there are gradients of the microbatch: not where the step gave no loss.</returns>
    bool ForwardAndBackward(TBatch batch, TrainStep step)
    {
        Tensor? loss;
        using (_fabric.Forward()) loss = _module.Train(batch, step);
        if (loss is null) return false;
        CheckLoss(loss, step);
        HookTable.Call(_hooks.BeforeBackward, step, loss);
        if (step.SkipRequested)
        {
            step.SkipRequested = false;
            return false;
        }
        CheckFinite(loss, step);
        _profile?.Mark(ProfilePhase.Backward);
        if (_overrides.Backward is { } own) own(step, loss);
        else _fabric.Backward(loss, step.LossShare);
        HookTable.Call(_hooks.AfterBackward, step);
        return true;
    }

    /// <summary>A step of an optimizer that asks for the loss of one batch again and again.</summary>
    void Minimize(TBatch batch, TrainStep step) => _run.Optimizers[0].Step(() =>
    {
        // What one evaluation makes is freed before the next.
        using var evaluation = TensorScope.Open();
        _run.TrainLog.BeginStep();
        Tensor? loss;
        using (_fabric.Forward()) loss = _module.Train(batch, step);
        if (loss is null) throw new InvalidOperationException($"{_module.GetName()}.TrainingStep gave no loss at step {step.Index}, but L-BFGS can't pass over a batch in the middle of a step.");
        CheckLoss(loss, step);
        HookTable.Call(_hooks.BeforeBackward, step, loss);
        if (_overrides.Backward is { } own) own(step, loss);
        else _fabric.Backward(loss);
        HookTable.Call(_hooks.AfterBackward, step);
        return ScalarReader.TryRead(loss, out var value) ? value : loss.to(ScalarType.Float64).item<double>();
    });

    void UpdateWeights(TrainStep step, double rescale)
    {
        _profile?.Mark(ProfilePhase.Optimizer);
        var optimizer = _run.Optimizers[0];
        optimizer.GradientRescale = rescale;
        if (_overrides.OptimizerStep is { } own) own(step, optimizer);
        else optimizer.Step();
        _run.GradientNorm = optimizer.LastGradientNorm;
    }

    /// <summary>Has an optimizer's updates call the hooks and overrides there are, whoever makes them: the driver or a manual step.</summary>
    void Connect(RunOptimizer optimizer)
    {
        if (_hooks.BeforeOptimizerStep.Count > 0) optimizer.BeforeStep = o => HookTable.Call(_hooks.BeforeOptimizerStep, _step, o);
        if (_hooks.BeforeZeroGradients.Count > 0) optimizer.BeforeClear = o => HookTable.Call(_hooks.BeforeZeroGradients, _step, o);
        if (_overrides.ClipGradients is { } clip) optimizer.OwnClipping = o => clip(_step, o);
        if (_overrides.ZeroGradients is { } zero) optimizer.OwnClearing = o => zero(_step, o);
        if (_overrides.ScheduleStep is { } schedule) optimizer.OwnSchedule = o => schedule(_step, o);
    }

    void TrainManually(TBatch batch, TrainStep step) => _module.TrainManually(batch, (ManualStep)step);

    bool Fetch(int done)
    {
        try
        {
            if (_reader!.MoveNext()) return true;
        }
        catch (OperationCanceledException) when (_stop.IsRequested && done == 0)
        {
            return false;
        }
        if (_plan.BatchesPerEpoch is { } expected)
            throw new InvalidOperationException(
                $"The training loader ended epoch {_cursor.Epoch} after {_cursor.Batch + done} batches, but said it has {expected} per epoch. A loader's length must be what it delivers.");
        _epochEnded = true;
        return false;
    }

    void CheckLoss(Tensor loss, TrainStep step)
    {
        TensorGuard.ThrowIfFreed(loss);
        _fabric.Models.ThrowIfReleased(loss);
        if (loss.NumberOfElements != 1)
            ShapeMismatchException.Throw("TrainingStep's loss", "a scalar", $"[{string.Join(", ", loss.shape)}] {loss.dtype}", "Reduce it, with mean() for example.");
        if (!loss.requires_grad)
            throw new InvalidOperationException($"{_module.GetName()}.TrainingStep returned a loss without a gradient at step {step.Index}: it was detached, computed under no_grad, or touches no parameter.");
    }

    /// <summary>Meets a loss that is not finite before it reaches the weights; hooks have had their say by now.</summary>
    void CheckFinite(Tensor loss, TrainStep step)
    {
        // Under a loss scale an infinite loss is the scaler's business: the step is skipped and the scale halved.
        if (_fabric.Scaler is not null) return;
        if (ScalarReader.TryRead(loss, out var value))
        {
            if (!double.IsFinite(value)) ThrowNonFinite(value, step.Index);
        }
        else
        {
            // On another device the value is looked at when logs are read back anyway.
            _lossWatch.Add(loss, 1, step.Index);
        }
    }

    void ThrowNonFinite(double value, long step) =>
        throw new NonFiniteLossException(value, step, _cursor.Epoch, _run.Batch, _probe?.First, _plan.Options.DetectAnomaly);

    void WriteStepIfDue(TrainStep step)
    {
        if (!step.IsWritten && !(!_isLogged && _logDue.IsDueAfterStep(_cursor.Step, _run.Elapsed - _lastLog))) return;
        _lastLog = _run.Elapsed;
        if (_lossWatch.HasValue)
        {
            var sum = _lossWatch.ReadAccumulated();
            _lossWatch.Reset();
            if (!double.IsFinite(sum)) ThrowNonFinite(sum, step.Index);
        }
        if (_pump is not null)
        {
            HookTable.Call(_hooks.Log, _run);
            WriteRecord(LogScope.Step, _run.TrainLog.ReadStep(step.Index));
        }
        _run.StepValues.Clear();
    }

    void WriteRecord(LogScope scope, List<KeyValuePair<string, double>> values)
    {
        if (_pump is null) return;
        values.AddRange(_run.StepValues);
        _run.StepValues.Clear();
        if (values.Count > 0) _pump.Post(new LogRecord(scope, _cursor.Step, _cursor.Epoch, _run.Elapsed, values));
    }
}
