using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>
/// The hooks of a run, resolved once: for each, the methods that really override it, in calling order. An empty list costs one comparison a step.
/// </summary>
sealed class HookTable
{
    public List<Action<RunSetup>> Setup { get; } = [];
    public List<Action<RunSetup>> Teardown { get; } = [];
    public List<Action<TrainingRun>> FitStart { get; } = [];
    public List<Action<TrainingRun>> FitEnd { get; } = [];
    public List<Action<TrainingRun?, Exception>> Exception { get; } = [];
    public List<Action<TrainingRun>> SanityCheckStart { get; } = [];
    public List<Action<TrainingRun>> SanityCheckEnd { get; } = [];
    public List<Action<TrainingRun>> TrainStart { get; } = [];
    public List<Action<TrainingRun>> TrainEnd { get; } = [];
    public List<Action<TrainEpoch>> TrainEpochStart { get; } = [];
    public List<Action<TrainEpoch>> TrainEpochEnd { get; } = [];
    public List<Action<TrainStep>> TrainBatchStart { get; } = [];
    public List<Action<TrainStep>> TrainBatchEnd { get; } = [];
    public List<Action<TrainStep, Tensor>> BeforeBackward { get; } = [];
    public List<Action<TrainStep>> AfterBackward { get; } = [];
    public List<Action<TrainStep, RunOptimizer>> BeforeOptimizerStep { get; } = [];
    public List<Action<TrainStep, RunOptimizer>> BeforeZeroGradients { get; } = [];
    public List<Action<TrainStep>> TrainStepEnd { get; } = [];
    public List<Action<TrainingRun>> Log { get; } = [];
    public EvaluationHooks Validation { get; } = new();
    public EvaluationHooks Test { get; } = new();
    public EvaluationHooks Predict { get; } = new();
    public List<Action<EvalStep, Tensor>> PredictBatchEnd { get; } = [];
    public List<Action<TrainingRun, CheckpointInfo>> CheckpointSaved { get; } = [];

    /// <summary>The hooks of one kind of evaluation; the sanity check is a validation.</summary>
    public EvaluationHooks Of(EvalPhase phase) => phase switch
    {
        EvalPhase.Test => Test,
        EvalPhase.Predict => Predict,
        _ => Validation,
    };

    /// <summary>
    /// Callbacks in order of their priority (smaller first, then as given), with the module's own hooks between the ordinary ones and those that look at
    /// what all others have done (<see cref="Callback.AfterModule"/>), as in Lightning.
    /// </summary>
    public static HookTable Of<TBatch>(IEnumerable<Callback> callbacks, TrainingModule<TBatch> module) where TBatch : IBatch<TBatch>
    {
        var hooks = new HookTable();
        var ordered = callbacks.OrderBy(c => c.Priority).ToList();
        foreach (var callback in ordered.Where(c => c.Priority < Callback.AfterModule)) hooks.AddAll(callback);
        hooks.AddAll(module);
        foreach (var callback in ordered.Where(c => c.Priority >= Callback.AfterModule)) hooks.AddAll(callback);
        return hooks;
    }

