using System.Globalization;

namespace Raijin;

/// <summary>
/// Logs the learning rates of the step that is written: <c>lr</c>, or <c>lr/group</c> where there are several parameter groups, with the optimizer's module
/// in between where there are several optimizers: <c>lr/Generator/default</c>. Steps that are not written cost nothing.
/// </summary>
public sealed class LearningRateMonitor : Callback
{
    (string Key, RunOptimizer Optimizer, int Group)[] _rates = [];

    /// <inheritdoc/>
    public override void OnFitStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _rates = [.. run.Optimizers.SelectMany((optimizer, i) =>
            optimizer.Groups.Select((group, g) => (Key(run.Optimizers, i, optimizer.Groups.Count > 1 ? group.Name : null), optimizer, g)))];
    }

    /// <inheritdoc/>
    public override void OnLog(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        foreach (var (key, optimizer, group) in _rates) run.Log(key, optimizer.LastLearningRate(group));
    }

    static string Key(IReadOnlyList<RunOptimizer> optimizers, int index, string? group)
    {
        var key = "lr";
        if (optimizers.Count > 1)
        {
            var name = optimizers[index].Module.GetName();
            var isUnique = optimizers.Count(o => o.Module.GetName() == name) == 1;
            key += "/" + (isUnique ? name : index.ToString(CultureInfo.InvariantCulture));
        }
        return group is null ? key : $"{key}/{group}";
    }
}
