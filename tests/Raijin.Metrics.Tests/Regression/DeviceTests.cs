using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Regressions;

/// <summary>On other devices an op whose result the host needs makes the update wait: none of these may run.</summary>
public sealed class DeviceTests
{
    static readonly string[] Waiting = ["aten::item", "aten::_local_scalar_dense", "aten::is_nonzero", "aten::nonzero", "aten::masked_select", "aten::equal", "aten::_unique2"];

    [Fact]
    public void No_update_reads_a_value_back()
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        using var scope = NewDisposeScope();
        var (two, rows, weights) = (rand(6, 2), rand(6, 2), rand(6));
        foreach (var make in RegressionPropertyTests.Weighted) Watch(make(), new Comparison(two, rows, weights));
        foreach (var make in RegressionPropertyTests.Unweighted) Watch(make(), new Comparison(two, rows));
        foreach (var keep in (bool[])[false, true])
        {
            Watch(new KLDivergence(keepSamples: keep), new Comparison(two, rows, weights));
            Watch(new JensenShannonDivergence(keepSamples: keep), new Comparison(two, rows));
            Watch(new KLDivergence(logarithms: true, keepSamples: keep), new Comparison(-two, -rows, weights));
            Watch(new JensenShannonDivergence(logarithms: true, keepSamples: keep), new Comparison(-two, -rows));
            Watch(new CosineSimilarity(keepSamples: keep), new Comparison(two, rows));
            Watch(new ContinuousRankedProbabilityScore(keepSamples: keep), new Comparison(two, weights, weights));
        }
    }

    [Fact]
    public void No_aggregate_reads_a_value_back()
    {
        Assert.SkipWhen(OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        using var scope = NewDisposeScope();
        var values = rand(6, 2).t();
        foreach (var nan in (NanPolicy[])[NanPolicy.Error, NanPolicy.Ignore, NanPolicy.Impute(1)])
        {
            Watch(new Mean(nan), m => m.Update(values, values));
            Watch(new Variance(nan: nan), m => m.Update(values, values));
            Watch(new RunningMean(3, nan), m => m.Update(values, 2.0));
            Watch(new Quantiles(nan: nan), m => m.Update(values, values));
            Watch(new Sum(nan), m => m.Update(values));
            Watch(new Min(nan), m => m.Update(values));
            Watch(new Max(nan), m => m.Update(values));
            Watch(new Cat(nan: nan), m => m.Update(values));
        }
    }

    static void Watch(Metric<Comparison, double> metric, Comparison batch)
    {
        using (metric)
        using (var states = new MetricStates())
        {
            metric.Accumulation.Declare(states);
            Watch(metric.ToString()!, () => metric.Accumulation.Add(states, batch));
        }
    }

    static void Watch<TMetric>(TMetric metric, Action<TMetric> update)
        where TMetric : Metric
    {
        using (metric) Watch(metric.GetType().Name, () => update(metric));
    }

    static void Watch(string what, Action update)
    {
        using var recorder = OpRecorder.Start();
        update();
        var ops = recorder.Stop().Threads.SelectMany(t => t.Records).Select(r => r.Name).ToList();
        Assert.True(ops.Count > 3, $"{what} ran {ops.Count} ops: it was meant to be updated by tensor ops.");
        Assert.True(!ops.Intersect(Waiting).Any(), $"{what} waits: {string.Join(", ", ops.Intersect(Waiting))} among {string.Join(" ", ops)}");
    }
}
