using System.Text.Json.Nodes;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

// What a run does for a module, part by part, each of which the module may do its own way. Whether it does is found out once, when a run starts;
// what nobody overrides is not called.
public abstract partial class TrainingModule<TBatch>
{
    /// <summary>
    /// Makes layers late, when the run's device and dtype are known: tensors made here without saying where lie on the device, in the dtype weights are kept in. Called
    /// once, before anything looks at the parameters; assign the fields here instead of in the constructor.
    /// </summary>
    protected virtual void ConfigureModel() { }

    /// <summary>Callbacks that belong to the model. One of the same class among the trainer's gives way to it.</summary>
    protected virtual IReadOnlyList<Callback> ConfigureCallbacks() => [];

    /// <summary>Changes a batch on the host, before it goes to the device. A data module that does so too has its way instead.</summary>
    protected virtual TBatch BeforeTransfer(TBatch batch) => batch;

    /// <summary>Moves a batch to the device.</summary>
    protected virtual TBatch Transfer(TBatch batch, Device device) => batch.Map(t => t.to(device, non_blocking: true));

    /// <summary>Changes a batch on the device, before the step sees it. A data module that does so too has its way instead.</summary>
    protected virtual TBatch AfterTransfer(TBatch batch) => batch;

    /// <summary>Runs the backward pass of a microbatch's loss: <c>step.Backward(loss)</c>, which divides by the microbatches of the step.</summary>
    protected virtual void Backward(TrainStep step, Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(step);
        step.Backward(loss);
    }

    /// <summary>
    /// Updates the weights, once the gradients of a step are there: <c>optimizer.Step()</c>, which clips, updates, moves the schedule on and drops the gradients.
    /// Leaving it undone keeps the weights for this step.
    /// </summary>
    protected virtual void OptimizerStep(TrainStep step, RunOptimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        optimizer.Step();
    }

    /// <summary>Clips the gradients in your own way, in place of <see cref="TrainerOptions.ClipGradients"/>; they are those of the loss, not scaled.</summary>
    protected virtual void ClipGradients(TrainStep step, RunOptimizer optimizer) { }

    /// <summary>Drops the gradients after an update.</summary>
    protected virtual void ZeroGradients(TrainStep step, RunOptimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        optimizer.ClearGradients();
    }

    /// <summary>Moves the learning rates on after an update: <c>optimizer.AdvanceSchedule()</c>.</summary>
    protected virtual void ScheduleStep(TrainStep step, RunOptimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        optimizer.AdvanceSchedule();
    }

    /// <summary>Puts the model into evaluation mode for a validation, test or prediction. Every submodule goes back to its own mode afterwards.</summary>
    protected virtual void UseEvaluationMode() => eval();

    /// <summary>The model is back in the mode it trained in, after a validation within a fit.</summary>
    protected virtual void UseTrainingMode() { }

    /// <summary>What a checkpoint keeps of the module besides its weights and metrics, as plain data; null for nothing.</summary>
    protected virtual JsonObject? SaveState() => null;

    /// <summary>Takes back what <see cref="SaveState"/> gave.</summary>
    protected virtual void LoadState(JsonObject state) { }

    internal ModuleOverrides<TBatch> Overrides() => new()
    {
        BeforeTransfer = IfOverridden(BeforeTransfer),
        Transfer = IfOverridden(Transfer),
        AfterTransfer = IfOverridden(AfterTransfer),
        Backward = IfOverridden(Backward),
        OptimizerStep = IfOverridden(OptimizerStep),
        ClipGradients = IfOverridden(ClipGradients),
        ZeroGradients = IfOverridden(ZeroGradients),
        ScheduleStep = IfOverridden(ScheduleStep),
    };

    internal void BuildModel() => ConfigureModel();

    internal IReadOnlyList<Callback> OwnCallbacks() => ConfigureCallbacks();

    internal void EnterEvaluation() => UseEvaluationMode();

    internal void LeaveEvaluation() => UseTrainingMode();

    internal JsonObject? Save() => SaveState();

    internal void Load(JsonObject state) => LoadState(state);

    static TDelegate? IfOverridden<TDelegate>(TDelegate method) where TDelegate : Delegate => HookTable.IsOverridden(method) ? method : null;
}
