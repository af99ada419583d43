using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>
/// Every hook of a run, once: what a <see cref="Callback"/> and a <see cref="TrainingModule{TBatch}"/> may override. <see cref="HookTable"/> reads both through
/// it, so that neither list can be longer than the other.
/// </summary>
interface IRunHooks
{
    /// <summary>Whether an overridden hook has anything to do.</summary>
    bool Listens(string hook) => true;

    void OnSetup(RunSetup setup);
    void OnTeardown(RunSetup setup);
    void OnFitStart(TrainingRun run);
    void OnFitEnd(TrainingRun run);
    void OnException(TrainingRun? run, Exception error);
    void OnSanityCheckStart(TrainingRun run);
    void OnSanityCheckEnd(TrainingRun run);
    void OnTrainStart(TrainingRun run);
    void OnTrainEnd(TrainingRun run);
    void OnTrainEpochStart(TrainEpoch epoch);
    void OnTrainEpochEnd(TrainEpoch epoch);
    void OnTrainBatchStart(TrainStep step);
    void OnTrainBatchEnd(TrainStep step);
    void OnBeforeBackward(TrainStep step, Tensor loss);
    void OnAfterBackward(TrainStep step);
    void OnBeforeOptimizerStep(TrainStep step, RunOptimizer optimizer);
    void OnBeforeZeroGradients(TrainStep step, RunOptimizer optimizer);
    void OnTrainStepEnd(TrainStep step);
    void OnLog(TrainingRun run);
    void OnValidationStart(EvalEpoch epoch);
    void OnValidationEpochStart(EvalEpoch epoch);
    void OnValidationBatchStart(EvalStep step);
    void OnValidationBatchEnd(EvalStep step);
    void OnValidationEpochEnd(EvalEpoch epoch);
    void OnValidationEnd(EvalEpoch epoch);
    void OnTestStart(EvalEpoch epoch);
    void OnTestEpochStart(EvalEpoch epoch);
    void OnTestBatchStart(EvalStep step);
    void OnTestBatchEnd(EvalStep step);
    void OnTestEpochEnd(EvalEpoch epoch);
    void OnTestEnd(EvalEpoch epoch);
    void OnPredictStart(EvalEpoch epoch);
    void OnPredictEpochStart(EvalEpoch epoch);
    void OnPredictBatchStart(EvalStep step);
    void OnPredictBatchEnd(EvalStep step, Tensor prediction);
    void OnPredictEpochEnd(EvalEpoch epoch);
    void OnPredictEnd(EvalEpoch epoch);
    void OnCheckpointSaved(TrainingRun run, CheckpointInfo checkpoint);
}
