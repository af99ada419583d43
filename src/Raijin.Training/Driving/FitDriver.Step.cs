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

    bool EpochIsOver => _plan.BatchesPerEpoch is { } batches ? _cursor.Batch >= batches : _streamEnded;

    bool _streamEnded;

    /// <summary>One optimizer step, top to bottom.</summary>
    void TrainOneStep()
    {
        if (_reader is null) OpenReader();
        var step = _step;
        var window = _plan.WindowAt(_cursor.Batch);
        step.Index = _cursor.Step;
        step.Microbatches = window;
        _run.TrainLog.BeginStep();
        if (_run.Rich.IsUsed) _run.Rich.IsStepDue = _logDue.IsDueAfterStep(_cursor.Step + 1, _run.Elapsed - _lastLog);
        _streamEnded = false;

        var done = 0;
        var samples = 0L;
        while (done < window)
        {
            // The last microbatch's tensors live until the step's end, where hooks may still want them.
            if (done > 0) step.Scope.Free();
            if (!Fetch(done)) break;
            // From the first microbatch on, the step is finished whatever comes: a stop waits for its end.
            if (done == 0 && !_stop.TryBeginStep()) break;
            var batch = _fabric.Place(_reader!.Current);
            step.Microbatch = done;
            step.Samples = batch.Count;
            HookTable.Call(_hooks.TrainBatchStart, step);
            if (_plan.Manual) TrainManually(batch, step);
            else ForwardAndBackward(batch, step, window);
            HookTable.Call(_hooks.TrainBatchEnd, step);
            samples += batch.Count;
            done++;
            _run.Batch++;
        }
        if (done == 0 && !_streamEnded)
        {
            // Stopped before the step began: the batch, if one was fetched, is fetched again by whoever resumes.
            step.Scope.Free();
            return;
        }

        if (done > 0 && !_plan.Manual)
        {
            HookTable.Call(_hooks.BeforeOptimizerStep, step);
            // A stream that ended within the window made fewer gradients than the loss was divided by.
            _run.GradientNorm = _run.Optimizers[0].Step(rescale: done == window ? 1.0 : (double)window / done);
        }

        if (done > 0)
        {
            _cursor = _cursor with { Batch = _cursor.Batch + done, Step = _cursor.Step + 1, Samples = _cursor.Samples + samples };
            Publish();
            HookTable.Call(_hooks.TrainStepEnd, step);
            WriteStepIfDue(step);
            _stop.EndStep();
        }
        step.Scope.Free();

        var validate = _plan.Validates && _cursor.Step > _cursor.ValidatedAt
            && (done > 0 && _validateDue.IsDueAfterStep(_cursor.Step, _run.Elapsed - _lastValidation) || EpochIsOver && _validateDue.IsDueAfterEpoch(_cursor.Epoch));
        if (validate || EpochIsOver) _cursor = _cursor with { Phase = validate ? FitPhase.Validate : FitPhase.EpochEnd };
    }

    void ForwardAndBackward(TBatch batch, TrainStep step, int window)
    {
        Tensor loss;
        using (_fabric.Forward()) loss = _module.Train(batch, step);
        CheckLoss(loss, step);
        HookTable.Call(_hooks.BeforeBackward, step, loss);
        _fabric.Backward(loss, scale: 1.0 / window);
        HookTable.Call(_hooks.AfterBackward, step);
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
        _streamEnded = true;
        return false;
    }

    void CheckLoss(Tensor loss, TrainStep step)
    {
        if (loss is null) throw new InvalidOperationException($"{_module.GetName()}.TrainingStep returned null at step {step.Index}: return the loss, a scalar with a gradient.");
        TensorGuard.ThrowIfFreed(loss);
        if (loss.NumberOfElements != 1)
            ShapeMismatchException.Throw("TrainingStep's loss", "a scalar", $"[{string.Join(", ", loss.shape)}] {loss.dtype}", "Reduce it, with mean() for example.");
        if (!loss.requires_grad)
            throw new InvalidOperationException($"{_module.GetName()}.TrainingStep returned a loss without a gradient at step {step.Index}: it was detached, computed under no_grad, or touches no parameter.");
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
        if (!_logDue.IsDueAfterStep(_cursor.Step, _run.Elapsed - _lastLog)) return;
        _lastLog = _run.Elapsed;
        if (_lossWatch.HasValue)
        {
            var sum = _lossWatch.ReadEpoch();
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
