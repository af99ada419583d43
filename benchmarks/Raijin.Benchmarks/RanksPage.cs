using System.Diagnostics;
using System.Globalization;
using Raijin.Collectives;
using Raijin.Parallel;
using Raijin.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Benchmarks;

/// <summary>
/// Training steps of two processes of one thread each: data parallelism against one rank's step on as many samples, the stages of ZeRO against data parallelism, and resident memory.
/// The page starts its ranks itself. <c>--rounds n</c>.
/// </summary>
static class RanksPage
{
    const int Ranks = 2;
    const int Samples = 32;

    public static void Run(string[] args)
    {
        if (args.Contains("--memory-of"))
        {
            MeasureMemory(int.Parse(args[Array.IndexOf(args, "--memory-of") + 1], CultureInfo.InvariantCulture), args[^1]);
            return;
        }
        if (!args.Contains("--rank"))
        {
            var memory = Path.Combine(Path.GetTempPath(), $"raijin-ranks-{Environment.ProcessId}.txt");
            for (var stage = 0; stage <= 3; stage++) Launch(["--memory-of", stage.ToString(CultureInfo.InvariantCulture), memory]);
            Launch(["--rank", memory]);
            File.Delete(memory);
            return;
        }
        using var world = World.Join();
        set_num_threads(1);
        var rounds = Pages.Option(args, "--rounds") ?? 9;
        var report = new Report($"Training steps of {Ranks} processes × 1 thread over {world.Group.Transport}", [.. args.TakeWhile(a => a != "--rank")]);
        report.Note($"Medians of {rounds} interleaved rounds. 'Alone' is one rank with the other asleep; 'side by side' are both, each by itself: what sharing the machine's memory costs; then both together.");
        report.Table("Data parallelism, 32 samples a rank, SGD", "model", "alone", "side by side", "together", "together / alone", "together / side by side");
        StepTimes(world, report, rounds, "MLP 784-2048-2048-2048-10, 10.0M", () => Mlp(784, 2048, 2048, 2048, 10), 4);
        StepTimes(world, report, rounds, "MLP 784-128-10, 0.1M", () => Mlp(784, 128, 10), 60);
        Wrapper(world, report, rounds);
        StageTimes(world, report, Math.Max(3, rounds / 3));
        if (world.Rank == 0)
        {
            Memory(report, args[^1]);
            report.Write();
        }
        world.Group.Barrier();
    }

    // The program's own arguments come first.
    static void Launch(string[] arguments)
    {
        var result = Launcher.Run(new LaunchOptions { Command = [.. LocalRanks.ThisProgram(), .. arguments], Ranks = Ranks, Messages = Console.Error });
        if (result.ExitCode != 0) throw new InvalidOperationException($"The ranks ended with {result.ExitCode}: {result.Failure}");
    }

    static void StepTimes(World world, Report report, int rounds, string name, Func<Module<Tensor, Tensor>> make, int steps)
    {
        using var alone = new Trained(make(), null);
        using var together = new Trained(make(), world.Group);
        var (a, b, c) = (new double[rounds], new double[rounds], new double[rounds]);
        for (var round = -1; round < rounds; round++)
        {
            world.Group.Barrier();
            var first = world.Rank == 0 ? alone.Time(steps) : 0;
            world.Group.Barrier();
            var second = alone.Time(steps);
            world.Group.Barrier();
            var third = together.Time(steps);
            if (round >= 0) (a[round], b[round], c[round]) = (first, second, third);
        }
        var (x, y, z) = (new Timing("", a), new Timing("", b), new Timing("", c));
        report.Row(name, Pages.Show(x), Pages.Show(y), Pages.Show(z), Pages.Number(z.RatioTo(x)), Pages.Number(z.RatioTo(y)));
    }

    // What the engine costs where there is nobody to share with.
    static void Wrapper(World world, Report report, int rounds)
    {
        using var solo = world.Group.Split([world.Rank], "alone");
        if (world.Rank == 0)
        {
            using var bare = new Trained(Mlp(784, 128, 10), null);
            using var wrapped = new Trained(Mlp(784, 128, 10), solo);
            var times = Interleaved.Measure(rounds * 5, new Contestant("bare", () => bare.Steps(60), 60), new Contestant("wrapped", () => wrapped.Steps(60), 60));
            report.Note($"The engine around a world of one rank, MLP 784-128-10: {Pages.Number(times[1].MinusMedian(times[0]) * 1e6)} µs a step (PyTorch's DDP 222 µs).");
        }
        world.Group.Barrier();
    }

    static void StageTimes(World world, Report report, int rounds)
    {
        report.Table("63.05M-parameter GPT, 1 sequence of 64 tokens a rank, AdamW, float32", "stage", "step", "/ stage 0");
        var times = new double[4][];
        for (var stage = 0; stage < 4; stage++) times[stage] = new double[rounds];
        for (var round = 0; round < rounds; round++)
            for (var stage = 0; stage < 4; stage++)
            {
                using var gpt = new GptRun(world.Group, new Strategy { Stage = stage });
                gpt.Step();
                gpt.Step();
                world.Group.Barrier();
                var start = Stopwatch.GetTimestamp();
                for (var i = 0; i < 3; i++) gpt.Step();
                times[stage][round] = Stopwatch.GetElapsedTime(start).TotalSeconds / 3;
            }
        var reference = new Timing("", times[0]);
        for (var stage = 0; stage < 4; stage++)
        {
            var timing = new Timing("", times[stage]);
            report.Row(stage.ToString(CultureInfo.InvariantCulture), Pages.Show(timing), Pages.Number(timing.RatioTo(reference)));
        }
    }

