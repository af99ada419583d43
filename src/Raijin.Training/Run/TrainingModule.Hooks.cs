using static TorchSharp.torch;

namespace Raijin;

// The hooks of a module: the same as a callback's (Callback says what each means), called after the callbacks'.
public abstract partial class TrainingModule<TBatch>
{
    /// <inheritdoc cref="Callback.OnSetup"/>
    public virtual void OnSetup(RunSetup setup) { }

    /// <inheritdoc cref="Callback.OnTeardown"/>
    public virtual void OnTeardown(RunSetup setup) { }

    /// <inheritdoc cref="Callback.OnFitStart"/>
    public virtual void OnFitStart(TrainingRun run) { }

    /// <inheritdoc cref="Callback.OnFitEnd"/>
    public virtual void OnFitEnd(TrainingRun run) { }

    /// <inheritdoc cref="Callback.OnException"/>
    public virtual void OnException(TrainingRun? run, Exception error) { }

    /// <inheritdoc cref="Callback.OnSanityCheckStart"/>
    public virtual void OnSanityCheckStart(TrainingRun run) { }

    /// <inheritdoc cref="Callback.OnSanityCheckEnd"/>
    public virtual void OnSanityCheckEnd(TrainingRun run) { }

    /// <inheritdoc cref="Callback.OnTrainStart"/>
    public virtual void OnTrainStart(TrainingRun run) { }

    /// <inheritdoc cref="Callback.OnTrainEnd"/>
    public virtual void OnTrainEnd(TrainingRun run) { }

    /// <inheritdoc cref="Callback.OnTrainEpochStart"/>
    public virtual void OnTrainEpochStart(TrainEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnTrainEpochEnd"/>
    public virtual void OnTrainEpochEnd(TrainEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnTrainBatchStart"/>
    public virtual void OnTrainBatchStart(TrainStep step) { }

    /// <inheritdoc cref="Callback.OnTrainBatchEnd"/>
    public virtual void OnTrainBatchEnd(TrainStep step) { }

    /// <inheritdoc cref="Callback.OnBeforeBackward"/>
    public virtual void OnBeforeBackward(TrainStep step, Tensor loss) { }

    /// <inheritdoc cref="Callback.OnAfterBackward"/>
    public virtual void OnAfterBackward(TrainStep step) { }

    /// <inheritdoc cref="Callback.OnBeforeOptimizerStep"/>
    public virtual void OnBeforeOptimizerStep(TrainStep step, RunOptimizer optimizer) { }

    /// <inheritdoc cref="Callback.OnBeforeZeroGradients"/>
    public virtual void OnBeforeZeroGradients(TrainStep step, RunOptimizer optimizer) { }

    /// <inheritdoc cref="Callback.OnTrainStepEnd"/>
    public virtual void OnTrainStepEnd(TrainStep step) { }

    /// <inheritdoc cref="Callback.OnLog"/>
    public virtual void OnLog(TrainingRun run) { }

    /// <inheritdoc cref="Callback.OnValidationStart"/>
    public virtual void OnValidationStart(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnValidationEpochStart"/>
    public virtual void OnValidationEpochStart(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnValidationBatchStart"/>
    public virtual void OnValidationBatchStart(EvalStep step) { }

    /// <inheritdoc cref="Callback.OnValidationBatchEnd"/>
    public virtual void OnValidationBatchEnd(EvalStep step) { }

    /// <inheritdoc cref="Callback.OnValidationEpochEnd"/>
    public virtual void OnValidationEpochEnd(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnValidationEnd"/>
    public virtual void OnValidationEnd(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnTestStart"/>
    public virtual void OnTestStart(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnTestEpochStart"/>
    public virtual void OnTestEpochStart(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnTestBatchStart"/>
    public virtual void OnTestBatchStart(EvalStep step) { }

    /// <inheritdoc cref="Callback.OnTestBatchEnd"/>
    public virtual void OnTestBatchEnd(EvalStep step) { }

    /// <inheritdoc cref="Callback.OnTestEpochEnd"/>
    public virtual void OnTestEpochEnd(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnTestEnd"/>
    public virtual void OnTestEnd(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnPredictStart"/>
    public virtual void OnPredictStart(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnPredictEpochStart"/>
    public virtual void OnPredictEpochStart(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnPredictBatchStart"/>
    public virtual void OnPredictBatchStart(EvalStep step) { }

    /// <inheritdoc cref="Callback.OnPredictBatchEnd"/>
    public virtual void OnPredictBatchEnd(EvalStep step, Tensor prediction) { }

    /// <inheritdoc cref="Callback.OnPredictEpochEnd"/>
    public virtual void OnPredictEpochEnd(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnPredictEnd"/>
    public virtual void OnPredictEnd(EvalEpoch epoch) { }

    /// <inheritdoc cref="Callback.OnCheckpointSaved"/>
    public virtual void OnCheckpointSaved(TrainingRun run, CheckpointInfo checkpoint) { }
}
