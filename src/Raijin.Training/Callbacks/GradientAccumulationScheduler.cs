namespace Raijin;

/// <summary>Changes at chosen epochs how many microbatches make an optimizer step: small steps at first, large ones when gradients get noisy.</summary>
/// <remarks>The plan knows the changes beforehand, so that schedules still count the steps of the run right. Lightning's callback of the same name.</remarks>
public sealed class GradientAccumulationScheduler : Callback
{
    readonly KeyValuePair<long, int>[] _changes;

    /// <summary>Says from which epoch on (the first is 0) a step has how many microbatches: <c>new(new() { [0] = 1, [4] = 8 })</c>.</summary>
    /// <param name="microbatchesFrom">Epoch and microbatches. Before the first epoch given a step has 1.</param>
    public GradientAccumulationScheduler(IReadOnlyDictionary<long, int> microbatchesFrom)
    {
        ArgumentNullException.ThrowIfNull(microbatchesFrom);
        _changes = [.. microbatchesFrom.OrderBy(c => c.Key)];
    }

    /// <summary>Epoch and microbatches, in rising order.</summary>
    public IReadOnlyList<KeyValuePair<long, int>> Changes => _changes;

    internal override IReadOnlyList<KeyValuePair<long, int>>? AccumulationChanges => _changes;

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults()
    {
        if (_changes.Length == 0) yield return new("gradientAccumulationScheduler", "has no entry: give at least one epoch with its microbatches, such as [0] = 4");
        foreach (var (epoch, microbatches) in _changes)
        {
            if (epoch < 0) yield return new("gradientAccumulationScheduler", $"has epoch {epoch}; allowed: 0 and more");
            if (microbatches < 1) yield return new("gradientAccumulationScheduler", $"has {microbatches} microbatches from epoch {epoch}; allowed: 1 and more");
        }
    }
}
