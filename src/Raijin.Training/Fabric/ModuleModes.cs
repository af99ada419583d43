using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>Which submodules of a model were training and which were not, to be put back: a frozen part that was in evaluation mode stays there.</summary>
sealed class ModuleModes
{
    readonly List<(Module Module, bool Training)> _before = [];

    public ModuleModes(Module root)
    {
        _before.Add((root, root.training));
        foreach (var (_, child) in root.named_modules()) _before.Add((child, child.training));
    }

    public bool WasTraining => _before[0].Training;

    public void Restore()
    {
        // train() reaches all children, so parents go first and each child is then put back by its own turn.
        foreach (var (module, training) in _before) module.train(training);
    }
}
