using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>The numbers of one parameter group, as saved.</summary>
/// <param name="Name">The group's name.</param>
/// <param name="LearningRate">Its learning rate.</param>
/// <param name="WeightDecay">Its weight decay.</param>
/// <param name="Momentum">Its own momentum; null for the algorithm's.</param>
public sealed record ParameterGroupState(string Name, double LearningRate, double WeightDecay, double? Momentum = null);

/// <summary>Everything of an optimizer's state that is not a tensor; serialises as JSON by its properties.</summary>
/// <param name="Algorithm">What made the state.</param>
/// <param name="Updates">Calls of <see cref="FusedOptimizer.Step"/> so far.</param>
/// <param name="Groups">The parameter groups in order.</param>
/// <param name="ParameterUpdates">By parameter name, how many updates that parameter has had; absent means none.</param>
/// <param name="Carried">By parameter name, further numbers of algorithms that keep some (NAdam's <c>mu_product</c>); null for the others.</param>
public sealed record OptimizerScalars(
    OptimizerAlgorithm Algorithm,
    long Updates,
    IReadOnlyList<ParameterGroupState> Groups,
    IReadOnlyDictionary<string, long> ParameterUpdates,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>>? Carried = null);

/// <summary>
/// An optimizer's state by parameter name, whatever order or grouping the parameters had. From
/// <see cref="FusedOptimizer.CaptureState"/> its tensors are the live ones, borrowed: read or copy them before the next step.
/// </summary>
public sealed class OptimizerState
{
    readonly Dictionary<string, Dictionary<string, Tensor>> _slots = new(StringComparer.Ordinal);

    /// <summary>Joins the two parts a checkpoint keeps apart.</summary>
    /// <param name="scalars">The numbers.</param>
    /// <param name="tensors">Keys of the form <c>parameter/slot</c>, as <see cref="Tensors"/> gives them; borrowed.</param>
    /// <exception cref="ArgumentException">A key is not of that form, or occurs twice.</exception>
    public OptimizerState(OptimizerScalars scalars, IEnumerable<(string Key, Tensor Tensor)> tensors)
    {
        ArgumentNullException.ThrowIfNull(scalars);
        ArgumentNullException.ThrowIfNull(tensors);
        Scalars = scalars;
        Tensors = [.. tensors];
        foreach (var (key, tensor) in Tensors)
        {
            var slash = key.LastIndexOf('/');
            if (slash <= 0 || slash == key.Length - 1)
                throw new ArgumentException($"'{key}' is not the key of an optimizer tensor: expected parameter/slot, as layer1.weight/exp_avg.", nameof(tensors));
            var parameter = key[..slash];
            if (!_slots.TryGetValue(parameter, out var slots))
                _slots.Add(parameter, slots = new(StringComparer.Ordinal));
            if (!slots.TryAdd(key[(slash + 1)..], tensor))
                throw new ArgumentException($"The key '{key}' occurs twice.", nameof(tensors));
        }
    }

    /// <summary>The numbers.</summary>
    public OptimizerScalars Scalars { get; }

    /// <summary>The tensors under their keys, <c>parameter/slot</c>, in order of the parameters.</summary>
    public IReadOnlyList<(string Key, Tensor Tensor)> Tensors { get; }

    /// <summary>Names of the parameters that have tensors here.</summary>
    public IReadOnlyCollection<string> Parameters => _slots.Keys;

    /// <summary>The tensors of one parameter by slot name (<c>exp_avg</c>, <c>master</c> …); empty when it has none.</summary>
    public IReadOnlyDictionary<string, Tensor> Slots(string parameter) =>
        _slots.TryGetValue(parameter, out var slots) ? slots : [];
}
