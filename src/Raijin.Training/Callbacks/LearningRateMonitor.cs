using System.Globalization;

namespace Raijin;

/// <summary>
/// Logs the learning rates of the step that is written: <c>lr</c>, or <c>lr/group</c> where there are several parameter groups, with the optimizer's module
/// in between where there are several optimizers: <c>lr/Generator/default</c>. Steps that are not written cost nothing.
/// </summary>
public sealed class LearningRateMonitor : Callback
{
    (string Name, RunOptimizer Optimizer, int Group)[] _groups = [];

    /// <summary>Whether the momentum (β₁ of the Adam family) is logged too, as <c>momentum</c>; not where the algorithm has none.</summary>
    /// <value>Default false. Lightning's <c>log_momentum</c>.</value>
    public bool Momentum { get; init; }

    /// <summary>Whether the weight decay is logged too, as <c>weight decay</c>.</summary>
    /// <value>Default false. Lightning's <c>log_weight_decay</c>.</value>
    public bool WeightDecay { get; init; }

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _groups = [.. run.Optimizers.SelectMany((optimizer, i) =>
            optimizer.Groups.Select((group, g) => (Name(run.Optimizers, i, optimizer.Groups.Count > 1 ? group.Name : null), optimizer, g)))];
    }

    /// <inheritdoc/>
    public override void OnLog(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        foreach (var (name, optimizer, group) in _groups)
        {
            run.Log("lr" + name, optimizer.LastLearningRate(group));
            if (Momentum && optimizer.LastMomentum(group) is { } momentum) run.Log("momentum" + name, momentum);
            if (WeightDecay) run.Log("weight decay" + name, optimizer.Groups[group].WeightDecay);
        }
    }

    // Nothing, or what stands behind the quantity: /Generator/default.
    static string Name(IReadOnlyList<RunOptimizer> optimizers, int index, string? group)
    {
        var key = "";
        if (optimizers.Count > 1)
        {
            var name = optimizers[index].Module.GetName();
            var isUnique = optimizers.Count(o => o.Module.GetName() == name) == 1;
            key += "/" + (isUnique ? name : index.ToString(CultureInfo.InvariantCulture));
        }
        return group is null ? key : $"{key}/{group}";
    }
}
