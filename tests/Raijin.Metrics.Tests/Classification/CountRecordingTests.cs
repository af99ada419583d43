// What scikit-learn and torchmetrics give (eng/recordings/metrics_counts.py), metric by metric: "PrecisionScore/macro/0" is the metric, its average and what 0 / 0 is.

using System.Globalization;
using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Counts;

public sealed class CountRecordingTests
{
    static readonly JsonElement Recorded = Recording.Open("counts");

    public static TheoryData<int, string> Cases() => [.. Recorded.GetProperty("cases").EnumerateArray().Select((c, i) => (i, c.GetProperty("name").GetString()!))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Numbers_are_those_of_the_references(int index, string name)
    {
        var recorded = Recorded.GetProperty("cases")[index];
        var task = Task(recorded.GetProperty("task"));
        // torchmetrics computes in float32.
        var tolerance = name.StartsWith("torchmetrics", StringComparison.Ordinal) ? 1e-6 : 1e-12;
        using var predictions = recorded.GetProperty("predictions").Tensor(recorded.GetProperty("floating").GetBoolean() ? ScalarType.Float64 : ScalarType.Int64);
        using var targets = recorded.GetProperty("targets").Tensor(ScalarType.Int64);
        using var weights = recorded.GetProperty("weights").ValueKind == JsonValueKind.Null ? null : recorded.GetProperty("weights").Tensor();
        Assert.All(recorded.GetProperty("expected").EnumerateObject(), expected =>
            Recording.Near(expected.Value.Numbers(), Compute(expected.Name, task, new(predictions, targets, weights)), tolerance, $"{name}: {expected.Name}"));
    }

    [Fact]
    public void Fairness_is_that_of_torchmetrics()
    {
        var recorded = Recorded.GetProperty("fairness");
        using var predictions = recorded.GetProperty("predictions").Tensor();
        using var targets = recorded.GetProperty("targets").Tensor(ScalarType.Int64);
        using var groups = recorded.GetProperty("groups").Tensor(ScalarType.Int64);
        var fairness = Classify.Fairness(predictions, targets, groups, 3);
        Assert.All([("parity", fairness.DemographicParity), ("opportunity", fairness.EqualOpportunity)], pair =>
        {
            var expected = recorded.GetProperty(pair.Item1);
            Recording.Near(expected.GetProperty("ratio").GetDouble(), pair.Item2.Ratio);
            Assert.Equal((expected.GetProperty("lowest").GetInt32(), expected.GetProperty("highest").GetInt32()), (pair.Item2.Lowest, pair.Item2.Highest));
        });
        var rates = Classify.GroupStatRates(predictions, targets, groups, 3);
        Recording.Near(recorded.GetProperty("rates").Numbers(), [.. rates.SelectMany(r => new[] { r.TruePositives, r.FalsePositives, r.TrueNegatives, r.FalseNegatives })]);
    }

    static Classification Task(JsonElement task)
    {
        var classes = task.GetProperty("classes").GetInt32();
        long? ignored = task.TryGetProperty("ignore", out var index) ? index.GetInt64() : null;
        return task.GetProperty("kind").GetString() switch
        {
            "binary" => Classification.Binary(task.TryGetProperty("threshold", out var threshold) ? threshold.GetDouble() : 0.5, task.TryGetProperty("logits", out _), ignored),
            "multiclass" => Classification.Multiclass(classes, task.TryGetProperty("topk", out var k) ? k.GetInt32() : 1, ignoreIndex: ignored),
            _ => Classification.Multilabel(classes, ignoreIndex: ignored),
        };
    }

    static double[] Compute(string key, Classification task, Comparison batch)
    {
        var parts = key.Split('/');
        if (parts.Length == 3)
        {
            var zero = double.Parse(parts[2], CultureInfo.InvariantCulture);
            var average = Enum.TryParse<Average>(parts[1], ignoreCase: true, out var named) ? named : Average.Micro;
            using var ratio = Ratio(parts[0], task, average, zero);
            if (parts[1] is "samples" or "persample")
            {
                using var samples = new Samplewise(Ratio(parts[0], task, Average.Macro, zero));
                samples.Update(batch);
                return parts[1] == "samples" ? [samples.Compute()] : [.. samples.PerSample()];
            }
            ratio.Update(batch);
            return parts[1] == "none" ? [.. ratio.PerClass()] : [ratio.Compute()];
        }
        switch (parts[0])
        {
            case "StatScores":
                return [.. Classify.StatScores(batch.Predictions, batch.Targets, task, batch.Weights).SelectMany(c => new[] { c.TruePositives, c.FalsePositives, c.TrueNegatives, c.FalseNegatives })];
            case "ConfusionMatrix":
                var shares = Enum.Parse<ConfusionShares>(parts[1], ignoreCase: true);
                return [.. Classify.ConfusionMatrix(batch.Predictions, batch.Targets, task, shares, batch.Weights).Cast<double>()];
            case "MultilabelConfusionMatrix":
                return [.. Classify.MultilabelConfusionMatrix(batch.Predictions, batch.Targets, task, weights: batch.Weights).SelectMany(m => m.Cast<double>())];
            case "CohenKappa":
                return [Classify.CohenKappa(batch.Predictions, batch.Targets, task, Enum.Parse<KappaWeights>(parts[1], ignoreCase: true), batch.Weights)];
            case "MatthewsCorrCoef":
                return [Classify.MatthewsCorrCoef(batch.Predictions, batch.Targets, task, batch.Weights)];
            case "ExactMatch":
                return [Classify.ExactMatch(batch.Predictions, batch.Targets, task, batch.Weights)];
            default:
                throw new InvalidOperationException(key);
        }
    }

    static ClassRatio Ratio(string name, Classification task, Average average, double zero) => name switch
    {
        "Accuracy" => new Accuracy(task, average, zero),
        "HammingDistance" => new HammingDistance(task, average, zero),
        "PrecisionScore" => new PrecisionScore(task, average, zero),
        "RecallScore" => new RecallScore(task, average, zero),
        "Specificity" => new Specificity(task, average, zero),
        "NegativePredictiveValue" => new NegativePredictiveValue(task, average, zero),
        "JaccardIndex" => new JaccardIndex(task, average, zero),
        "F1" => new F1Score(task, average, zero),
        "F0.5" => new FBetaScore(task, 0.5, average, zero),
        "F2" => new FBetaScore(task, 2, average, zero),
        _ => throw new InvalidOperationException(name),
    };
}
