using System.Globalization;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// Accuracy with F1, and ten metrics of one task, updated with scores and labels; beside them what one writes by hand in TorchSharp: argmax, compare and sum
/// for accuracy alone, and argmax with a count of label-prediction pairs, from which all ten can be computed.
/// </summary>
static class ClassificationUpdates
{
    static readonly (string Name, long[] Scores, ScalarType DType, int Repeats)[] Batches =
    [
        ("64 × 10", [64, 10], ScalarType.Float32, 2000),
        ("64 × 10, bf16", [64, 10], ScalarType.BFloat16, 2000),
        ("4096 × 10", [4096, 10], ScalarType.Float32, 100),
        ("64 × 1,000", [64, 1000], ScalarType.Float32, 300),
        ("64 × 50,000", [64, 50_000], ScalarType.Float32, 5),
        ("2 × 19 × 256 × 256 pixels", [2, 19, 256, 256], ScalarType.Float32, 5),
    ];

    public static void Measure(Report report, int rounds)
    {
        report.Table("Classification: one update", "scores", "accuracy, F1 apart", "both in a collection", "ten in a collection", "TorchSharp: accuracy", "TorchSharp: pairs", "ten / TorchSharp: accuracy", "managed bytes, ten", "managed bytes, TorchSharp");
        // Until the runtime has compiled all for good.
        using (var first = new Batch(Batches[0].Scores, Batches[0].DType)) Interleaved.Measure(rounds, [.. first.Contestants(Batches[0].Repeats)]);
        foreach (var batch in Batches)
        {
            using var one = new Batch(batch.Scores, batch.DType);
            var times = Interleaved.Measure(rounds, [.. one.Contestants(batch.Repeats)]);
            report.Row(
                batch.Name,
                Pages.Show(times[0]),
                Pages.Show(times[1]),
                Pages.Show(times[2]),
                Pages.Show(times[3]),
                times.Length > 4 ? Pages.Show(times[4]) : "–",
                Pages.Number(times[2].RatioTo(times[3])),
                MetricsPage.ManagedBytes(one.Ten).ToString("n0", CultureInfo.InvariantCulture),
                MetricsPage.ManagedBytes(one.CountRight).ToString("n0", CultureInfo.InvariantCulture));
        }
    }

    sealed class Batch : IDisposable
    {
        readonly int _classes;
        readonly Tensor _scores;
        readonly Tensor _labels;
        readonly Tensor _right = zeros([], ScalarType.Float64);
        readonly Tensor _pairs;
        readonly Accuracy _accuracy;
        readonly F1Score _f1;
        readonly MetricCollection _two;
        readonly MetricCollection _ten;

        public Batch(long[] shape, ScalarType dtype)
        {
            manual_seed(1);
            _classes = (int)shape[1];
            var task = Classification.Multiclass(_classes);
            using var scores = randn(shape);
            _scores = scores.to(dtype).clone();
            _labels = randint(0, _classes, [shape[0], .. shape[2..]], ScalarType.Int64);
            _pairs = _classes <= 1000 ? zeros([_classes * _classes], ScalarType.Float64) : zeros(0);
            _accuracy = new(task);
            _f1 = new(task);
            _two = new() { { "accuracy", new Accuracy(task) }, { "f1", new F1Score(task) } };
            _ten = new()
            {
                { "accuracy", new Accuracy(task) },
                { "balanced", new Accuracy(task, Average.Macro) },
                { "precision", new PrecisionScore(task) },
                { "recall", new RecallScore(task) },
                { "f1", new F1Score(task) },
                { "specificity", new Specificity(task) },
                { "jaccard", new JaccardIndex(task) },
                { "hamming", new HammingDistance(task) },
                { "mcc", new MatthewsCorrCoef(task) },
                { "kappa", new CohenKappa(task) },
            };
        }

        public IEnumerable<Contestant> Contestants(int repeats)
        {
            yield return Repeated("apart", Apart);
            yield return Repeated("two", () => _two.Update(_scores, _labels));
            yield return Repeated("ten", Ten);
            yield return Repeated("right", CountRight);
            if (_pairs.NumberOfElements > 0) yield return Repeated("pairs", CountPairs);

            Contestant Repeated(string name, Action once) => new(name, () => { for (var i = 0; i < repeats; i++) once(); }, repeats);
        }

        public void Ten() => _ten.Update(_scores, _labels);

        public void CountRight()
        {
            using var scope = NewDisposeScope();
            _right.add_(_scores.argmax(1).eq(_labels).sum());
        }

        void Apart()
        {
            _accuracy.Update(_scores, _labels);
            _f1.Update(_scores, _labels);
        }

        void CountPairs()
        {
            using var scope = NewDisposeScope();
            _pairs.add_(((_labels * _classes) + _scores.argmax(1)).flatten().bincount(null, _pairs.NumberOfElements));
        }

        public void Dispose()
        {
            _two.Dispose();
            _ten.Dispose();
            _accuracy.Dispose();
            _f1.Dispose();
            foreach (var tensor in new[] { _scores, _labels, _right, _pairs }) tensor.Dispose();
        }
    }
}
