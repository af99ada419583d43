using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Something that happens at the hooks of a run. Override only what you need: what nobody overrides costs nothing. State that must survive a
/// resume goes through <see cref="SaveState"/> and <see cref="LoadState"/>.
/// </summary>
public abstract class Callback
{
    /// <summary>Order among callbacks: smaller first, equals as given. Checkpoints run last, at 100.</summary>
    /// <value>Default 0.</value>
    public virtual int Priority => 0;

    /// <summary>The key of this callback's state in a checkpoint. Two callbacks of one class need different ones.</summary>
    /// <value>Default the class name.</value>
    public virtual string StateKey => GetType().Name;

    /// <summary>What to keep across a resume, as plain data; null for nothing.</summary>
    public virtual JsonObject? SaveState() => null;

    /// <summary>Takes back what <see cref="SaveState"/> gave.</summary>
    public virtual void LoadState(JsonObject state) { }

    /// <summary>Training begins: everything is set up, a resumed state is loaded.</summary>
    public virtual void OnFitStart(TrainingRun run) { }

    /// <summary>Training has ended, by itself, by a stop request or by an interrupt.</summary>
    public virtual void OnFitEnd(TrainingRun run) { }

    /// <summary>The run fails with this error, which is thrown on after all callbacks have seen it.</summary>
    public virtual void OnException(TrainingRun run, Exception error) { }

    /// <summary>An epoch begins.</summary>
    public virtual void OnTrainEpochStart(TrainEpoch epoch) { }

    /// <summary>An epoch has ended, its validation included.</summary>
    public virtual void OnTrainEpochEnd(TrainEpoch epoch) { }

    /// <summary>A microbatch was fetched.</summary>
    public virtual void OnTrainBatchStart(TrainStep step) { }

    /// <summary>A microbatch's backward pass is over.</summary>
    public virtual void OnTrainBatchEnd(TrainStep step) { }

    /// <summary>The loss is there, backward comes next.</summary>
    public virtual void OnBeforeBackward(TrainStep step, Tensor loss) { }

    /// <summary>The gradients of a microbatch are there.</summary>
    public virtual void OnAfterBackward(TrainStep step) { }

    /// <summary>All gradients of the step are there; clipping and the update come next.</summary>
    public virtual void OnBeforeOptimizerStep(TrainStep step) { }

    /// <summary>An optimizer step is over.</summary>
    public virtual void OnTrainStepEnd(TrainStep step) { }

    /// <summary>The step just done is about to be written: the place to <see cref="TrainingRun.Log"/> what is only worth knowing then. Steps that are not written don't come here.</summary>
    public virtual void OnLog(TrainingRun run) { }

    /// <summary>Validation (the sanity validation and tests too: see <see cref="EvalEpoch.Phase"/>) begins.</summary>
    public virtual void OnValidationStart(EvalEpoch epoch) { }

    /// <summary>A validation batch is over.</summary>
    public virtual void OnValidationBatchEnd(EvalStep step) { }

    /// <summary>Validation has ended, its metrics are computed.</summary>
    public virtual void OnValidationEnd(EvalEpoch epoch) { }

    /// <summary>A checkpoint was written.</summary>
    public virtual void OnCheckpointSaved(TrainingRun run, CheckpointInfo checkpoint) { }

    internal void AddHooks(HookTable hooks)
    {
        hooks.Add(hooks.FitStart, OnFitStart);
        hooks.Add(hooks.FitEnd, OnFitEnd);
        hooks.Add(hooks.Exception, OnException);
        hooks.Add(hooks.TrainEpochStart, OnTrainEpochStart);
        hooks.Add(hooks.TrainEpochEnd, OnTrainEpochEnd);
        hooks.Add(hooks.TrainBatchStart, OnTrainBatchStart);
        hooks.Add(hooks.TrainBatchEnd, OnTrainBatchEnd);
        hooks.Add(hooks.BeforeBackward, OnBeforeBackward);
        hooks.Add(hooks.AfterBackward, OnAfterBackward);
        hooks.Add(hooks.BeforeOptimizerStep, OnBeforeOptimizerStep);
        hooks.Add(hooks.TrainStepEnd, OnTrainStepEnd);
        hooks.Add(hooks.Log, OnLog);
        hooks.Add(hooks.ValidationStart, OnValidationStart);
        hooks.Add(hooks.ValidationBatchEnd, OnValidationBatchEnd);
        hooks.Add(hooks.ValidationEnd, OnValidationEnd);
        hooks.Add(hooks.CheckpointSaved, OnCheckpointSaved);
    }
}
