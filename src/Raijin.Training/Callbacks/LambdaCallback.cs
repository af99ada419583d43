using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>A callback made of functions, for the few lines that need no class of their own: <c>new LambdaCallback { TrainEpochEnd = e => … }</c>. Only those that are set are called.</summary>
public sealed class LambdaCallback : Callback, IRunHooks
{
    /// <inheritdoc cref="Callback.OnSetup"/>
    public Action<RunSetup>? Setup { get; init; }

    /// <inheritdoc cref="Callback.OnTeardown"/>
    public Action<RunSetup>? Teardown { get; init; }

    /// <inheritdoc cref="Callback.OnFitStart"/>
    public Action<TrainingRun>? FitStart { get; init; }

    /// <inheritdoc cref="Callback.OnFitEnd"/>
    public Action<TrainingRun>? FitEnd { get; init; }

    /// <inheritdoc cref="Callback.OnException"/>
    public Action<TrainingRun?, Exception>? Exception { get; init; }

    /// <inheritdoc cref="Callback.OnSanityCheckStart"/>
    public Action<TrainingRun>? SanityCheckStart { get; init; }

    /// <inheritdoc cref="Callback.OnSanityCheckEnd"/>
    public Action<TrainingRun>? SanityCheckEnd { get; init; }

    /// <inheritdoc cref="Callback.OnTrainStart"/>
    public Action<TrainingRun>? TrainStart { get; init; }

    /// <inheritdoc cref="Callback.OnTrainEnd"/>
    public Action<TrainingRun>? TrainEnd { get; init; }

    /// <inheritdoc cref="Callback.OnTrainEpochStart"/>
    public Action<TrainEpoch>? TrainEpochStart { get; init; }

    /// <inheritdoc cref="Callback.OnTrainEpochEnd"/>
    public Action<TrainEpoch>? TrainEpochEnd { get; init; }

    /// <inheritdoc cref="Callback.OnTrainBatchStart"/>
    public Action<TrainStep>? TrainBatchStart { get; init; }

    /// <inheritdoc cref="Callback.OnTrainBatchEnd"/>
    public Action<TrainStep>? TrainBatchEnd { get; init; }

    /// <inheritdoc cref="Callback.OnBeforeBackward"/>
    public Action<TrainStep, Tensor>? BeforeBackward { get; init; }

    /// <inheritdoc cref="Callback.OnAfterBackward"/>
    public Action<TrainStep>? AfterBackward { get; init; }

    /// <inheritdoc cref="Callback.OnBeforeOptimizerStep"/>
    public Action<TrainStep, RunOptimizer>? BeforeOptimizerStep { get; init; }

    /// <inheritdoc cref="Callback.OnBeforeZeroGradients"/>
    public Action<TrainStep, RunOptimizer>? BeforeZeroGradients { get; init; }

    /// <inheritdoc cref="Callback.OnTrainStepEnd"/>
    public Action<TrainStep>? TrainStepEnd { get; init; }

    /// <inheritdoc cref="Callback.OnLog"/>
    public Action<TrainingRun>? Log { get; init; }

    /// <inheritdoc cref="Callback.OnValidationStart"/>
    public Action<EvalEpoch>? ValidationStart { get; init; }

    /// <inheritdoc cref="Callback.OnValidationEpochStart"/>
    public Action<EvalEpoch>? ValidationEpochStart { get; init; }

    /// <inheritdoc cref="Callback.OnValidationBatchStart"/>
    public Action<EvalStep>? ValidationBatchStart { get; init; }

    /// <inheritdoc cref="Callback.OnValidationBatchEnd"/>
    public Action<EvalStep>? ValidationBatchEnd { get; init; }

    /// <inheritdoc cref="Callback.OnValidationEpochEnd"/>
    public Action<EvalEpoch>? ValidationEpochEnd { get; init; }

    /// <inheritdoc cref="Callback.OnValidationEnd"/>
    public Action<EvalEpoch>? ValidationEnd { get; init; }

    /// <inheritdoc cref="Callback.OnTestStart"/>
    public Action<EvalEpoch>? TestStart { get; init; }

    /// <inheritdoc cref="Callback.OnTestEpochStart"/>
    public Action<EvalEpoch>? TestEpochStart { get; init; }

    /// <inheritdoc cref="Callback.OnTestBatchStart"/>
    public Action<EvalStep>? TestBatchStart { get; init; }

