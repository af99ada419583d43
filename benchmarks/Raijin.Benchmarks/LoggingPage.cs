// What logging costs the training thread: the same loop without loggers and with TensorBoard, CSV and JSON lines, in turn. Each step's time is kept, so that a
// step held up by a logger's collection or a file shows.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Benchmarks;

static class LoggingPage
{
    const int WarmUp = 200;
    const int Steps = 2000;
    const int HistogramEvery = 50;
    static readonly string[] Keys = [.. Enumerable.Range(0, 10).Select(i => $"train/value{i}")];

    public static void Run(string[] arguments)
    {
        var rounds = arguments.Contains("--quick") ? 3 : 11;
        set_num_threads(1);
        var report = new Report("Logging over the same loop without loggers", arguments);
        report.Note($"10 scalars logged each step, the histogram of the first layer's weights each {HistogramEvery} steps; TensorBoard + CSV + JSON lines. {Steps:N0} steps, {rounds} rounds in turn. A slow step takes more than 3 × the median of its own loop.");
        Compare(report, "MLP 784-128-10, batch 64", 784, 128, rounds);
        Compare(report, "A tiny linear model, 32-2, batch 8", 32, 0, rounds);
        report.Write();
    }

    static void Compare(Report report, string title, int inputs, int hidden, int rounds)
    {
        using var scope = NewDisposeScope();
        var batch = hidden > 0 ? 64 : 8;
        var batches = Enumerable.Range(0, 16).Select(_ => new LabeledBatch(randn(batch, inputs), randint(0, hidden > 0 ? 10 : 2, [batch]))).ToArray();
        var cases = new (string Name, int LogEvery, bool Loggers)[]
        {
            ("no loggers", 50, false),
            ("three loggers, written each 50 steps", 50, true),
            ("three loggers, written each step", 1, true),
        };
        foreach (var (_, every, loggers) in cases) Train(inputs, hidden, batches, every, loggers);
        var samples = cases.Select(_ => new double[rounds][]).ToArray();
        var bytes = cases.Select(_ => new double[rounds]).ToArray();
        for (var round = 0; round < rounds; round++)
            for (var turn = 0; turn < cases.Length; turn++)
            {
                var which = (round + turn) % cases.Length;
                (samples[which][round], bytes[which][round]) = Train(inputs, hidden, batches, cases[which].LogEvery, cases[which].Loggers);
            }

        report.Table(title, "loop", "mean µs/step", "over no loggers", "median µs", "longest, µs", "slow steps of 1000", "managed bytes/step");
        for (var i = 0; i < cases.Length; i++)
        {
            var medians = samples[i].Select(Statistics.Median).ToArray();
            report.Row(cases[i].Name, Micro(Statistics.Median([.. samples[i].Select(s => s.Average())])),
                (Statistics.Median([.. samples[i].Zip(samples[0], (mine, none) => mine.Average() - none.Average())]) * 1e6).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture),
                Micro(Statistics.Median(medians)), Micro(Statistics.Median([.. samples[i].Select(s => s.Max())])),
                Statistics.Median([.. samples[i].Zip(medians, (s, m) => s.Count(x => x > 3 * m) * 1000.0 / s.Length)]).ToString("F1", CultureInfo.InvariantCulture),
                Statistics.Median(bytes[i]).ToString("F0", CultureInfo.InvariantCulture));
        }
    }

    static string Micro(double seconds) => (seconds * 1e6).ToString("F1", CultureInfo.InvariantCulture);

    sealed class Model(int inputs, int hidden) : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _first = hidden > 0 ? Linear(inputs, hidden) : Linear(inputs, 2);
        readonly Module<Tensor, Tensor>? _rest = hidden > 0 ? Sequential(ReLU(), Linear(hidden, 10)) : null;

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var scores = _first.call(batch.Inputs);
            if (_rest is not null) scores = _rest.call(scores);
            var loss = functional.cross_entropy(scores, batch.Labels);
            foreach (var key in Keys) step.Log(key, loss);
            if (step.Index % HistogramEvery == HistogramEvery - 1) step.LogHistogram("weights", ((TorchSharp.Modules.Linear)_first).weight);
            return loss;
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.01);
    }

    sealed class Premade(LabeledBatch[] batches, Stopwatches watches) : DataLoader<LabeledBatch>
    {
        public override long? BatchesPerEpoch => WarmUp + Steps + 2;

        public override string Fingerprint => "pre-made";

        public override BatchReader<LabeledBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default) => new Reader(batches, watches);

        public override DataLoader<LabeledBatch> Shard(int rank, int world) => throw new NotSupportedException();

        sealed class Reader(LabeledBatch[] batches, Stopwatches watches) : BatchReader<LabeledBatch>
        {
            int _next;

            protected override bool TryRead([NotNullWhen(true)] out LabeledBatch? batch)
            {
                watches.Fetch();
                batch = batches[_next++ % batches.Length];
                return true;
            }

            public override void Dispose() { }
        }
    }

    /// <summary>When each step began, from inside the fetching of its batch.</summary>
    sealed class Stopwatches
    {
        readonly long[] _at = new long[WarmUp + Steps + 2];
        long _bytes;
        int _fetched;

        public double BytesPerStep { get; private set; }

        public double[] Seconds => [.. Enumerable.Range(WarmUp, Steps).Select(i => (_at[i + 1] - _at[i]) / (double)Stopwatch.Frequency)];

        public void Fetch()
        {
            if (_fetched == WarmUp) _bytes = GC.GetAllocatedBytesForCurrentThread();
            if (_fetched == WarmUp + Steps) BytesPerStep = (GC.GetAllocatedBytesForCurrentThread() - _bytes) / (double)Steps;
            _at[_fetched++] = Stopwatch.GetTimestamp();
        }
    }

    static (double[] Seconds, double BytesPerStep) Train(int inputs, int hidden, LabeledBatch[] batches, int logEvery, bool loggers)
    {
        var folder = Directory.CreateTempSubdirectory("raijin-bench-").FullName;
        using var model = new Model(inputs, hidden);
        var watches = new Stopwatches();
        var options = new TrainerOptions
        {
            MaxSteps = WarmUp + Steps + 1,
            Device = DeviceChoice.Cpu,
            Output = folder,
            Log = Every.Steps(logEvery),
            Loggers = loggers ? [new TensorBoardLogger(), new CsvLogger(), new JsonLinesLogger()] : [],
            Checkpoints = false,
            Progress = false,
            Summary = false,
            HandleSignals = false,
            Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) }),
        };
        new Trainer(options).Fit(model, new DataLoaders<LabeledBatch>(new Premade(batches, watches)));
        Directory.Delete(folder, recursive: true);
        return (watches.Seconds, watches.BytesPerStep);
    }
}
