using System.Text.Json.Nodes;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Something that happens at the hooks of a run. Override only what you need: what nobody overrides costs nothing. State that must survive a
/// resume goes through <see cref="SaveState"/> and <see cref="LoadState"/>, tensors through <see cref="SaveTensors"/> and <see cref="LoadTensors"/>.
/// </summary>
/// <remarks>docs/guides/hooks.md shows every hook in the order of a run.</remarks>
public abstract class Callback : IRunHooks
{
    /// <summary>Callbacks of this priority and above run after the module's own hooks: those that look at what all others have logged.</summary>
    public const int AfterModule = 50;

    /// <summary>Order among callbacks: smaller first, equals as given. Early stopping runs at 90, checkpoints at 100, the progress bar at 1000.</summary>
    /// <value>Default 0.</value>
    public virtual int Priority => 0;

    /// <summary>The key of this callback's state in a checkpoint. Two callbacks of one class need different ones.</summary>
    /// <value>Default the class name.</value>
    public virtual string StateKey => GetType().Name;

    /// <summary>What of this callback's settings can't be; checked with the options, before a run starts.</summary>
    public virtual IEnumerable<OptionFault> Faults() => [];

    /// <summary>Whether it only shows the run to a person: where several ranks train, the first one has it.</summary>
    internal virtual bool IsDisplay => false;

    /// <summary>Changes the optimizers a module configured, before they are made.</summary>
    internal virtual OptimizerSetup Amend(OptimizerSetup setup, RunPlan plan) => setup;

    /// <summary>From which epochs on an optimizer step has how many microbatches; null where this callback does not say.</summary>
    internal virtual IReadOnlyList<KeyValuePair<long, int>>? AccumulationChanges => null;

    /// <summary>What to keep across a resume, as plain data; null for nothing.</summary>
    public virtual JsonObject? SaveState() => null;

    /// <summary>Takes back what <see cref="SaveState"/> gave.</summary>
    public virtual void LoadState(JsonObject state) { }

    /// <summary>Tensors to keep across a resume, by name; none by default. They stay this callback's, and are copied before the next step.</summary>
    public virtual IReadOnlyList<KeyValuePair<string, Tensor>> SaveTensors() => [];

    /// <summary>Takes back what <see cref="SaveTensors"/> gave.</summary>
    /// <param name="tensors">Freed when this returns: copy what stays.</param>
    public virtual void LoadTensors(IReadOnlyDictionary<string, Tensor> tensors) { }

    /// <summary>This rank's parts of tensors that lie divided as the weights do, for a checkpoint that all ranks write.</summary>
    /// <param name="stem">What stands before the names that <see cref="SaveTensors"/> would give them.</param>
    internal virtual IEnumerable<LogicalSlice> SaveSlices(string stem) => [];

    /// <summary>Takes back what a checkpoint holds of it, whoever wrote it: all of the tensors, or this rank's parts.</summary>
    internal virtual void TakeBack(TrainingRun run, SavedTensors saved)
    {
        var all = saved.Names.ToDictionary(name => name, saved.Read);
        if (all.Count > 0) LoadTensors(all);
    }

    /// <summary>The fit is over and its last checkpoint written; the model still lies as it trained. The last moment to change what the caller gets, with all ranks.</summary>
    internal virtual void BeforeHandover(TrainingRun run) { }

    /// <summary>A fit, validation, test or prediction is about to be set up: nothing is on a device yet, no loader was asked for its length.</summary>
    public virtual void OnSetup(RunSetup setup) { }

    /// <summary>The last call of a fit, validation, test or prediction, also of one that failed.</summary>
    public virtual void OnTeardown(RunSetup setup) { }

    /// <summary>A fit begins: everything is set up, a resumed state is loaded.</summary>
    public virtual void OnFitStart(TrainingRun run) { }

    /// <summary>A fit has ended, by itself, by a stop request or by an interrupt.</summary>
    public virtual void OnFitEnd(TrainingRun run) { }

    /// <summary>The run fails with this error, which is thrown on after all callbacks have seen it.</summary>
    /// <param name="run">The fit; null for an evaluation that stands alone.</param>
    /// <param name="error">What was thrown.</param>
    public virtual void OnException(TrainingRun? run, Exception error) { }

    /// <summary>The few validation batches before training begin.</summary>
    public virtual void OnSanityCheckStart(TrainingRun run) { }

    /// <summary>The few validation batches before training are over; their results are dropped.</summary>
    public virtual void OnSanityCheckEnd(TrainingRun run) { }

