using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Benchmarks;

/// <summary>
/// What the planner predicts of a step's time and memory, beside what they are: an MLP and a GPT on one rank and on two, which are processes that the page starts. The machine is calibrated right before and right after each configuration's steps,
/// since its speed drifts; the prediction is the mean of the two.
/// </summary>
static class PlannerPage
{
    const double WarmupSeconds = 0.6;
    const double StepsSeconds = 1.5;

    static readonly PlannedRun[] Runs =
    [
        new("MLP", 1, Zero.Stage0, 64), new("MLP", 1, Zero.Stage0, 512), new("MLP", 2, Zero.Stage0, 128), new("MLP", 2, Zero.Stage2, 256),
        new("GPT", 1, Zero.Stage0, 2), new("GPT", 1, Zero.Stage0, 8), new("GPT", 2, Zero.Stage1, 4), new("GPT", 2, Zero.Stage3, 8),
    ];

    public static void Run(string[] args)
    {
        if (Array.IndexOf(args, "--rank") is var at and >= 0)
        {
            using var world = World.Join();
            set_num_threads(1);
            var measured = Rows(world, [.. Runs.Where(r => r.Ranks == world.Size)]);
            if (world.Rank == 0) File.WriteAllText(args[at + 1], JsonSerializer.Serialize(measured));
            world.Group.Barrier();
            return;
        }
        var report = new Report("Planned and measured: time and memory of a step", args);
        report.Note("MLP: 784-2048-2048-10. GPT: 12.2M parameters, sequences of 64 tokens. Float32, AdamW. Memory: everything of a rank, activations included, at its fullest moment.");
        report.Note(string.Create(CultureInfo.InvariantCulture, $"Time: the median of {StepsSeconds} s of steps after {WarmupSeconds} s of others, against the mean of what two calibrations predict, one right before and one right after: the speed of a machine that others share drifts. Others: the share of all processors' time that other processes took meanwhile (beside two ranks the other rank among them, half of all), and the hypervisor."));
        List<MeasuredRow> rows;
        using (var alone = World.Single()) rows = Rows(alone, [.. Runs.Where(r => r.Ranks == 1)]);
        rows.AddRange(OfRanks(2, args));
        report.Table("8 configurations", "model", "ranks", "strategy", "samples a rank", "planned before, after ms", "measured ms", "off", "quartiles", "update planned, measured ms", "others", "planned MB", "measured MB", "off");
        foreach (var row in rows) report.Row(row.Cells);
        report.Note(string.Create(CultureInfo.InvariantCulture, $"{rows.Count(r => r.IsWithin)} of {Runs.Length} within 20 % in time. A calibration took {rows.Max(r => r.CalibrationSeconds):F1} s at most."));
        report.Write();
    }

    static List<MeasuredRow> OfRanks(int ranks, string[] args)
    {
        var file = Path.GetTempFileName();
        try
        {
            var result = Launcher.Run(new LaunchOptions { Command = [.. LocalRanks.ThisProgram(), .. args, "--rank", file], Ranks = ranks, Messages = Console.Error });
            if (result.ExitCode != 0) throw new InvalidOperationException($"The ranks ended with {result.ExitCode}: {result.Failure}");
            return JsonSerializer.Deserialize<List<MeasuredRow>>(File.ReadAllText(file))!;
        }
        finally
        {
            File.Delete(file);
        }
    }

    sealed record MeasuredRow(string[] Cells, bool IsWithin, double CalibrationSeconds);

    static List<MeasuredRow> Rows(World world, IReadOnlyList<PlannedRun> runs)
    {
        var rows = new List<MeasuredRow>();
        var before = MachineCalibration.Measure(world.Group);
        foreach (var run in runs)
        {
            using var trained = new Trained(run, world.Group);
            var work = trained.Work(world);
            var load = new MachineLoad();
            var (seconds, updates) = trained.Time(world);
            var others = load.Others();
            var bytes = trained.MeasuredBytes(world);
            var start = Stopwatch.GetTimestamp();
            var after = MachineCalibration.Measure(world.Group);
            var calibrating = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var (first, second) = (Plan(before), Plan(after));
            before = after;

            var (time, measured) = ((first.Total + second.Total).TotalSeconds / 2, Statistics.Median(seconds));
            var options = new PlanOptions { ComputesOnHost = true };
            var memory = MemoryPlan.Of(trained.Shape, run.Strategy, world.Size, options);
            var planned = world.Size > 1 ? memory.TotalBytes + work.ActivationBytes : memory.TotalBytes - memory.BytesOf(BufferKind.Gradients) + work.PeakBytes;
            Array.Sort(seconds);
            rows.Add(new(
            [
                run.Model, $"{run.Ranks}", $"{run.Strategy}", $"{run.Samples}", $"{Milliseconds(first.Total.TotalSeconds)}, {Milliseconds(second.Total.TotalSeconds)}", Milliseconds(measured), Off(time, measured),
                $"{Milliseconds(seconds[seconds.Length / 4])}-{Milliseconds(seconds[seconds.Length * 3 / 4])}", $"{Milliseconds((first.Update + second.Update).TotalSeconds / 2)}, {Milliseconds(Statistics.Median(updates))}", others,
                Megabytes(planned), Megabytes(bytes), Off(planned, bytes),
            ], Math.Abs((time / measured) - 1) <= 0.2, calibrating));

            TimePlan Plan(MachineCalibration machine) => TimePlan.Of(work, trained.Shape, run.Strategy, world.Size, machine, new PlanOptions { ComputesOnHost = true });
        }
        return rows;

        static string Milliseconds(double s) => (s * 1e3).ToString("F1", CultureInfo.InvariantCulture);

        static string Megabytes(long bytes) => (bytes / 1e6).ToString("F1", CultureInfo.InvariantCulture);

        static string Off(double planned, double measured) => Math.Round(100 * ((planned / measured) - 1), 1).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture) + "%";
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
            return work ?? new StepWork { Samples = _run.Samples, Forward = [], Backward = [], ForwardCalls = 0, BackwardCalls = 0, ActivationBytes = 0, PeakBytes = 0 };
        }

        /// <returns>Seconds of steps, and of their updates.</returns>
        public (double[] Steps, double[] Updates) Time(World world)
        {
            var start = Stopwatch.GetTimestamp();
            Step();
            // Ranks take equally many steps.
            var step = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var counts = world.Group.BroadcastText(string.Create(CultureInfo.InvariantCulture, $"{Math.Max(3, (int)(WarmupSeconds / step))} {Math.Max(8, (int)(StepsSeconds / step))}"), 0).Split(' ').Select(text => int.Parse(text, CultureInfo.InvariantCulture)).ToArray();
            for (var i = 0; i < counts[0]; i++) Step();
            var (seconds, updates) = (new double[counts[1]], new double[counts[1]]);
            for (var i = 0; i < counts[1]; i++)
            {
                world.Group.Barrier();
                start = Stopwatch.GetTimestamp();
                updates[i] = Step();
                seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
            return (seconds, updates);
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
            // What stage 3 gathers comes and goes within the step: the meter has seen it.
            return transient + (world.Size > 1 ? _sharded.Ledger.TotalHeld : (4 * Shape.NumParameters) + _optimizer.StateBytes);
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
