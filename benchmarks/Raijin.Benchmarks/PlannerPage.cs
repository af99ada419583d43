using System.Diagnostics;
using System.Globalization;
using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Benchmarks;

/// <summary>What the planner predicts of a step's time and memory, beside what they are: an MLP and a GPT on one rank and on two, ranks as threads. <c>--steps n</c>.</summary>
static class PlannerPage
{
    static readonly PlannedRun[] Runs =
    [
        new("MLP", 1, Zero.Stage0, 64), new("MLP", 1, Zero.Stage0, 512), new("MLP", 2, Zero.Stage0, 128), new("MLP", 2, Zero.Stage2, 256),
        new("GPT", 1, Zero.Stage0, 2), new("GPT", 1, Zero.Stage0, 8), new("GPT", 2, Zero.Stage1, 4), new("GPT", 2, Zero.Stage3, 8),
    ];

    public static void Run(string[] args)
    {
        var steps = Pages.Option(args, "--steps") ?? 12;
        var report = new Report("Planned and measured: time and memory of a step", args);
        report.Note("MLP: 784-2048-2048-10. GPT: 12.2M parameters, sequences of 64 tokens. Float32, AdamW. Time: the median of the steps, calibrated just before. Memory: everything of a rank, activations included.");
        report.Table("8 configurations", "model", "ranks", "strategy", "samples a rank", "planned ms", "measured ms", "off", "of it updates", "measured", "planned MB", "measured MB", "off");
        foreach (var group in Runs.GroupBy(r => r.Ranks))
        {
            var rows = World.Run(group.Key, world =>
            {
                if (world.Size > 1) set_num_threads(1);
                var start = Stopwatch.GetTimestamp();
                var machine = MachineCalibration.Measure(world.Group);
                var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                return (Seconds: seconds, Rows: group.Select(run => Row(world, machine, run, steps)).ToList());
            });
            foreach (var row in rows[0].Rows) report.Row(row);
            report.Note(string.Create(CultureInfo.InvariantCulture, $"Calibrating {group.Key} {(group.Key == 1 ? "rank" : "ranks")} took {rows[0].Seconds:F1} s."));
        }
        report.Write();
    }

    static string[] Row(World world, MachineCalibration machine, PlannedRun run, int steps)
    {
        using var trained = new Trained(run, world.Group);
        var options = new PlanOptions { ComputesOnHost = true };
        var strategy = run.Strategy;
        var work = trained.Work(world);
        var plan = TimePlan.Of(work, trained.Shape, strategy, world.Size, machine, options);
        var time = plan.Total.TotalSeconds;
        var planned = MemoryPlan.Of(trained.Shape, strategy, world.Size, options);
        var plannedBytes = world.Size > 1 ? planned.TotalBytes + work.ActivationBytes : planned.TotalBytes - planned.BytesOf(BufferKind.Gradients) + work.PeakBytes;

        trained.Step();
        trained.Step();
        var (seconds, updates) = (new double[steps], new double[steps]);
        for (var i = 0; i < steps; i++)
        {
            world.Group.Barrier();
            var start = Stopwatch.GetTimestamp();
            updates[i] = trained.Step();
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        var measured = Statistics.Median(seconds);
        var bytes = trained.MeasuredBytes(world);
        return
        [
            run.Model, $"{run.Ranks}", $"{run.Strategy}", $"{run.Samples}", Milliseconds(time), Milliseconds(measured), Off(time, measured), Milliseconds(plan.Update.TotalSeconds), Milliseconds(Statistics.Median(updates)),
            (plannedBytes / 1e6).ToString("F1", CultureInfo.InvariantCulture), (bytes / 1e6).ToString("F1", CultureInfo.InvariantCulture), Off(plannedBytes, bytes),
        ];

        static string Milliseconds(double s) => (s * 1e3).ToString("F1", CultureInfo.InvariantCulture);

        static string Off(double planned, double measured) => Math.Round(100 * (planned / measured - 1), 1).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture) + "%";
    }

    sealed record PlannedRun(string Model, int Ranks, Strategy Strategy, int Samples);

    sealed class Trained : IDisposable
    {
        static readonly Lock Recording = new();

        readonly PlannedRun _run;
        readonly Module _module;
        readonly Func<int, Tensor> _loss;
        readonly ShardedModel _sharded;
        readonly IParameterUpdater _optimizer;

        public Trained(PlannedRun run, Group group)
        {
            _run = run;
            (_module, _loss) = Make(run.Model);
            _sharded = new ShardedModel(_module, run.Strategy, group);
            Shape = ModelShape.Of(_module, run.Strategy);
            _optimizer = _sharded.CreateOptimizer(new AdamW(), [new ParameterGroup("all", _module.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 0.01)]);
        }

        public ModelShape Shape { get; }

        // Recorded of a copy, alone, as the planner does.
        public StepWork Work(World world)
        {
            StepWork? work = null;
            if (world.Rank == 0)
            {
                var (module, loss) = Make(_run.Model);
                StepWork Of(int samples) => StepRecording.Record(samples, () => loss(samples), () =>
                {
                    foreach (var parameter in module.parameters()) GradientAccess.ClearGradient(parameter);
                });
                using (module) work = Of(_run.Samples);
            }
            world.Group.Barrier();
            return work ?? new StepWork { Samples = _run.Samples, Forward = [], Backward = [], ActivationBytes = 0, PeakBytes = 0 };
        }

        /// <returns>Seconds of the update.</returns>
        public double Step()
        {
            using (TensorScope.Open())
            {
                Tensors.Backward.Run(_loss(_run.Samples));
                _sharded.FinishBackward();
            }
            var start = Stopwatch.GetTimestamp();
            _optimizer.Step();
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            _optimizer.ClearGradients();
            return seconds;
        }

        public long MeasuredBytes(World world)
        {
            long transient;
            world.Group.Barrier();
            using (var meter = world.Rank == 0 ? AllocationMeter.Open() : null)
            {
                Step();
                transient = meter?.PeakBytes ?? 0;
            }
            world.Group.Barrier();
            var ledger = _sharded.Ledger;
            return transient + (world.Size > 1 ? ledger.TotalPeak : (4 * Shape.NumParameters) + _optimizer.StateBytes);
        }

        static (Module Module, Func<int, Tensor> Loss) Make(string model)
        {
            Seed.Everything(1);
            if (model == "MLP")
            {
                var net = Sequential(Linear(784, 2048), ReLU(), Linear(2048, 2048), ReLU(), Linear(2048, 10));
                return (net, samples => functional.cross_entropy(net.call(rand(samples, 784)), zeros(samples, dtype: ScalarType.Int64)));
            }
            var gpt = new Gpt(GptShapes.Params12M);
            return (gpt, samples => gpt.Loss(zeros([samples, 64], ScalarType.Int64), zeros([samples, 64], ScalarType.Int64)));
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _sharded.Dispose();
            _module.Dispose();
        }
    }
}