    void AddAll(IRunHooks source)
    {
        Add(Setup, source, source.OnSetup);
        Add(Teardown, source, source.OnTeardown);
        Add(FitStart, source, source.OnFitStart);
        Add(FitEnd, source, source.OnFitEnd);
        Add(Exception, source, source.OnException);
        Add(SanityCheckStart, source, source.OnSanityCheckStart);
        Add(SanityCheckEnd, source, source.OnSanityCheckEnd);
        Add(TrainStart, source, source.OnTrainStart);
        Add(TrainEnd, source, source.OnTrainEnd);
        Add(TrainEpochStart, source, source.OnTrainEpochStart);
        Add(TrainEpochEnd, source, source.OnTrainEpochEnd);
        Add(TrainBatchStart, source, source.OnTrainBatchStart);
        Add(TrainBatchEnd, source, source.OnTrainBatchEnd);
        Add(BeforeBackward, source, source.OnBeforeBackward);
        Add(AfterBackward, source, source.OnAfterBackward);
        Add(BeforeOptimizerStep, source, source.OnBeforeOptimizerStep);
        Add(BeforeZeroGradients, source, source.OnBeforeZeroGradients);
        Add(TrainStepEnd, source, source.OnTrainStepEnd);
        Add(Log, source, source.OnLog);
        Add(Validation.Start, source, source.OnValidationStart);
        Add(Validation.EpochStart, source, source.OnValidationEpochStart);
        Add(Validation.BatchStart, source, source.OnValidationBatchStart);
        Add(Validation.BatchEnd, source, source.OnValidationBatchEnd);
        Add(Validation.EpochEnd, source, source.OnValidationEpochEnd);
        Add(Validation.End, source, source.OnValidationEnd);
        Add(Test.Start, source, source.OnTestStart);
        Add(Test.EpochStart, source, source.OnTestEpochStart);
        Add(Test.BatchStart, source, source.OnTestBatchStart);
        Add(Test.BatchEnd, source, source.OnTestBatchEnd);
        Add(Test.EpochEnd, source, source.OnTestEpochEnd);
        Add(Test.End, source, source.OnTestEnd);
        Add(Predict.Start, source, source.OnPredictStart);
        Add(Predict.EpochStart, source, source.OnPredictEpochStart);
        Add(Predict.BatchStart, source, source.OnPredictBatchStart);
        Add(PredictBatchEnd, source, source.OnPredictBatchEnd);
        Add(Predict.EpochEnd, source, source.OnPredictEpochEnd);
        Add(Predict.End, source, source.OnPredictEnd);
        Add(CheckpointSaved, source, source.OnCheckpointSaved);
    }

    /// <summary>Adds a bound virtual method to its hook's list if the object's class overrides it.</summary>
    static void Add<TDelegate>(List<TDelegate> hook, IRunHooks source, TDelegate method) where TDelegate : Delegate
    {
        if (IsOverridden(method) && source.Listens(method.Method.Name)) hook.Add(method);
    }

    /// <summary>Whether a bound virtual method is another than the empty one of <see cref="Callback"/> or <see cref="TrainingModule{TBatch}"/>.</summary>
    public static bool IsOverridden(Delegate method)
    {
        var declaring = method.Method.DeclaringType!;
        var definition = declaring.IsGenericType ? declaring.GetGenericTypeDefinition() : declaring;
        return definition != typeof(Callback) && definition != typeof(TrainingModule<>) && definition != typeof(DataModule<>);
    }

    /// <summary>Has every hook of the run itself measured from here on; setting up and taking down lie outside it.</summary>
    public void ProfileIn(ProfileSession session)
    {
        session.Wrap(FitStart);
        session.Wrap(FitEnd);
        session.Wrap(SanityCheckStart);
        session.Wrap(SanityCheckEnd);
        session.Wrap(TrainStart);
        session.Wrap(TrainEnd);
        session.Wrap(TrainEpochStart);
        session.Wrap(TrainEpochEnd);
        session.Wrap(TrainBatchStart);
        session.Wrap(TrainBatchEnd);
        session.Wrap(BeforeBackward);
        session.Wrap(AfterBackward);
        session.Wrap(BeforeOptimizerStep);
        session.Wrap(BeforeZeroGradients);
        session.Wrap(TrainStepEnd);
        session.Wrap(Log);
        session.Wrap(Validation.Start);
        session.Wrap(Validation.EpochStart);
        session.Wrap(Validation.BatchStart);
        session.Wrap(Validation.BatchEnd);
        session.Wrap(Validation.EpochEnd);
        session.Wrap(Validation.End);
        session.Wrap(CheckpointSaved);
    }

    public static void Call<T>(List<Action<T>> hook, T argument)
    {
        if (hook.Count == 0) return;
        foreach (var method in hook) method(argument);
    }

    public static void Call<T1, T2>(List<Action<T1, T2>> hook, T1 first, T2 second)
    {
        if (hook.Count == 0) return;
        foreach (var method in hook) method(first, second);
    }
}

/// <summary>The hooks of one kind of evaluation.</summary>
sealed class EvaluationHooks
{
    public List<Action<EvalEpoch>> Start { get; } = [];
    public List<Action<EvalEpoch>> EpochStart { get; } = [];
    public List<Action<EvalStep>> BatchStart { get; } = [];
    public List<Action<EvalStep>> BatchEnd { get; } = [];
    public List<Action<EvalEpoch>> EpochEnd { get; } = [];
    public List<Action<EvalEpoch>> End { get; } = [];
}
