using Raijin.Metrics;

namespace Raijin;

/// <summary>What metrics that give each sample a number have in common. Weights, [B], belong to samples.</summary>
public abstract class SampleMetric : ScalarMetric<Comparison>
{
    readonly SampleScores _scores;
    readonly SampleReduction _reduction;

    private protected SampleMetric(SampleScores scores, SampleReduction reduction)
        : base(scores)
    {
        (_scores, _reduction) = (scores, reduction);
    }

    /// <summary>The number of each sample, unweighted, in the order they came; 0 for one that was left out.</summary>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet, or samples are not kept: construct the metric with <c>keepSamples: true</c>.</exception>
    /// <exception cref="MetricInputException">Values came in that can't be counted.</exception>
    public IReadOnlyList<double> PerSample()
    {
        ThrowIfEmpty();
        if (!_scores.Keep) throw new InvalidOperationException($"This {GetType().Name} keeps no samples: construct it with keepSamples: true.");
        var samples = States[0].ToArray<double>();
        return [.. Enumerable.Range(0, samples.Length / 2).Select(i => samples[2 * i])];
    }

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var (sum, weight) = _scores.Read(states);
        return _reduction == SampleReduction.Sum ? sum : sum / weight;
    }
}
