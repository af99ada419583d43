// What the Trainer costs over a loop written by hand, step by step, on pre-made batches.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Spectre.Console;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Benchmarks;

static class TrainerPage
{
    const int WarmUp = 100;
    const int Steps = 1000;

    public static void Run(string[] arguments)
    {
        var rounds = arguments.Contains("--quick") ? 5 : 21;
        set_num_threads(1);
        var report = new Report("The Trainer over a hand-written loop", arguments);
        Compare(report, "MLP 784-128-10, batch 64", 784, 128, rounds);
        Compare(report, "A tiny linear model, 32-2, batch 8", 32, 0, rounds);
        report.Write();
    }

    static void Compare(Report report, string title, int inputs, int hidden, int rounds)
    {
        var batch = hidden > 0 ? 64 : 8;
        using var scope = NewDisposeScope();
        var batches = Enumerable.Range(0, 16).Select(_ => new LabeledBatch(randn(batch, inputs), randint(0, hidden > 0 ? 10 : 2, [batch]))).ToArray();

        var cases = new (string Name, Func<Sample> Run)[]
        {
            ("hand-written, TorchSharp's SGD", () => ByHand(inputs, hidden, batches, fused: false)),
            ("hand-written, Raijin's SGD", () => ByHand(inputs, hidden, batches, fused: true)),
            ("Trainer, all off", () => Train(inputs, hidden, batches, logged: 0, everything: false)),
            ("Trainer, all off, 10 callbacks without a hook of the step", () => Train(inputs, hidden, batches, logged: 0, everything: false, [.. Enumerable.Range(0, 10).Select(_ => new Quiet())])),
            ("Trainer, 1 logged scalar, none written", () => Train(inputs, hidden, batches, logged: 1, everything: false)),
            ("Trainer, 11 logged scalars, none written", () => Train(inputs, hidden, batches, logged: 11, everything: false)),
            ("Trainer, bar + CSV + checkpoints + 1 logged scalar", () => Train(inputs, hidden, batches, logged: 1, everything: true)),
        };
        foreach (var contestant in cases) contestant.Run();
        var samples = cases.Select(_ => new Sample[rounds]).ToArray();
        for (var round = 0; round < rounds; round++)
            for (var turn = 0; turn < cases.Length; turn++)
            {
                var which = (round + turn) % cases.Length;
                samples[which][round] = cases[which].Run();
            }

        var timings = cases.Zip(samples, (c, s) => new Timing(c.Name, [.. s.Select(x => x.SecondsPerStep)])).ToArray();
        report.Table(title, "loop", "µs/step", "over hand-written, TorchSharp's SGD", "over hand-written, Raijin's SGD", "managed bytes/step", "live tensors gained");
        for (var i = 0; i < cases.Length; i++)
            report.Row(cases[i].Name, Micro(timings[i].Median), Signed(timings[i].MinusMedian(timings[0])), Signed(timings[i].MinusMedian(timings[1])),
                $"{Statistics.Median([.. samples[i].Select(s => s.BytesPerStep)]):F0}", $"{samples[i].Max(s => s.LiveGained)}");
    }

    readonly record struct Sample(double SecondsPerStep, double BytesPerStep, long LiveGained);

    /// <summary>Stamps time, allocations and live tensors after the warm-up and at the end, from inside the fetching of batches, so that set-up and tear-down are left out.</summary>
    sealed class Stamp
    {
        long _fetched;
        long _start;
        long _bytes;
        long _live;

        public Sample Result { get; private set; }

        public void Fetch()
        {
            var fetched = _fetched++;
            if (fetched == WarmUp)
            {
                _live = TensorLedger.Read().LiveTensors;
                _bytes = GC.GetAllocatedBytesForCurrentThread();
                _start = Stopwatch.GetTimestamp();
            }
            else if (fetched == WarmUp + Steps)
            {
                var seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
                Result = new(seconds / Steps, (double)(GC.GetAllocatedBytesForCurrentThread() - _bytes) / Steps, TensorLedger.Read().LiveTensors - _live);
            }
        }
    }

