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
                new Contestant("radix", () => Sort(values, sorted, keys, scratch)),
                new Contestant("torch", () => Sort(scores)),
                new Contestant("array", () => Array.Sort(sorted), Before: () => values.CopyTo(sorted.AsSpan())));
            set_num_threads(threads);
            report.Row(name, Pages.Show(times[0]), Pages.Show(times[1]), Pages.Show(times[2]), Pages.Show(times[3]), Pages.Number(times[0].RatioTo(times[1])));
        }
    }

    // As good as it gets here: only the bits that the scores differ in are sorted, all cores do every part.
    static void Sort(float[] scores, float[] sorted, uint[] keys, uint[] scratch)
    {
        var workers = RadixSort.Workers(scores.Length);
        var ranges = new (uint Low, uint High)[workers];
        RadixSort.Run(workers, worker =>
        {
            var (low, high) = (uint.MaxValue, 0u);
            var (start, end) = (RadixSort.Start(scores.Length, worker, workers), RadixSort.Start(scores.Length, worker + 1, workers));
            for (var i = start; i < end; i++)
            {
                var bits = BitConverter.SingleToInt32Bits(scores[i]);
                var key = (uint)(bits ^ (bits >> 31 | int.MinValue));
                keys[i] = key;
                (low, high) = (Math.Min(low, key), Math.Max(high, key));
            }
            ranges[worker] = (low, high);
        });
        var (least, most) = (ranges.Min(r => r.Low), ranges.Max(r => r.High));
        RadixSort.Run(workers, worker =>
        {
            foreach (ref var key in keys.AsSpan(RadixSort.Start(keys.Length, worker, workers)..RadixSort.Start(keys.Length, worker + 1, workers))) key -= least;
        });
        var result = RadixSort.Sort(keys, scratch, keys.Length, 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)(most - least)), workers);
        RadixSort.Run(workers, worker =>
        {
            for (var i = RadixSort.Start(result.Length, worker, workers); i < RadixSort.Start(result.Length, worker + 1, workers); i++)
            {
                var key = (int)(result[i] + least);
                sorted[i] = BitConverter.Int32BitsToSingle(key ^ (~key >> 31 | int.MinValue));
            }
        });
    }

    static void Sort(Tensor scores)
    {
        using var scope = NewDisposeScope();
        scores.sort();
    }
}