    /// <summary>Training begins, after the sanity check.</summary>
    public virtual void OnTrainStart(TrainingRun run) { }

    /// <summary>Training is over, the last validation included.</summary>
    public virtual void OnTrainEnd(TrainingRun run) { }

    /// <summary>An epoch begins.</summary>
    public virtual void OnTrainEpochStart(TrainEpoch epoch) { }

    /// <summary>An epoch has ended, its validation included.</summary>
    public virtual void OnTrainEpochEnd(TrainEpoch epoch) { }

    /// <summary>A microbatch was fetched and lies on the device.</summary>
    public virtual void OnTrainBatchStart(TrainStep step) { }

    /// <summary>A microbatch's backward pass is over.</summary>
    public virtual void OnTrainBatchEnd(TrainStep step) { }

    /// <summary>The loss is there, backward comes next.</summary>
    public virtual void OnBeforeBackward(TrainStep step, Tensor loss) { }

    /// <summary>The gradients of a microbatch are there.</summary>
    public virtual void OnAfterBackward(TrainStep step) { }

    /// <summary>All gradients of the step are there, scaled as the loss scale (if any) left them; clipping and the update come next.</summary>
    public virtual void OnBeforeOptimizerStep(TrainStep step, RunOptimizer optimizer) { }

    /// <summary>The update is done; its gradients are about to be dropped.</summary>
    public virtual void OnBeforeZeroGradients(TrainStep step, RunOptimizer optimizer) { }

    /// <summary>An optimizer step is over.</summary>
    public virtual void OnTrainStepEnd(TrainStep step) { }

    /// <summary>The step just done is about to be written: the place to <see cref="TrainingRun.Log"/> what is only worth knowing then. Steps that are not written don't come here.</summary>
    public virtual void OnLog(TrainingRun run) { }

    /// <summary>Validation (the sanity check too: see <see cref="EvalEpoch.Phase"/>) begins; the model is in evaluation mode.</summary>
    public virtual void OnValidationStart(EvalEpoch epoch) { }

    /// <summary>The first validation loader is about to be opened.</summary>
    public virtual void OnValidationEpochStart(EvalEpoch epoch) { }

    /// <summary>A validation batch was fetched and lies on the device.</summary>
    public virtual void OnValidationBatchStart(EvalStep step) { }

    /// <summary>A validation batch is over.</summary>
    public virtual void OnValidationBatchEnd(EvalStep step) { }

    /// <summary>All validation batches are over; what is logged here is among the results.</summary>
    public virtual void OnValidationEpochEnd(EvalEpoch epoch) { }

    /// <summary>Validation has ended, its metrics are computed.</summary>
    public virtual void OnValidationEnd(EvalEpoch epoch) { }

    /// <summary>A test begins.</summary>
    public virtual void OnTestStart(EvalEpoch epoch) { }

    /// <summary>The first test loader is about to be opened.</summary>
    public virtual void OnTestEpochStart(EvalEpoch epoch) { }

    /// <summary>A test batch was fetched and lies on the device.</summary>
    public virtual void OnTestBatchStart(EvalStep step) { }

    /// <summary>A test batch is over.</summary>
    public virtual void OnTestBatchEnd(EvalStep step) { }

    /// <summary>All test batches are over; what is logged here is among the results.</summary>
    public virtual void OnTestEpochEnd(EvalEpoch epoch) { }

    /// <summary>A test has ended, its metrics are computed.</summary>
    public virtual void OnTestEnd(EvalEpoch epoch) { }

    /// <summary>Prediction begins.</summary>
    public virtual void OnPredictStart(EvalEpoch epoch) { }

    /// <summary>The first loader to predict is about to be opened.</summary>
    public virtual void OnPredictEpochStart(EvalEpoch epoch) { }

    /// <summary>A batch to predict was fetched and lies on the device.</summary>
    public virtual void OnPredictBatchStart(EvalStep step) { }

    /// <summary>A batch was predicted.</summary>
    /// <param name="step">Which.</param>
    /// <param name="prediction">The model's answer; borrowed.</param>
    public virtual void OnPredictBatchEnd(EvalStep step, Tensor prediction) { }

    /// <summary>All batches were predicted.</summary>
    public virtual void OnPredictEpochEnd(EvalEpoch epoch) { }

    /// <summary>Prediction has ended.</summary>
    public virtual void OnPredictEnd(EvalEpoch epoch) { }

    /// <summary>A checkpoint was written.</summary>
    public virtual void OnCheckpointSaved(TrainingRun run, CheckpointInfo checkpoint) { }
}
