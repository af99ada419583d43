using static TorchSharp.torch;

namespace Raijin.Tensors;

public sealed partial class FusedOptimizer
{
    /// <summary>The state as it is: live tensors, borrowed until the next step or load.</summary>
    /// <exception cref="InvalidOperationException">The evaluation weights are in.</exception>
    public OptimizerState CaptureState()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ThrowIfEvaluating();
        var scalars = new OptimizerScalars(
            Algorithm,
            Updates,
            [.. Groups.Select(g => new ParameterGroupState(g.Name, g.LearningRate, g.WeightDecay, g.Momentum))],
            _parameters.Where(p => p.Updates > 0).ToDictionary(p => p.Name, p => p.Updates, StringComparer.Ordinal),
            Carried());
        return new(scalars, _parameters.Where(p => p.HasSlots).SelectMany(p =>
            p.SlotNames(Algorithm).Zip(p.Slots, (slot, tensor) => ($"{p.Name}/{slot}", tensor))));
    }

    /// <summary>
    /// Takes over a state by parameter and group names: order and grouping may differ from when it was saved. Values are copied; a parameter that
    /// the state does not know starts anew. Learning rates and weight decays follow the state, the algorithm's own hyper-parameters do not.
    /// </summary>
    /// <param name="state">Borrowed; any device, and any floating dtype.</param>
    /// <param name="strict">Refuse a state that does not fit in every name and shape; otherwise what fits is taken.</param>
    /// <returns>What did not fit.</returns>
    /// <exception cref="InvalidOperationException">The evaluation weights are in.</exception>
    /// <exception cref="OptimizerStateMismatchException">Strict, and something did not fit. Nothing was changed.</exception>
    public OptimizerStateDifference LoadState(OptimizerState state, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(state);
        ObjectDisposedException.ThrowIf(_disposed, this);
        ThrowIfEvaluating();
        var difference = CompareState(state);
        if (strict && !difference.IsEmpty) throw new OptimizerStateMismatchException(difference);

        var loadable = _parameters.Where(p => Fits(p, state)).ToHashSet();
        AllocateSlots([.. loadable.Where(p => !p.HasSlots)]);
        using var _ = no_grad();
        foreach (var parameter in _parameters)
            Load(parameter, loadable.Contains(parameter) ? state : null);
        foreach (var group in Groups)
        {
            if (state.Scalars.Groups.FirstOrDefault(g => g.Name == group.Name) is not { } saved) continue;
            group.LearningRate = saved.LearningRate;
            group.WeightDecay = saved.WeightDecay;
            group.Momentum = saved.Momentum;
        }

        Updates = state.Scalars.Updates;
        return difference;
    }

    void Load(OptimizedParameter parameter, OptimizerState? state)
    {
        parameter.Updates = state?.Scalars.ParameterUpdates[parameter.Name] ?? 0;
        parameter.Carried = state is null ? default : Carried(parameter, state.Scalars);
        if (!parameter.HasSlots) return;
        foreach (var (name, slot) in parameter.SlotNames(Algorithm).Zip(parameter.Slots))
        {
            if (state is null)
                slot.fill_(Algorithm.InitialValue(name));
            else
                slot.copy_(state.Slots(parameter.Name)[name]);
        }
    }

    Dictionary<string, IReadOnlyDictionary<string, double>>? Carried() => Algorithm.CarriedNames.Count == 0 ? null : _parameters.Where(p => p.Updates > 0).ToDictionary(
        p => p.Name,
        IReadOnlyDictionary<string, double> (p) => Algorithm.CarriedNames.Select((name, i) => (name, p.Carried[i])).ToDictionary(StringComparer.Ordinal),
        StringComparer.Ordinal);

    Carried Carried(OptimizedParameter parameter, OptimizerScalars scalars)
    {
        var names = Algorithm.CarriedNames;
        return names.Count == 0 ? default : new(scalars.Carried![parameter.Name][names[0]], names.Count > 1 ? scalars.Carried[parameter.Name][names[1]] : 0);
    }

    IEnumerable<string> MissingCarried(OptimizedParameter parameter, OptimizerScalars scalars) =>
        Algorithm.CarriedNames.Where(name => !(scalars.Carried?.TryGetValue(parameter.Name, out var carried) == true && carried.ContainsKey(name)));

    bool Fits(OptimizedParameter parameter, OptimizerState state)
    {
        if (!state.Scalars.ParameterUpdates.ContainsKey(parameter.Name) || MissingCarried(parameter, state.Scalars).Any()) return false;
        var saved = state.Slots(parameter.Name);
        return parameter.SlotNames(Algorithm).All(slot => saved.TryGetValue(slot, out var tensor) && tensor.shape.SequenceEqual(parameter.SlotShape(Algorithm, slot)));
    }

    /// <summary>What <see cref="LoadState"/> would find: in what a state differs from the optimizer. Nothing is loaded.</summary>
    /// <param name="state">Borrowed; only names and shapes are looked at.</param>
    public OptimizerStateDifference CompareState(OptimizerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var missing = new List<string>();
        var unexpected = new List<string>();
        var shapes = new List<string>();
        foreach (var parameter in _parameters)
        {
            var saved = state.Slots(parameter.Name);
            var known = parameter.SlotNames(Algorithm).ToList();
            unexpected.AddRange(saved.Keys.Except(known).Select(slot => $"{parameter.Name}/{slot}"));
            if (saved.Count == 0 && !state.Scalars.ParameterUpdates.ContainsKey(parameter.Name)) continue;
            if (!state.Scalars.ParameterUpdates.ContainsKey(parameter.Name)) missing.Add($"{parameter.Name} (its number of updates)");
            missing.AddRange(MissingCarried(parameter, state.Scalars).Select(name => $"{parameter.Name} (its {name})"));
            missing.AddRange(known.Where(slot => !saved.ContainsKey(slot)).Select(slot => $"{parameter.Name}/{slot}"));
            shapes.AddRange(known.Where(slot => saved.TryGetValue(slot, out var tensor) && !tensor.shape.SequenceEqual(parameter.SlotShape(Algorithm, slot)))
                .Select(slot => $"{parameter.Name}/{slot}: [{string.Join(", ", saved[slot].shape)}], but the parameter is [{string.Join(", ", parameter.Tensor.shape)}]"));
        }

        var names = _parameters.Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        unexpected.AddRange(state.Parameters.Union(state.Scalars.ParameterUpdates.Keys).Where(name => !names.Contains(name)));
        var groups = Groups.Select(g => g.Name).ToList();
        var savedGroups = state.Scalars.Groups.Select(g => g.Name).ToList();
        missing.AddRange(groups.Except(savedGroups).Select(name => $"group '{name}'"));
        unexpected.AddRange(savedGroups.Except(groups).Select(name => $"group '{name}'"));
        var algorithm = state.Scalars.Algorithm.GetType() == Algorithm.GetType()
            ? null
            : $"made by {state.Scalars.Algorithm.GetType().Name}, this is {Algorithm.GetType().Name}";
        return new(algorithm, missing, unexpected, shapes);
    }
}
