using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>The state of a metric that keeps each sample's score: always its second.</summary>
static class KeptSamples
{
    public static void Declare(MetricStates states) => states.Add("samples", Reduction.Concatenate, zeros([0], ScalarType.Float64));

    public static IReadOnlyList<double> Of(MetricStates states, Type metric) => states.Count > 1
        ? states[1].ToArray<double>()
        : throw new InvalidOperationException($"This {metric.Name} keeps no samples: make it with keepSamples: true.");
}
