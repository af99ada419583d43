using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// The hooks of a run, resolved once: for each, the methods that really override it, in calling order. An empty list costs one comparison a step.
/// </summary>
sealed class HookTable
{
    public List<Action<TrainingRun>> FitStart { get; } = [];
    public List<Action<TrainingRun>> FitEnd { get; } = [];
    public List<Action<TrainingRun, Exception>> Exception { get; } = [];
    public List<Action<TrainEpoch>> TrainEpochStart { get; } = [];
    public List<Action<TrainEpoch>> TrainEpochEnd { get; } = [];
    public List<Action<TrainStep>> TrainBatchStart { get; } = [];
    public List<Action<TrainStep>> TrainBatchEnd { get; } = [];
    public List<Action<TrainStep, Tensor>> BeforeBackward { get; } = [];
    public List<Action<TrainStep>> AfterBackward { get; } = [];
    public List<Action<TrainStep>> BeforeOptimizerStep { get; } = [];
    public List<Action<TrainStep>> TrainStepEnd { get; } = [];
    public List<Action<TrainingRun>> Log { get; } = [];
    public List<Action<EvalEpoch>> ValidationStart { get; } = [];
    public List<Action<EvalEpoch>> ValidationEnd { get; } = [];
    public List<Action<EvalStep>> ValidationBatchEnd { get; } = [];
    public List<Action<TrainingRun, CheckpointInfo>> CheckpointSaved { get; } = [];

    /// <summary>Callbacks in order of their priority (smaller first, then as given), and after them the module, as in Lightning.</summary>
    public static HookTable Of<TBatch>(IEnumerable<Callback> callbacks, TrainingModule<TBatch> module) where TBatch : IBatch<TBatch>
    {
        var hooks = new HookTable();
        foreach (var callback in callbacks.OrderBy(c => c.Priority)) callback.AddHooks(hooks);
        module.AddHooks(hooks);
        return hooks;
    }

    /// <summary>Adds a bound virtual method to its hook's list if the object's class overrides it.</summary>
    public void Add<TDelegate>(List<TDelegate> hook, TDelegate method) where TDelegate : Delegate
    {
        // The declaring base classes, open or closed, are the ones of this assembly that only define the empty hook.
        var declaring = method.Method.DeclaringType!;
        var definition = declaring.IsGenericType ? declaring.GetGenericTypeDefinition() : declaring;
        if (definition != typeof(Callback) && definition != typeof(TrainingModule<>)) hook.Add(method);
    }

    /// <summary>Has every hook measured from here on.</summary>
    public void ProfileIn(ProfileSession session)
    {
        session.Wrap(FitStart);
        session.Wrap(FitEnd);
        session.Wrap(Exception);
        session.Wrap(TrainEpochStart);
        session.Wrap(TrainEpochEnd);
        session.Wrap(TrainBatchStart);
        session.Wrap(TrainBatchEnd);
        session.Wrap(BeforeBackward);
        session.Wrap(AfterBackward);
        session.Wrap(BeforeOptimizerStep);
        session.Wrap(TrainStepEnd);
        session.Wrap(Log);
        session.Wrap(ValidationStart);
        session.Wrap(ValidationEnd);
        session.Wrap(ValidationBatchEnd);
        session.Wrap(CheckpointSaved);
    }

    public static bool IsOverridden(Delegate method, Type declaring) => method.Method.DeclaringType != declaring;

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
