using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Regressions;

/// <summary>The batches and results of eng/recordings/metrics_regression.py. Tensors go to the open scope.</summary>
static class Recorded
{
    static readonly JsonElement File = Recording.Open("regression");

    public static Tensor Data(string batch, string field, ScalarType dtype = ScalarType.Float64) => File.GetProperty("data").GetProperty(batch).GetProperty(field).Tensor(dtype);

    public static Comparison Batch(string name, bool weighted = false, ScalarType dtype = ScalarType.Float64) =>
        new(Data(name, "predictions", dtype), Data(name, "targets", dtype), weighted ? Data(name, "weights", dtype) : null);

    public static double Number(string name) => File.GetProperty("expected").GetProperty(name).Number();

    public static double[] Numbers(string name) => File.GetProperty("expected").GetProperty(name).Numbers();

    /// <summary>The metric of a batch, fed in two updates, so that what holds of recordings holds of accumulation too.</summary>
    public static void Holds(string expected, ScalarMetric<Comparison> metric, Comparison batch, double tolerance = 1e-9)
    {
        using (metric)
        {
            Feed(metric, batch);
            Recording.Near(Number(expected), metric.Compute(), tolerance, expected);
            Recording.Near(Number(expected), metric.Of(batch), tolerance, expected + " at once");
        }
    }

    public static void HoldsPerOutput(string expected, RegressionMetric metric, Comparison batch, double tolerance = 1e-9)
    {
        using (metric)
        {
            Feed(metric, batch);
            Recording.Near(Numbers(expected), metric.PerOutput(), tolerance, expected);
        }
    }

    public static void Feed(IUpdate<Comparison> metric, Comparison batch)
    {
        using var scope = NewDisposeScope();
        var (first, all) = (batch.Count / 3, batch.Count);
        metric.Update(batch.Select(arange(0, first)));
        metric.Update(batch.Select(arange(first, all)));
    }
}
