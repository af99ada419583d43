using Raijin.Parallel;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>The models that ranks train together, and when their gradients meet.</summary>
/// <param name="peers">The ranks.</param>
/// <param name="strategy">What is divided; null for nothing.</param>
sealed class SharedModels(Peers peers, Strategy? strategy) : IDisposable
{
    readonly List<ShardedModel> _models = [];

    /// <summary>Whether any model is shared with other ranks, or laid out to be.</summary>
    public bool Any => _models.Count > 0;

    /// <summary>How far state is divided; 0 where a rank is alone.</summary>
    public int Stage => peers.IsAlone ? 0 : strategy?.Stage ?? 0;

    /// <summary>Whether a rank holds something of a model's training that no other does.</summary>
    public bool HoldTheirOwn => _models.Exists(model => model.HoldsItsOwn);

    /// <summary>Whether the next backward passes bring the ranks' gradients together; else they stay here until one does.</summary>
    public bool Synchronizes { get; set; } = true;

    /// <summary>Whether the ranks' gradients came together since this was last set to false.</summary>
    public bool HasJoined { get; set; }

    /// <summary>Called on several ranks before one waits for the others' gradients; null for nobody.</summary>
    public Action? Joining { get; set; }

    /// <summary>Has a model's training shared, where there is anybody to share it with.</summary>
    /// <param name="module">The model.</param>
    /// <param name="initialize">Gives values to parameters of the meta device; null where there are none.</param>
    /// <param name="device">Where those will lie.</param>
    public void Add(Module module, Action<string, Tensor>? initialize = null, Device? device = null)
    {
        if (peers.World is { } world) _models.Add(new ShardedModel(module, strategy ?? Zero.Stage0, world.Group, initialize, device));
    }

    /// <summary>What holds a model, or the model that it is a part of; null where this rank holds all of it.</summary>
    public ShardedModel? Of(Module module) => _models.Find(s => ReferenceEquals(s.Module, module) || s.Module.named_modules().Any(m => ReferenceEquals(m.module, module)));

    /// <summary>Refuses a loss that was computed with parameters whose values were not there.</summary>
    public void ThrowIfReleased(Tensor loss)
    {
        foreach (var model in _models) model.ThrowIfReleased(loss);
    }

    /// <summary>Says by what the coming gradients are multiplied for their range.</summary>
    public void ScaleGradients(double scale)
    {
        foreach (var model in _models) model.GradientScale = scale;
    }

    /// <summary>Runs a backward pass, and brings its gradients together where it is time to.</summary>
    public void Backward(Tensor loss, Tensor? seed)
    {
        ThrowIfReleased(loss);
        if (Synchronizes || !Any)
        {
            Tensors.Backward.Run(loss, seed);
            Join();
            return;
        }
        var held = _models.ConvertAll(model => model.NoSync());
        try
        {
            Tensors.Backward.Run(loss, seed);
            if (Stage >= 2) Join();
        }
        finally
        {
            foreach (var model in held) model.Dispose();
        }
    }

    /// <summary>Brings together the gradients that wait here with those of the other ranks, all of which call it: what the last synchronizing backward has left over.</summary>
    public void Join()
    {
        if (!peers.IsAlone) Joining?.Invoke();
        foreach (var model in _models) model.FinishBackward();
        HasJoined = true;
    }

    /// <summary>Gives every rank the first one's buffers, such as running means: each has those of its own samples until then.</summary>
    public void ShareBuffers()
    {
        if (peers.IsAlone) return;
        foreach (var model in _models) model.SynchronizeBuffers();
    }

    /// <summary>Ends the sharing, with every model whole again. Every rank calls it.</summary>
    public void Restore()
    {
        ShareBuffers();
        foreach (var model in _models) model.Restore();
        _models.Clear();
    }

    /// <summary>Ends the sharing without a word to the other ranks.</summary>
    public void Dispose()
    {
        foreach (var model in _models) model.Dispose();
        _models.Clear();
    }
}