    sealed class Model(int inputs, int hidden, int logged) : TrainingModule<LabeledBatch>
    {
        static readonly string[] Keys = [.. Enumerable.Range(0, 11).Select(i => $"train/value{i}")];

        public Module<Tensor, Tensor> Net { get; } = hidden > 0 ? Sequential(Linear(inputs, hidden), ReLU(), Linear(hidden, 10)) : Sequential(Linear(inputs, 2));

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var loss = functional.cross_entropy(Net.call(batch.Inputs), batch.Labels);
            for (var i = 0; i < logged; i++) step.Log(Keys[i], loss);
            return loss;
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.01);
    }

    sealed class Premade(LabeledBatch[] batches, Stamp stamp) : DataLoader<LabeledBatch>
    {
        public override long? BatchesPerEpoch => WarmUp + Steps + 2;

        public override string Fingerprint => "pre-made";

        public override BatchReader<LabeledBatch> Open(long epoch, long firstBatch = 0, CancellationToken cancellationToken = default) => new Reader(batches, stamp);

        public override DataLoader<LabeledBatch> Shard(int rank, int world) => throw new NotSupportedException();

        sealed class Reader(LabeledBatch[] batches, Stamp stamp) : BatchReader<LabeledBatch>
        {
            int _next;

            protected override bool TryRead([NotNullWhen(true)] out LabeledBatch? batch)
            {
                stamp.Fetch();
                batch = batches[_next++ % batches.Length];
                return true;
            }

            public override void Dispose() { }
        }
    }

    static Sample ByHand(int inputs, int hidden, LabeledBatch[] batches, bool fused)
    {
        using var model = new Model(inputs, hidden, 0);
        using var optimizer = fused ? null : optim.SGD(model.parameters(), 0.01);
        using var fabric = fused ? Fabric.Launch() : null;
        var ours = fabric?.Setup(model, m => Optimizers.Sgd(m, 0.01)).Optimizer;
        var stamp = new Stamp();
        for (var i = 0; i < WarmUp + Steps + 2; i++)
        {
            stamp.Fetch();
            using var step = NewDisposeScope();
            var batch = batches[i % batches.Length];
            optimizer?.zero_grad();
            functional.cross_entropy(model.Net.call(batch.Inputs), batch.Labels).backward();
            optimizer?.step();
            ours?.Step();
        }
        return stamp.Result;
    }

    /// <summary>A callback that the step does not meet.</summary>
    sealed class Quiet : Callback
    {
        readonly string _key = Guid.NewGuid().ToString();

        public override string StateKey => _key;

        public override void OnTrainEpochEnd(TrainEpoch epoch) { }
    }

    static Sample Train(int inputs, int hidden, LabeledBatch[] batches, int logged, bool everything, IReadOnlyList<Callback>? callbacks = null)
    {
        var folder = Directory.CreateTempSubdirectory("raijin-bench-").FullName;
        using var model = new Model(inputs, hidden, logged);
        var stamp = new Stamp();
        var options = new TrainerOptions
        {
            MaxSteps = WarmUp + Steps + 1,
            Device = DeviceChoice.Cpu,
            Output = folder,
            Log = everything ? Every.Steps(50) : Every.Never,
            Loggers = everything ? null : [],
            Checkpoints = everything,
            Progress = everything,
            Summary = false,
            HandleSignals = false,
            Callbacks = callbacks ?? [],
            Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) }),
        };
        new Trainer(options).Fit(model, new DataLoaders<LabeledBatch>(new Premade(batches, stamp)));
        Directory.Delete(folder, recursive: true);
        return stamp.Result;
    }

    static string Micro(double seconds) => $"{seconds * 1e6:F1}";

    static string Signed(double seconds) => $"{seconds * 1e6:+0.0;-0.0;0.0}";
}
