using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// Batches of 64 out of an MNIST-shaped set in memory, shuffled: Raijin's loader, a bare <c>index_select</c> loop over an order made beforehand, TorchSharp's DataLoader, and Raijin's
/// sample by sample with and without workers. <c>--threads 1|2|…</c> (default: 1 and 2), <c>--rounds n</c>.
/// </summary>
static class LoaderPage
{
    const int Samples = 60_000;
    const int BatchSize = 64;
    const int Batches = Samples / BatchSize;

    // The slow ones do a part of the epoch: what counts is the time of a sample.
    const int FewBatches = 40;
    const int SomeBatches = 300;

    public static void Run(string[] args)
    {
        var rounds = Pages.Option(args, "--rounds") ?? 41;
        int[] threadCounts = Pages.Option(args, "--threads") is { } one ? [one] : [1, 2];
        var report = new Report("Batches of 64 out of 60,000 × [1, 28, 28] float32 in memory, shuffled", args);
        report.Note($"Median of {rounds} interleaved rounds; ratios are medians of the ratio within a round. Each delivers inputs and labels into a scope that is emptied after every batch, as a step does. Sample by sample reads 2,000 images that fit the cache.");
        using var field = new Field();
        foreach (var threads in threadCounts)
        {
            set_num_threads(threads);
            var times = Interleaved.Measure(rounds, field.Contestants());
            report.Table($"{threads} libtorch thread{(threads == 1 ? "" : "s")}", "loader", "per batch", "million samples/s", "time / bare `index_select`", "managed bytes/batch");
            foreach (var (time, contestant) in times.Zip(field.Contestants()))
            {
                report.Row(
                    time.Name, string.Create(CultureInfo.InvariantCulture, $"{time.Median * BatchSize * 1e6:F1} µs"), Pages.Number(1e-6 / time.Median),
                    Pages.Number(time.RatioTo(times[0])), Bytes(contestant).ToString("N0", CultureInfo.InvariantCulture));
            }
        }

        report.Table("Opening an epoch and reading one batch", "at batch", "time");
        var opened = Interleaved.Measure(rounds, [.. new[] { 0, 400, 900 }.Select(at => new Contestant(at.ToString(CultureInfo.InvariantCulture), () => field.Open(at, 100), 100))]);
        foreach (var time in opened) report.Row(time.Name, Pages.Show(time));
        report.Write();
    }

    static long Bytes(Contestant contestant)
    {
        var before = GC.GetTotalAllocatedBytes(precise: true);
        contestant.Run();
        return (GC.GetTotalAllocatedBytes(precise: true) - before) * BatchSize / contestant.Operations;
    }

    sealed class Field : IDisposable
    {
        readonly Tensor _inputs = rand(Samples, 1, 28, 28);
        readonly Tensor _labels = randint(10, [Samples], dtype: ScalarType.Int64);
        readonly LabeledDataset _set;
        readonly DataLoader<LabeledBatch> _loader;
        readonly float[][] _images;
        long _epoch;

        public Field()
        {
            _set = new LabeledDataset(_inputs, _labels);
            _loader = _set.Batches(BatchSize);
            _images = [.. Enumerable.Range(0, 2000).Select(i => _inputs[i].data<float>().ToArray())];
        }

        public Contestant[] Contestants() =>
        [
            new("bare `index_select`", IndexSelect, Batches * BatchSize),
            new("Raijin, in memory", () => Epoch(_loader, Batches), Batches * BatchSize),
            new("Raijin, sample by sample", () => Epoch(BySample(0), SomeBatches), SomeBatches * BatchSize),
            new("the same, 1 worker", () => Epoch(BySample(1), SomeBatches), SomeBatches * BatchSize),
            new("the same, 2 workers", () => Epoch(BySample(2), SomeBatches), SomeBatches * BatchSize),
            new("TorchSharp DataLoader", Stock, FewBatches * BatchSize),
        ];

        public void Open(long batch, int times)
        {
            using var scope = TensorScope.Open();
            for (var i = 0; i < times; i++)
            {
                using var reader = _loader.Open(_epoch++, batch);
                reader.MoveNext();
                scope.Free();
            }
        }

        void IndexSelect()
        {
            using var order = randperm(Samples, dtype: ScalarType.Int64);
            using var scope = TensorScope.Open();
            for (var batch = 0; batch < Batches; batch++)
            {
                var rows = order.narrow(0, batch * BatchSize, BatchSize);
                _inputs.index_select(0, rows);
                _labels.index_select(0, rows);
                scope.Free();
            }
        }

        void Epoch(DataLoader<LabeledBatch> loader, int batches)
        {
            using var reader = loader.Open(_epoch++);
            using var scope = TensorScope.Open();
            for (var i = 0; i < batches && reader.MoveNext(); i++) scope.Free();
        }

        DataLoader<LabeledBatch> BySample(int workers) =>
            Dataset.Of(Samples, request => _images[request.Index % _images.Length]).Batches(
                new LoaderOptions { BatchSize = BatchSize, Workers = workers },
                rows => new LabeledBatch(Collate.Rows(rows).reshape(-1, 1, 28, 28), zeros(rows.Count, dtype: ScalarType.Int64)));

        void Stock()
        {
            using var set = torch.utils.data.TensorDataset(_inputs, _labels);
            using var loader = torch.utils.data.DataLoader(set, BatchSize, shuffle: true);
            var left = FewBatches;
            foreach (var batch in loader)
            {
                foreach (var tensor in batch) tensor.Dispose();
                if (--left == 0) break;
            }
        }

        public void Dispose()
        {
            _set.Dispose();
            _inputs.Dispose();
            _labels.Dispose();
        }
    }
}