    // A process of its own for each: what another left resident would count.
    static void MeasureMemory(int stage, string file)
    {
        using var world = World.Join();
        set_num_threads(1);
        // Above a process that has trained something small: libraries loaded, kernels and code made.
        using (var small = new GptRun(world.Group, Zero.Stage0, new() { Vocabulary = 64, Context = 64, Layers = 1, Heads = 1, Width = 64 }))
            for (var i = 0; i < 3; i++) small.Step();
        var (before, sharedBefore) = (Resident(), Proportional());
        if (stage >= 0)
        {
            using var gpt = new GptRun(world.Group, new Strategy { Stage = stage });
            for (var i = 0; i < 3; i++) gpt.Step();
            world.Group.Barrier();
            if (world.Rank == 0) File.AppendAllLines(file, [string.Create(CultureInfo.InvariantCulture, $"{stage} {Resident() - before} {Peak() - before} {Proportional() - sharedBefore} {gpt.Ledger.TotalHeld} {gpt.Ledger.TotalPeak}")]);
        }
        world.Group.Barrier();
    }

    static void Memory(Report report, string file)
    {
        report.Table("Memory of a rank of that GPT, MB above a process with libtorch loaded", "stage", "resident after 3 steps", "peak", "its part of shared pages", "ledger, held", "ledger, peak", "ideal");
        double[] ideal = [1009, 757, 631, 504];
        foreach (var line in File.ReadLines(file))
        {
            var numbers = line.Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray();
            report.Row([line.Split(' ')[0], .. numbers.Skip(1).Select(n => (n / 1e6).ToString("F0", CultureInfo.InvariantCulture)), ideal[(int)numbers[0]].ToString("F0", CultureInfo.InvariantCulture)]);
        }
    }

    // Pages of the segment that this process has touched are resident as others are.
    static long Resident() => Status("VmRSS:");

    static long Peak() => Status("VmHWM:");

    // Pages that ranks share count in each rank's resident memory; here each counts its part of them.
    static long Proportional() => long.Parse(File.ReadLines("/proc/self/smaps_rollup").First(l => l.StartsWith("Pss:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;

    static long Status(string key) => long.Parse(File.ReadLines("/proc/self/status").First(l => l.StartsWith(key, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;

    static Sequential Mlp(params int[] widths)
    {
        Seed.Everything(1);
        var layers = new List<Module<Tensor, Tensor>>();
        for (var i = 0; i + 1 < widths.Length; i++)
        {
            layers.Add(Linear(widths[i], widths[i + 1]));
            if (i + 2 < widths.Length) layers.Add(ReLU());
        }
        return Sequential(layers);
    }

    static ParameterGroup[] Groups(Module module) => [new("all", module.named_parameters().Select(p => KeyValuePair.Create(p.name, p.parameter)), 0.01)];

    /// <summary>An MLP that trains by itself, or with the ranks of a group.</summary>
    sealed class Trained : IDisposable
    {
        readonly Module<Tensor, Tensor> _net;
        readonly ShardedModel? _sharded;
        readonly IParameterUpdater _optimizer;
        readonly Tensor _inputs;
        readonly Tensor _labels = zeros(Samples, dtype: ScalarType.Int64);

        public Trained(Module<Tensor, Tensor> net, Group? group)
        {
            _net = net;
            _inputs = rand(Samples, ((Linear)((Sequential)net)[0]).in_features);
            _sharded = group is null ? null : new ShardedModel(net, Zero.Stage0, group);
            _optimizer = _sharded?.CreateOptimizer(new Sgd(), Groups(net)) ?? new FusedOptimizer(new Sgd(), Groups(net));
        }

        public double Time(int steps)
        {
            var start = Stopwatch.GetTimestamp();
            Steps(steps);
            return Stopwatch.GetElapsedTime(start).TotalSeconds / steps;
        }

        public void Steps(int steps)
        {
            for (var i = 0; i < steps; i++)
            {
                using (TensorScope.Open())
                {
                    Backward.Run(functional.cross_entropy(_net.call(_inputs), _labels));
                    _sharded?.FinishBackward();
                }
                _optimizer.Step();
                _optimizer.ClearGradients();
            }
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _sharded?.Dispose();
            _net.Dispose();
            _inputs.Dispose();
            _labels.Dispose();
        }
    }

    sealed class GptRun : IDisposable
    {
        readonly Gpt _model;
        readonly ShardedModel _sharded;
        readonly IParameterUpdater _optimizer;
        readonly Tensor _tokens;

        public GptRun(Group group, Strategy strategy, GptOptions? options = null)
        {
            Seed.Everything(1);
            // Unit by unit: no rank ever holds the whole model in stage 3.
            options ??= GptShapes.Params63M;
            _model = new Gpt(options, META);
            _sharded = new ShardedModel(_model, strategy, group, (_, parameter) => { using var none = no_grad(); nn.init.normal_(parameter, 0, 0.02); });
            _optimizer = _sharded.CreateOptimizer(new Tensors.AdamW(), Groups(_model));
            _tokens = randint(options.Vocabulary, [1, 65], ScalarType.Int64);
        }

        public Ledger Ledger => _sharded.Ledger;

        public void Step()
        {
            using (TensorScope.Open())
            {
                Backward.Run(_model.Loss(_tokens[.., ..64], _tokens[.., 1..]));
                _sharded.FinishBackward();
            }
            _optimizer.Step();
            _optimizer.ClearGradients();
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _sharded.Dispose();
            _model.Dispose();
            _tokens.Dispose();
        }
    }
}
