using System.Diagnostics;
using System.Runtime.CompilerServices;
using Raijin.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// The exact area under the ROC curve of 10M scores beside sorts of them, float32 to float32: the parallel bucket sort that it shares its first steps with,
/// a parallel radix sort from the least significant digit on, libtorch's and .NET's. And updates of a binned curve.
/// </summary>
static class ExactAuroc
{
    const int Count = 10_000_000;
    const int Binned = 100_000;

    /// <param name="report">Where it is written.</param>
    /// <param name="rounds">How often each is timed.</param>
    /// <param name="updates">So many updates of a binned curve with small batches, to see what they leave behind; null: none.</param>
    public static void Measure(Report report, int rounds, int? updates)
    {
        using var generator = new Generator(1);
        using var labels = rand(Count, generator: generator).lt(0.3).to(ScalarType.Int64);
        using var logits = randn(Count, generator: generator).add_(labels.mul(1.5)).sub_(1);
        using var probabilities = logits.sigmoid();
        var rare = labels.mul(rand(Count, generator: generator).lt(0.03));

        report.Table("Exact AUROC of 10M float32 scores, Compute alone", "scores", "AUROC", "parallel bucket sort", "parallel radix sort", "`torch.sort`", "`Array.Sort`", "AUROC / bucket sort", "AUROC / radix sort");
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
            // Until the code is compiled for good, which a few updates are too short for.
            for (var i = 0; i < 500; i++) metric.Update(fewScores, fewLabels);
            var time = Interleaved.Measure(rounds, new Contestant("update", () => metric.Update(fewScores, fewLabels)))[0];
            report.Row($"{thresholds:N0}", Pages.Show(time), Pages.Number(time.Median / Binned * 1e9));
        }

        if (updates is { } many) Repeat(report, many);

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
                new Contestant("bucket", () => BucketSort(values, sorted, keys)),
                new Contestant("radix", () => Sort(values, sorted, keys, scratch)),
                new Contestant("torch", () => Sort(scores)),
                new Contestant("array", () => Array.Sort(sorted), Before: () => values.CopyTo(sorted.AsSpan())));
            set_num_threads(threads);
            report.Row(name, Pages.Show(times[0]), Pages.Show(times[1]), Pages.Show(times[2]), Pages.Show(times[3]), Pages.Show(times[4]),
                Pages.Number(times[0].RatioTo(times[1])), Pages.Number(times[0].RatioTo(times[2])));
        }
    }

    static void Repeat(Report report, int updates)
    {
        const int Batch = 16;
        using var generator = new Generator(2);
        using var scores = rand(Batch, generator: generator);
        using var labels = scores.gt(0.5).to(ScalarType.Int64);
        using var metric = new Auroc(Classification.Binary(), thresholds: 101);
        for (var i = 0; i < 1000; i++) metric.Update(scores, labels);
        report.Table($"{updates:N0} updates of a binned AUROC (101 thresholds) with {Batch} scores", "when", "state bytes", "live tensors", "managed bytes allocated on the thread", "ns an update");
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        Row("before", 0);
        allocated = GC.GetAllocatedBytesForCurrentThread();
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < updates; i++) metric.Update(scores, labels);
        Row("after", Stopwatch.GetElapsedTime(start).TotalNanoseconds / updates);

        void Row(string when, double time)
        {
            var managed = GC.GetAllocatedBytesForCurrentThread() - allocated;
            var (bytes, tensors) = (0L, TensorLedger.Read().LiveTensors);
            for (var i = 0; i < metric.States.Count; i++) bytes += metric.States[i].Value.NumberOfElements * metric.States[i].Value.ElementSize;
            report.Row(when, $"{bytes:N0}", $"{tensors:N0}", $"{managed:N0}", Pages.Number(time));
        }
    }

    // The fastest here: buckets of a core's cache in one pass, and each sorted there.
    static void BucketSort(float[] scores, float[] sorted, uint[] keys)
    {
        var workers = RadixSort.Workers(scores.Length);
        using var plan = new BucketPlan(scores.Length, workers);
        RadixSort.Run(workers, worker => CountCells(Stretch(worker), plan.Counts(worker), plan.Shift));
        plan.Divide();
        RadixSort.Run(workers, worker => Place(Stretch(worker), keys, plan.BucketOf, plan.Counts(worker), plan.Shift));
        RadixSort.Run<Scratch>(workers, plan.Buckets.Count, (i, scratch) =>
        {
            var bucket = plan.Buckets[i];
            if (scratch.Keys.Length < bucket.Count) scratch.Keys = new uint[bucket.Count];
            Decode(RadixSort.Sort(bucket.Of(keys), scratch.Keys, bucket.Low, bucket.Bits), sorted.AsSpan(bucket.Start, bucket.Count));
        });

        ReadOnlySpan<float> Stretch(int worker) => scores.AsSpan(RadixSort.Start(scores.Length, worker, workers)..RadixSort.Start(scores.Length, worker + 1, workers));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void CountCells(ReadOnlySpan<float> scores, Span<int> cells, int shift)
    {
        foreach (var score in scores) cells[(int)(ScoreCode.Of(score) >> shift)]++;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Place(ReadOnlySpan<float> scores, Span<uint> keys, ReadOnlySpan<ushort> bucketOf, Span<int> places, int shift)
    {
        foreach (var score in scores)
        {
            var code = ScoreCode.Of(score);
            keys[places[bucketOf[(int)(code >> shift)]]++] = code;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Decode(ReadOnlySpan<uint> keys, Span<float> scores)
    {
        for (var i = 0; i < keys.Length && i < scores.Length; i++) scores[i] = ScoreCode.Score(keys[i]);
    }

    // Only the bits that the scores differ in are sorted, all cores do every part.
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
        var result = RadixSort.Sort(keys, scratch, keys.Length, RadixSort.Bits(most - least), workers);
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

    sealed class Scratch : IDisposable
    {
        public uint[] Keys { get; set; } = [];

        public void Dispose()
        {
        }
    }
}
