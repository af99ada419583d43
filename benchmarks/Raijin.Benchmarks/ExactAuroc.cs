using Raijin.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// The exact area under the ROC curve of 10M scores beside sorts of them: the parallel radix sort it is made of (float32 to integers in the same order, sorted,
/// and back), libtorch's and .NET's. And updates of a binned curve.
/// </summary>
static class ExactAuroc
{
    const int Count = 10_000_000;
    const int Binned = 100_000;

    public static void Measure(Report report, int rounds)
    {
        using var generator = new Generator(1);
        using var labels = rand(Count, generator: generator).lt(0.3).to(ScalarType.Int64);
        using var logits = randn(Count, generator: generator).add_(labels.mul(1.5)).sub_(1);
        using var probabilities = logits.sigmoid();
        var rare = labels.mul(rand(Count, generator: generator).lt(0.03));

        report.Table("Exact AUROC of 10M float32 scores, Compute alone", "scores", "AUROC", "parallel radix sort", "`torch.sort`", "`Array.Sort`", "AUROC / radix sort");
        Row("probabilities, 30 % positive", probabilities, labels, false);
        Row("probabilities, 1 % positive", probabilities, rare, false);
        Row("logits, 30 % positive", logits, labels, true);
        rare.Dispose();

        report.Table("Update of a binned AUROC with 100,000 scores, one thread", "thresholds", "time", "ns a score");
        using var fewScores = probabilities[..Binned].clone();
        using var fewLabels = labels[..Binned].clone();
        foreach (var thresholds in (int[])[101, 10_001])
        {
            using var metric = new Auroc(Classification.Binary(), thresholds: thresholds);
            var time = Interleaved.Measure(rounds, new Contestant("update", () => metric.Update(fewScores, fewLabels)))[0];
            report.Row($"{thresholds:N0}", Pages.Show(time), Pages.Number(time.Median / Binned * 1e9));
        }

        void Row(string name, Tensor scores, Tensor targets, bool areLogits)
        {
            using var metric = new Auroc(Classification.Binary(logits: areLogits));
            metric.Update(scores, targets);
            var values = scores.data<float>().ToArray();
            var (sorted, keys, scratch) = (new float[Count], new uint[Count], new uint[Count]);
            var threads = get_num_threads();
            set_num_threads(Environment.ProcessorCount);
            var times = Interleaved.Measure(
                Math.Min(rounds, 9),
                new Contestant("auroc", () => metric.Compute()),
                new Contestant("radix", () => FloatSort.Sort(values, sorted, keys, scratch)),
                new Contestant("torch", () => Sort(scores)),
                new Contestant("array", () => Array.Sort(sorted), Before: () => values.CopyTo(sorted.AsSpan())));
            set_num_threads(threads);
            report.Row(name, Pages.Show(times[0]), Pages.Show(times[1]), Pages.Show(times[2]), Pages.Show(times[3]), Pages.Number(times[0].RatioTo(times[1])));
        }
    }

    static void Sort(Tensor scores)
    {
        using var scope = NewDisposeScope();
        scores.sort();
    }
}
