namespace Raijin.Training;

/// <summary>Evaluation mode for the length of an evaluation, by the module's own way into it.</summary>
sealed class EvaluationMode<TBatch> : IDisposable where TBatch : IBatch<TBatch>
{
    readonly TrainingModule<TBatch> _module;
    readonly ModuleModes _modes;

    public EvaluationMode(TrainingModule<TBatch> module)
    {
        _module = module;
        _modes = new ModuleModes(module);
        module.EnterEvaluation();
    }

    public void Dispose()
    {
        _modes.Restore();
        if (_modes.WasTraining) _module.LeaveEvaluation();
    }
}
