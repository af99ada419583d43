using System.Reflection;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests;

/// <summary>Every metric of batches is a plain function too.</summary>
public sealed class EveryTwinTests
{
    static readonly Type[] Families =
    [
        typeof(Classify), typeof(Raijin.Regression), typeof(Cluster), typeof(Raijin.Nominal), typeof(Raijin.Retrieval), typeof(Texts), typeof(Raijin.Images), typeof(Raijin.Sound), typeof(Boxes), typeof(Raijin.Segmentation), typeof(Shapes),
    ];

    /// <summary>Functions that the field knows by another name. Those of boxes are of every pair, of which the metrics are means.</summary>
    static readonly Dictionary<string, string> Names = new()
    {
        ["BinaryFairness"] = "Fairness",
        ["BinaryGroupStatRates"] = "GroupStatRates",
        ["IntersectionOverUnion"] = "Iou",
        ["GeneralizedIntersectionOverUnion"] = "Giou",
        ["DistanceIntersectionOverUnion"] = "Diou",
        ["CompleteIntersectionOverUnion"] = "Ciou",
        ["PearsonsContingencyCoefficient"] = "PearsonsContingency",
    };

    public static TheoryData<string> OfBatches => [.. MetricCases.All.Values.Where(c => c.Alone is not null).Select(c => c.Name)];

    [Theory, MemberData(nameof(OfBatches))]
    public void A_metric_of_batches_has_a_function_that_gives_the_same(string name) => EveryMetricTests.Each(name, (@case, input) =>
    {
        var twin = Assert.Single(Twins(name));
        if (@case.IsPacked || !TryArguments(twin, input, out var arguments)) return;
        var result = twin.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null);
        using var metric = @case.Fed(input);
        // Of images and signals the function gives each one's score, and the metric their mean.
        double[] numbers = result is Tensor scores ? [scores.Numbers().Average()] : MetricCase.Flat(result);
        Recording.Near(MetricCase.Result(metric), numbers, 1e-6, name);
    });

    static IEnumerable<MethodInfo> Twins(string metric)
    {
        string[] names = Names.TryGetValue(metric, out var other) ? [other] : [metric, Short(metric)];
        return Families.SelectMany(f => f.GetMethods(BindingFlags.Public | BindingFlags.Static))
            .Where(m => names.Contains(m.Name) && Belongs(m.DeclaringType!, metric));
    }

    static bool Belongs(Type family, string metric) => family == typeof(Raijin.Retrieval) ? metric.StartsWith("Retrieval", StringComparison.Ordinal)
        : family == typeof(Cluster) ? metric.EndsWith("Score", StringComparison.Ordinal) || metric.EndsWith("Index", StringComparison.Ordinal) || metric.StartsWith("Cluster", StringComparison.Ordinal)
        : !metric.StartsWith("Retrieval", StringComparison.Ordinal) && !metric.StartsWith("Cluster", StringComparison.Ordinal);

    /// <summary>A metric's name without what the family's says.</summary>
    static string Short(string metric)
    {
        foreach (var prefix in new[] { "Retrieval", "Cluster" })
            if (metric.StartsWith(prefix, StringComparison.Ordinal)) return metric[prefix.Length..];
        foreach (var suffix in new[] { "Score", "Index" })
            if (metric.EndsWith(suffix, StringComparison.Ordinal)) return metric[..^suffix.Length];
        return metric;
    }

    /// <summary>The input, then each option as it is by default; false where an option has none, or where the case has other options than the function.</summary>
    static bool TryArguments(MethodInfo function, Tensor[] input, out object?[] arguments)
    {
        var parameters = function.GetParameters();
        arguments = [.. parameters.Select((p, i) => i < input.Length ? input[i] : p.DefaultValue)];
        return parameters.Take(input.Length).Count(p => p.ParameterType == typeof(Tensor)) == input.Length
            && parameters.Skip(input.Length).All(p => p.HasDefaultValue)
            && function.Name is not ("Sdr" or "MsSsim" or "TweedieDevianceScore")
            && function.Name != "Psnr";                                     // the metric's is that of the mean squared error of all images
    }
}