    /// <inheritdoc cref="Callback.OnTestBatchEnd"/>
    public Action<EvalStep>? TestBatchEnd { get; init; }

    /// <inheritdoc cref="Callback.OnTestEpochEnd"/>
    public Action<EvalEpoch>? TestEpochEnd { get; init; }

    /// <inheritdoc cref="Callback.OnTestEnd"/>
    public Action<EvalEpoch>? TestEnd { get; init; }

    /// <inheritdoc cref="Callback.OnPredictStart"/>
    public Action<EvalEpoch>? PredictStart { get; init; }

    /// <inheritdoc cref="Callback.OnPredictEpochStart"/>
    public Action<EvalEpoch>? PredictEpochStart { get; init; }

    /// <inheritdoc cref="Callback.OnPredictBatchStart"/>
    public Action<EvalStep>? PredictBatchStart { get; init; }

    /// <inheritdoc cref="Callback.OnPredictBatchEnd"/>
    public Action<EvalStep, Tensor>? PredictBatchEnd { get; init; }

    /// <inheritdoc cref="Callback.OnPredictEpochEnd"/>
    public Action<EvalEpoch>? PredictEpochEnd { get; init; }

    /// <inheritdoc cref="Callback.OnPredictEnd"/>
    public Action<EvalEpoch>? PredictEnd { get; init; }

    /// <inheritdoc cref="Callback.OnCheckpointSaved"/>
    public Action<TrainingRun, CheckpointInfo>? CheckpointSaved { get; init; }

    /// <inheritdoc/>
    public override void OnSetup(RunSetup setup) => Setup?.Invoke(setup);

