// The bootstrap, online: each of n copies of the metric sees each sample as often as a resampled data set would hold it. Drawn afresh for a batch and a
// copy from a counter-based generator, so that a resumed run draws what the uninterrupted one would. Sources: Efron 1979; Oza and Russell 2001 for Poisson.

using Raijin.Metrics;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>How often a sample comes in a resampled copy.</summary>
public enum Resampling
{
    /// <summary>Poisson with mean 1, whatever the other samples: what resampling the whole data set tends to, however it is split into batches.</summary>
    Poisson,

    /// <summary>As many draws with replacement as the batch has samples: every copy holds as many samples as came in.</summary>
    Multinomial,
}

/// <summary>A metric's number over resampled copies of the data.</summary>
/// <param name="Mean">The copies' mean.</param>
/// <param name="Std">Their standard deviation (over n - 1), an estimate of the number's standard error; NaN of a single copy.</param>
/// <param name="Values">Each copy's number; copies that drew no sample at all are left out.</param>
public sealed record BootstrapResult(double Mean, double Std, IReadOnlyList<double> Values)
{
    /// <summary>The number below which a share of the copies lies, interpolated linearly between copies; NaN if a copy's number is.</summary>
    /// <param name="share">In [0, 1]: 0.025 and 0.975 are the ends of a 95 % interval.</param>
    public double Quantile(double share)
    {
        if (share is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(share), share, "A share lies in [0, 1].");
        if (Values.Any(double.IsNaN)) return double.NaN;
        var sorted = Values.Order().ToArray();
        var at = share * (sorted.Length - 1);
        var below = (int)at;
        return below == sorted.Length - 1 ? sorted[below] : sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
    }
}

/// <summary>How sure a metric's number is: the metric over copies of the data, each resampled with replacement.</summary>
/// <remarks>
/// It holds as many sets of states as copies, and an update costs as many updates of the metric. The number is the metric's headline (<see cref="Metric.ComputeScalar"/>).
/// In logs: <c>mean</c>, <c>std</c> and each quantile asked for, as <c>q0.025</c>. Every rank needs a seed of its own; after Reset the same draws come again.
/// What the wrapped metric itself holds stays empty: ask the wrapper.
/// </remarks>
/// <typeparam name="TBatch">What one update is given.</typeparam>
/// <typeparam name="TResult">What the metric computes.</typeparam>
public sealed class Bootstrapped<TBatch, TResult> : MetricWrapper<TBatch, BootstrapResult>
    where TBatch : struct, IMetricBatch<TBatch>
{
    readonly Metric<TBatch, TResult> _metric;
    readonly List<MetricStates> _copies;
    readonly ulong _seed;
    readonly Resampling _resampling;
    readonly double[] _quantiles;

    /// <summary>A metric over resampled copies of the data.</summary>
    /// <param name="metric">A metric that has not accumulated anything. Taken over.</param>
    /// <param name="copies">How many; 10 show the size of the error, intervals want 1,000.</param>
    /// <param name="seed">What is drawn is a function of it, of the update's number and of the copy's.</param>
    /// <param name="resampling">How often a sample comes in a copy.</param>
    /// <param name="quantiles">Shares, in [0, 1], to be among the numbers logged.</param>
    public Bootstrapped(Metric<TBatch, TResult> metric, int copies = 10, ulong seed = 0, Resampling resampling = Resampling.Poisson, params double[] quantiles)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(copies);
        ArgumentNullException.ThrowIfNull(quantiles);
        foreach (var share in quantiles)
            if (share is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(quantiles), share, "A quantile's share lies in [0, 1].");
        Wrapped.Take(metric);
        (_metric, _copies) = (metric, Wrapped.Sets(metric.Accumulation, copies));
        (_seed, _resampling, _quantiles) = (seed, resampling, [.. quantiles]);
    }

    /// <summary>How many copies it holds.</summary>
    public int Copies => _copies.Count;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => _metric.HigherIsBetter;

    /// <inheritdoc/>
    public override bool? HigherIsBetterOf(string number) => number == "std" ? false : HigherIsBetter;

    /// <summary>Its own count of updates, and each copy.</summary>
    public override IEnumerable<MetricPart> Parts() => Wrapped.Parts(_copies).Prepend(new("", States));

    /// <inheritdoc/>
    public override BootstrapResult Compute()
    {
        ThrowIfEmpty();
        double[] values = [.. _copies.Where(c => c.Updates > 0).Select(c => _metric.On(c, _metric.ComputeScalar))];
        var mean = values.Length == 0 ? double.NaN : values.Average();
        return new(mean, values.Length < 2 ? double.NaN : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1)), values);
    }

    /// <summary>The copies' mean.</summary>
    public override double ComputeScalar() => Compute().Mean;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, double>> ComputeScalars()
    {
        var result = Compute();
        return [new("mean", result.Mean), new("std", result.Std), .. _quantiles.Select(q => new KeyValuePair<string, double>(FormattableString.Invariant($"q{q}"), result.Quantile(q)))];
    }

    private protected override void Add(in TBatch batch)
    {
        _metric.Accumulation.Check(in batch);
        BeginUpdate(CPU);
        var drawn = new List<long>();
        for (var copy = 0; copy < _copies.Count; copy++)
        {
            Draw(new RandomStream(_seed, (ulong)States.Updates * (ulong)_copies.Count + (ulong)copy), batch.Count, drawn);
            if (drawn.Count == 0) continue;
            using var gradients = no_grad();
            using var scope = NewDisposeScope();
            var resampled = batch.Select(tensor(drawn.ToArray()));
            _metric.Accumulation.Update(_copies[copy], in resampled);
        }
    }

    void Draw(RandomStream random, long count, List<long> drawn)
    {
        drawn.Clear();
        for (long i = 0; i < count; i++)
        {
            if (_resampling == Resampling.Multinomial) drawn.Add(random.NextInt64(count));
            // Knuth: the uniform numbers whose product stays above 1/e.
            else for (var product = random.NextDouble(); product > 1 / Math.E; product *= random.NextDouble()) drawn.Add(i);
        }
    }

    /// <inheritdoc/>
    protected override void DisposeParts()
    {
        foreach (var copy in _copies) copy.Dispose();
        _metric.Dispose();
    }
}
