using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Driving;

/// <summary>Writes down every hook it is called at: <c>cb</c> and the hook's name.</summary>
sealed class RecordingCallback(List<string> calls) : Callback
{
    public override void OnSetup(RunSetup setup) => calls.Add($"cb Setup {setup.Stage}");
    public override void OnTeardown(RunSetup setup) => calls.Add($"cb Teardown {setup.Stage}");
    public override void OnFitStart(TrainingRun run) => calls.Add("cb FitStart");
    public override void OnFitEnd(TrainingRun run) => calls.Add("cb FitEnd");
    public override void OnException(TrainingRun? run, Exception error) => calls.Add("cb Exception");
    public override void OnSanityCheckStart(TrainingRun run) => calls.Add("cb SanityCheckStart");
    public override void OnSanityCheckEnd(TrainingRun run) => calls.Add("cb SanityCheckEnd");
    public override void OnTrainStart(TrainingRun run) => calls.Add("cb TrainStart");
    public override void OnTrainEnd(TrainingRun run) => calls.Add("cb TrainEnd");
    public override void OnTrainEpochStart(TrainEpoch epoch) => calls.Add($"cb TrainEpochStart {epoch.Index}");
    public override void OnTrainEpochEnd(TrainEpoch epoch) => calls.Add($"cb TrainEpochEnd {epoch.Index}");
    public override void OnTrainBatchStart(TrainStep step) => calls.Add($"cb TrainBatchStart {step.Batch}");
    public override void OnTrainBatchEnd(TrainStep step) => calls.Add($"cb TrainBatchEnd {step.Batch}");
    public override void OnBeforeBackward(TrainStep step, Tensor loss) => calls.Add("cb BeforeBackward");
    public override void OnAfterBackward(TrainStep step) => calls.Add("cb AfterBackward");
    public override void OnBeforeOptimizerStep(TrainStep step, RunOptimizer optimizer) => calls.Add("cb BeforeOptimizerStep");
    public override void OnBeforeZeroGradients(TrainStep step, RunOptimizer optimizer) => calls.Add("cb BeforeZeroGradients");
    public override void OnTrainStepEnd(TrainStep step) => calls.Add($"cb TrainStepEnd {step.Index}");
    public override void OnLog(TrainingRun run) => calls.Add("cb Log");
    public override void OnValidationStart(EvalEpoch epoch) => calls.Add("cb ValidationStart");
    public override void OnValidationEpochStart(EvalEpoch epoch) => calls.Add("cb ValidationEpochStart");
    public override void OnValidationBatchStart(EvalStep step) => calls.Add($"cb ValidationBatchStart{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnValidationBatchEnd(EvalStep step) => calls.Add($"cb ValidationBatchEnd{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnValidationEpochEnd(EvalEpoch epoch) => calls.Add("cb ValidationEpochEnd");
    public override void OnValidationEnd(EvalEpoch epoch) => calls.Add("cb ValidationEnd");
    public override void OnTestStart(EvalEpoch epoch) => calls.Add("cb TestStart");
    public override void OnTestEpochStart(EvalEpoch epoch) => calls.Add("cb TestEpochStart");
    public override void OnTestBatchStart(EvalStep step) => calls.Add($"cb TestBatchStart{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnTestBatchEnd(EvalStep step) => calls.Add($"cb TestBatchEnd{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnTestEpochEnd(EvalEpoch epoch) => calls.Add("cb TestEpochEnd");
    public override void OnTestEnd(EvalEpoch epoch) => calls.Add("cb TestEnd");
    public override void OnPredictStart(EvalEpoch epoch) => calls.Add("cb PredictStart");
    public override void OnPredictEpochStart(EvalEpoch epoch) => calls.Add("cb PredictEpochStart");
    public override void OnPredictBatchStart(EvalStep step) => calls.Add($"cb PredictBatchStart{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnPredictBatchEnd(EvalStep step, Tensor prediction) => calls.Add($"cb PredictBatchEnd{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnPredictEpochEnd(EvalEpoch epoch) => calls.Add("cb PredictEpochEnd");
    public override void OnPredictEnd(EvalEpoch epoch) => calls.Add("cb PredictEnd");
    public override void OnCheckpointSaved(TrainingRun run, CheckpointInfo checkpoint) => calls.Add($"cb CheckpointSaved {checkpoint.Step}");
}

/// <summary>Writes down every hook and every step but the training step.</summary>
abstract class RecordingHooks(List<string> calls) : TrainingModule<LabeledBatch>
{
    readonly Module<Tensor, Tensor> _net = Linear(8, 3);

    protected Tensor Loss(LabeledBatch batch) => functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);

    protected void Note(string call) => calls.Add(call);

    protected override void ValidationStep(LabeledBatch batch, EvalStep step) => calls.Add("validation step");

    protected override void TestStep(LabeledBatch batch, EvalStep step) => calls.Add("test step");

    protected override Tensor PredictStep(LabeledBatch batch, EvalStep step)
    {
        calls.Add("predict step");
        return _net.call(batch.Inputs);
    }

    protected override OptimizerSetup ConfigureOptimizers()
    {
        calls.Add("configure optimizers");
        return Optimizers.Sgd(this, 0.1);
    }

    protected override void ConfigureModel() => calls.Add("configure model");

    protected override void UseEvaluationMode()
    {
        calls.Add("evaluation mode");
        base.UseEvaluationMode();
    }

    protected override void UseTrainingMode() => calls.Add("training mode");

    public override void OnSetup(RunSetup setup) => calls.Add($"Setup {setup.Stage}");
    public override void OnTeardown(RunSetup setup) => calls.Add($"Teardown {setup.Stage}");
    public override void OnFitStart(TrainingRun run) => calls.Add("FitStart");
    public override void OnFitEnd(TrainingRun run) => calls.Add("FitEnd");
    public override void OnException(TrainingRun? run, Exception error) => calls.Add("Exception");
    public override void OnSanityCheckStart(TrainingRun run) => calls.Add("SanityCheckStart");
    public override void OnSanityCheckEnd(TrainingRun run) => calls.Add("SanityCheckEnd");
    public override void OnTrainStart(TrainingRun run) => calls.Add("TrainStart");
    public override void OnTrainEnd(TrainingRun run) => calls.Add("TrainEnd");
    public override void OnTrainEpochStart(TrainEpoch epoch) => calls.Add($"TrainEpochStart {epoch.Index}");
    public override void OnTrainEpochEnd(TrainEpoch epoch) => calls.Add($"TrainEpochEnd {epoch.Index}");
    public override void OnTrainBatchStart(TrainStep step) => calls.Add($"TrainBatchStart {step.Batch}");
    public override void OnTrainBatchEnd(TrainStep step) => calls.Add($"TrainBatchEnd {step.Batch}");
    public override void OnBeforeBackward(TrainStep step, Tensor loss) => calls.Add("BeforeBackward");
    public override void OnAfterBackward(TrainStep step) => calls.Add("AfterBackward");
    public override void OnBeforeOptimizerStep(TrainStep step, RunOptimizer optimizer) => calls.Add("BeforeOptimizerStep");
    public override void OnBeforeZeroGradients(TrainStep step, RunOptimizer optimizer) => calls.Add("BeforeZeroGradients");
    public override void OnTrainStepEnd(TrainStep step) => calls.Add($"TrainStepEnd {step.Index}");
    public override void OnLog(TrainingRun run) => calls.Add("Log");
    public override void OnValidationStart(EvalEpoch epoch) => calls.Add("ValidationStart");
    public override void OnValidationEpochStart(EvalEpoch epoch) => calls.Add("ValidationEpochStart");
    public override void OnValidationBatchStart(EvalStep step) => calls.Add($"ValidationBatchStart{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnValidationBatchEnd(EvalStep step) => calls.Add($"ValidationBatchEnd{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnValidationEpochEnd(EvalEpoch epoch) => calls.Add("ValidationEpochEnd");
    public override void OnValidationEnd(EvalEpoch epoch) => calls.Add("ValidationEnd");
    public override void OnTestStart(EvalEpoch epoch) => calls.Add("TestStart");
    public override void OnTestEpochStart(EvalEpoch epoch) => calls.Add("TestEpochStart");
    public override void OnTestBatchStart(EvalStep step) => calls.Add($"TestBatchStart{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnTestBatchEnd(EvalStep step) => calls.Add($"TestBatchEnd{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnTestEpochEnd(EvalEpoch epoch) => calls.Add("TestEpochEnd");
    public override void OnTestEnd(EvalEpoch epoch) => calls.Add("TestEnd");
    public override void OnPredictStart(EvalEpoch epoch) => calls.Add("PredictStart");
    public override void OnPredictEpochStart(EvalEpoch epoch) => calls.Add("PredictEpochStart");
    public override void OnPredictBatchStart(EvalStep step) => calls.Add($"PredictBatchStart{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnPredictBatchEnd(EvalStep step, Tensor prediction) => calls.Add($"PredictBatchEnd{(step.Loader.Length > 0 ? " " + step.Loader : "")} {step.Index}");
    public override void OnPredictEpochEnd(EvalEpoch epoch) => calls.Add("PredictEpochEnd");
    public override void OnPredictEnd(EvalEpoch epoch) => calls.Add("PredictEnd");
    public override void OnCheckpointSaved(TrainingRun run, CheckpointInfo checkpoint) => calls.Add($"CheckpointSaved {checkpoint.Step}");
}

/// <summary>Writes down its training steps too.</summary>
class RecordingModule(List<string> calls) : RecordingHooks(calls)
{
    public Func<TrainStep, bool> Fails { get; init; } = _ => false;

    protected override Tensor? TrainingStep(LabeledBatch batch, TrainStep step)
    {
        Note("training step");
        if (Fails(step)) throw new InvalidOperationException("the step fails");
        return Loss(batch);
    }
}