    /// <inheritdoc/>
    public override void OnTeardown(RunSetup setup) => Teardown?.Invoke(setup);

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run) => FitStart?.Invoke(run);

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingRun run) => FitEnd?.Invoke(run);

    /// <inheritdoc/>
    public override void OnException(TrainingRun? run, Exception error) => Exception?.Invoke(run, error);

    /// <inheritdoc/>
    public override void OnSanityCheckStart(TrainingRun run) => SanityCheckStart?.Invoke(run);

    /// <inheritdoc/>
    public override void OnSanityCheckEnd(TrainingRun run) => SanityCheckEnd?.Invoke(run);

    /// <inheritdoc/>
    public override void OnTrainStart(TrainingRun run) => TrainStart?.Invoke(run);

    /// <inheritdoc/>
    public override void OnTrainEnd(TrainingRun run) => TrainEnd?.Invoke(run);

    /// <inheritdoc/>
    public override void OnTrainEpochStart(TrainEpoch epoch) => TrainEpochStart?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainEpoch epoch) => TrainEpochEnd?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnTrainBatchStart(TrainStep step) => TrainBatchStart?.Invoke(step);

    /// <inheritdoc/>
    public override void OnTrainBatchEnd(TrainStep step) => TrainBatchEnd?.Invoke(step);

    /// <inheritdoc/>
    public override void OnBeforeBackward(TrainStep step, Tensor loss) => BeforeBackward?.Invoke(step, loss);

    /// <inheritdoc/>
    public override void OnAfterBackward(TrainStep step) => AfterBackward?.Invoke(step);

    /// <inheritdoc/>
    public override void OnBeforeOptimizerStep(TrainStep step, RunOptimizer optimizer) => BeforeOptimizerStep?.Invoke(step, optimizer);

    /// <inheritdoc/>
    public override void OnBeforeZeroGradients(TrainStep step, RunOptimizer optimizer) => BeforeZeroGradients?.Invoke(step, optimizer);

    /// <inheritdoc/>
    public override void OnTrainStepEnd(TrainStep step) => TrainStepEnd?.Invoke(step);

    /// <inheritdoc/>
    public override void OnLog(TrainingRun run) => Log?.Invoke(run);

    /// <inheritdoc/>
    public override void OnValidationStart(EvalEpoch epoch) => ValidationStart?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnValidationEpochStart(EvalEpoch epoch) => ValidationEpochStart?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnValidationBatchStart(EvalStep step) => ValidationBatchStart?.Invoke(step);

    /// <inheritdoc/>
    public override void OnValidationBatchEnd(EvalStep step) => ValidationBatchEnd?.Invoke(step);

    /// <inheritdoc/>
    public override void OnValidationEpochEnd(EvalEpoch epoch) => ValidationEpochEnd?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnValidationEnd(EvalEpoch epoch) => ValidationEnd?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnTestStart(EvalEpoch epoch) => TestStart?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnTestEpochStart(EvalEpoch epoch) => TestEpochStart?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnTestBatchStart(EvalStep step) => TestBatchStart?.Invoke(step);

    /// <inheritdoc/>
    public override void OnTestBatchEnd(EvalStep step) => TestBatchEnd?.Invoke(step);

    /// <inheritdoc/>
    public override void OnTestEpochEnd(EvalEpoch epoch) => TestEpochEnd?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnTestEnd(EvalEpoch epoch) => TestEnd?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnPredictStart(EvalEpoch epoch) => PredictStart?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnPredictEpochStart(EvalEpoch epoch) => PredictEpochStart?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnPredictBatchStart(EvalStep step) => PredictBatchStart?.Invoke(step);

    /// <inheritdoc/>
    public override void OnPredictBatchEnd(EvalStep step, Tensor prediction) => PredictBatchEnd?.Invoke(step, prediction);

    /// <inheritdoc/>
    public override void OnPredictEpochEnd(EvalEpoch epoch) => PredictEpochEnd?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnPredictEnd(EvalEpoch epoch) => PredictEnd?.Invoke(epoch);

    /// <inheritdoc/>
    public override void OnCheckpointSaved(TrainingRun run, CheckpointInfo checkpoint) => CheckpointSaved?.Invoke(run, checkpoint);

    bool IRunHooks.Listens(string hook) => hook switch
    {
        nameof(OnSetup) => Setup is not null,
        nameof(OnTeardown) => Teardown is not null,
        nameof(OnFitStart) => FitStart is not null,
        nameof(OnFitEnd) => FitEnd is not null,
        nameof(OnException) => Exception is not null,
        nameof(OnSanityCheckStart) => SanityCheckStart is not null,
        nameof(OnSanityCheckEnd) => SanityCheckEnd is not null,
        nameof(OnTrainStart) => TrainStart is not null,
        nameof(OnTrainEnd) => TrainEnd is not null,
        nameof(OnTrainEpochStart) => TrainEpochStart is not null,
        nameof(OnTrainEpochEnd) => TrainEpochEnd is not null,
        nameof(OnTrainBatchStart) => TrainBatchStart is not null,
        nameof(OnTrainBatchEnd) => TrainBatchEnd is not null,
        nameof(OnBeforeBackward) => BeforeBackward is not null,
        nameof(OnAfterBackward) => AfterBackward is not null,
        nameof(OnBeforeOptimizerStep) => BeforeOptimizerStep is not null,
        nameof(OnBeforeZeroGradients) => BeforeZeroGradients is not null,
        nameof(OnTrainStepEnd) => TrainStepEnd is not null,
        nameof(OnLog) => Log is not null,
        nameof(OnValidationStart) => ValidationStart is not null,
        nameof(OnValidationEpochStart) => ValidationEpochStart is not null,
        nameof(OnValidationBatchStart) => ValidationBatchStart is not null,
        nameof(OnValidationBatchEnd) => ValidationBatchEnd is not null,
        nameof(OnValidationEpochEnd) => ValidationEpochEnd is not null,
        nameof(OnValidationEnd) => ValidationEnd is not null,
        nameof(OnTestStart) => TestStart is not null,
        nameof(OnTestEpochStart) => TestEpochStart is not null,
        nameof(OnTestBatchStart) => TestBatchStart is not null,
        nameof(OnTestBatchEnd) => TestBatchEnd is not null,
        nameof(OnTestEpochEnd) => TestEpochEnd is not null,
        nameof(OnTestEnd) => TestEnd is not null,
        nameof(OnPredictStart) => PredictStart is not null,
        nameof(OnPredictEpochStart) => PredictEpochStart is not null,
        nameof(OnPredictBatchStart) => PredictBatchStart is not null,
        nameof(OnPredictBatchEnd) => PredictBatchEnd is not null,
        nameof(OnPredictEpochEnd) => PredictEpochEnd is not null,
        nameof(OnPredictEnd) => PredictEnd is not null,
        nameof(OnCheckpointSaved) => CheckpointSaved is not null,
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
