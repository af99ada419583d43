using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>Evaluation mode for all submodules, each put back to what it was: a frozen part that was in evaluation mode stays there.</summary>
sealed class EvaluationMode<TBatch> : IDisposable where TBatch : IBatch<TBatch>
{
    readonly List<(Module Module, bool Training)> _before = [];
    readonly TrainingModule<TBatch> _root;

    public EvaluationMode(TrainingModule<TBatch> root)
    {
        _root = root;
        _before.Add((root, root.training));
        foreach (var (_, child) in root.named_modules()) _before.Add((child, child.training));
        root.EnterEvaluation();
    }

    public void Dispose()
    {
        // train() reaches all children, so parents go first and each child is then put back by its own turn.
        foreach (var (module, training) in _before) module.train(training);
        if (_before[0].Training) _root.LeaveEvaluation();
    }
}
