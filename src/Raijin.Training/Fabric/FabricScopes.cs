using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>While it is open, gradients stay on their rank.</summary>
public sealed class FabricNoSync : IDisposable
{
    readonly SharedModels _models;
    readonly bool _before;

    internal FabricNoSync(SharedModels models)
    {
        _models = models;
        _before = models.Synchronizes;
        models.Synchronizes = false;
    }

    /// <summary>The next backward pass brings the ranks' gradients together again.</summary>
    public void Dispose() => _models.Synchronizes = _before;
}

/// <summary>The arithmetic of a forward pass; nothing where the precision needs nothing.</summary>
public readonly ref struct ForwardScope
{
    readonly Autocast.Scope _autocast;
    readonly bool _entered;

    internal ForwardScope(Autocast.Scope autocast)
    {
        _autocast = autocast;
        _entered = true;
    }

    /// <summary>Goes back to the arithmetic of before.</summary>
    public void Dispose()
    {
        if (_entered) _autocast.Dispose();
    }
}

/// <summary>A step of a hand-written loop: what is made in it is freed at its end.</summary>
public sealed class FabricStep : IDisposable
{
    readonly TensorScope _scope = TensorScope.Open();

    internal FabricStep(long index) => Index = index;

    /// <summary>Steps opened before this one.</summary>
    public long Index { get; }

    /// <summary>Keeps a tensor beyond the step. The caller owns it then.</summary>
    public Tensor Keep(Tensor tensor) => _scope.Release(tensor);

    /// <summary>Frees what the step made.</summary>
    public void Dispose() => _scope.Dispose();
}

/// <summary>A look at a model of a hand-written loop: evaluation mode, no gradients, and what is made in it is freed at its end.</summary>
public sealed class FabricEvaluation : IDisposable
{
    readonly ModuleModes _modes;
    readonly IDisposable _gradients = no_grad();
    readonly TensorScope _scope = TensorScope.Open();

    internal FabricEvaluation(Module model)
    {
        _modes = new ModuleModes(model);
        model.eval();
    }

    /// <summary>Keeps a tensor beyond the look. The caller owns it then.</summary>
    public Tensor Keep(Tensor tensor) => _scope.Release(tensor);

    /// <summary>Frees what was made, and puts every submodule back into its mode.</summary>
    public void Dispose()
    {
        _scope.Dispose();
        _gradients.Dispose();
        _modes.Restore();
    }
}

/// <summary>What <see cref="Fabric.Gather"/> opens where this rank holds everything anyway.</summary>
sealed class NothingGathered : IDisposable
{
    public void Dispose() { }
}
