// All ranks measure the same thing at the same time, since they share memory and clocks in training too. Each size is run once to warm up, then for its share of the two seconds; the lower quartile
// counts, which what else runs on the machine disturbs least. Results are made anew in each run, as a step makes them.

using System.Diagnostics;
using Raijin.Collectives;
using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel;

/// <summary>Measures a <see cref="MachineCalibration"/>.</summary>
sealed class Calibrator(Group? group, CancellationToken cancellation)
{
    const double ShareSeconds = 0.03;
    const int MaxRuns = 200;
    const int AttentionHeads = 16;
    const int HeadWidth = 64;

    static readonly int[] Sides = [16, 64, 192, 512, 1024];
    static readonly int[] Keys = [32, 256];
    static readonly long[] MoveBytes = [1 << 12, 1 << 18, 1 << 22, 1 << 26];
    static readonly long[] ExchangeBytes = [1 << 12, 1 << 17, 1 << 20, 1 << 23, 1 << 25];
    static readonly CollectiveKind[] Kinds = [CollectiveKind.AllReduce, CollectiveKind.ReduceScatter, CollectiveKind.AllGather, CollectiveKind.AllToAll];

    readonly Group? _group = group is { Size: > 1 } ? group : null;

    public MachineCalibration Measure(string? diskFolder)
    {
        using var scope = TensorScope.Open();
        MachineCalibration mine;
        using (no_grad()) mine = WithoutGradients(diskFolder);
        mine = mine with { Attention = AttentionCurve(backward: false), AttentionBackward = AttentionCurve(backward: true) };
        var (seconds, work) = Network(rows: 2, width: 8, layers: 8);
        mine = mine with { OpSeconds = Math.Max(0, (seconds / (work.Forward.Count + work.Backward.Count)) - mine.Moves.Seconds[0]) };
        (seconds, work) = Network(rows: 128, width: 768, layers: 3);
        var (forward, backward) = TimePlan.PassSeconds(work, mine, ScalarType.Float32);
        mine = mine with { StepFactor = seconds / (forward + backward) };
        if (_group is null) return mine;
        return _group.BroadcastObject(mine, 0, CalibrationJson.Default.MachineCalibration, cancellationToken: cancellation);
    }

    MachineCalibration WithoutGradients(string? diskFolder)
    {
        var moves = Curve(MoveBytes, bytes => OfElements(bytes / 12, (x, y) => x.add(y)), bytes => bytes);
        var (read, write) = diskFolder is null ? default : DiskRates(diskFolder);
        return new()
        {
            Ranks = _group?.Size ?? 1,
            Threads = get_num_threads(),
            Transport = _group?.Transport ?? TransportKind.InProcess,
            Products = ProductCurve(ScalarType.Float32, moves),
            BFloat16Products = ProductCurve(ScalarType.BFloat16, moves),
            Attention = new([1], [1]),
            AttentionBackward = new([1], [1]),
            Moves = moves,
            Functions = Curve(MoveBytes, bytes => OfElements(bytes / 8, (x, _) => functional.gelu(x)), bytes => bytes),
            Updates = UpdateCurve(),
            OpSeconds = 0,
            StepFactor = 1,
            Exchanges = _group is null ? new Dictionary<CollectiveKind, CostCurve>() : Kinds.ToDictionary(kind => kind, ExchangeCurve),
            DiskReadRate = diskFolder is null ? null : read,
            DiskWriteRate = diskFolder is null ? null : write,
        };
    }

    // The arithmetic alone: what its matrices' bytes take is counted apart, so that flat matrices, which have more of them, can be told from cubes.
    CostCurve ProductCurve(ScalarType type, CostCurve moves)
    {
        const double leastShare = 0.7;
        var whole = Curve(Sides, side =>
        {
            var (left, right) = (rand(side, side).to(type), rand(side, side).to(type));
            return () => left.mm(right).Dispose();
        }, side => side);
        var bytes = 3 * (type == ScalarType.BFloat16 ? 2.0 : 4);
        return whole with { Seconds = [.. whole.Seconds.Zip(Sides, (seconds, side) => Math.Max(leastShare * seconds, seconds - moves.At(bytes * side * side)))] };
    }

    static Action OfElements(long count, Func<Tensor, Tensor, Tensor> op)
    {
        var (x, y) = (rand(Math.Max(1, count)), rand(Math.Max(1, count)));
        return () => op(x, y).Dispose();
    }

    // For each FLOP, so that other widths and heads can be told from it.
    CostCurve AttentionCurve(bool backward)
    {
        var seconds = new List<double>();
        foreach (var keys in Keys)
        {
            using var scope = TensorScope.Open();
            var heads = AttentionHeads * Keys[^1] / keys;
            using var gradients = set_grad_enabled(backward);
            var (q, k, v) = (Head(), Head(), Head());
            var flops = 2.0 * heads * keys * keys * HeadWidth * (backward ? 5 : 2);
            if (!backward) seconds.Add(Time(() => functional.scaled_dot_product_attention(q, k, v, is_casual: true).Dispose()) / flops);
            else
            {
                var output = functional.scaled_dot_product_attention(q, k, v, is_casual: true);
                var ones = ones_like(output);
                seconds.Add(Time(() =>
                {
                    foreach (var gradient in autograd.grad([output], [q, k, v], [ones], retain_graph: true)) gradient.Dispose();
                }) / flops);
            }

            Tensor Head() => rand([1, heads, keys, HeadWidth], requires_grad: backward);
        }
        return new([.. Keys.Select(k => (double)k)], seconds);
    }

    CostCurve UpdateCurve() => Curve((long[])[1 << 14, 1 << 20, 1 << 22], count =>
    {
        var parameter = new TorchSharp.Modules.Parameter(zeros(count));
        parameter.grad = zeros(count);
        var optimizer = new FusedOptimizer(new AdamW(), [new ParameterGroup("all", [KeyValuePair.Create("all", parameter)], 1e-3)]);
        return (() => optimizer.Step(), () =>
        {
            optimizer.Dispose();
            parameter.grad?.Dispose();
            parameter.Dispose();
        });
    }, count => 28.0 * count);

    // What a network's passes take, and what they compute.
    (double Seconds, StepWork Work) Network(int rows, int width, int layers)
    {
        using var scope = TensorScope.Open();
        using var gradients = enable_grad();
        var weights = Enumerable.Range(0, layers).Select(_ => rand([width, width], requires_grad: true)).ToArray();
        var inputs = rand(rows, width);
        Tensor Loss() => weights.Aggregate(inputs, (x, w) => functional.linear(x, w).relu()).sum();
        void Clear()
        {
            foreach (var weight in weights) GradientAccess.ClearGradient(weight);
        }

        var seconds = Time(() =>
        {
            using var step = TensorScope.Open();
            Backward.Run(Loss());
            Clear();
        });
        _group?.Barrier(cancellation);
        // Ranks as threads: there is one recording for the process.
        lock (Recording) return (seconds, StepRecording.Record(rows, Loss, Clear));
    }

    static readonly Lock Recording = new();

    CostCurve ExchangeCurve(CollectiveKind kind) => Curve(ExchangeBytes, bytes =>
    {
        var whole = _group!.Allocate(bytes / sizeof(float), ScalarType.Float32);
        var part = zeros(whole.NumberOfElements / _group.Size);
        return kind switch
        {
            CollectiveKind.AllReduce => () => _group.AllReduce(whole, ReduceOp.Mean, cancellationToken: cancellation),
            CollectiveKind.ReduceScatter => () => _group.ReduceScatter(whole, part, ReduceOp.Mean, cancellationToken: cancellation),
            CollectiveKind.AllGather => () => _group.AllGather(part, whole, cancellationToken: cancellation),
            _ => () => _group.AllToAll(whole, whole.clone(), cancellationToken: cancellation),
        };
    }, bytes => bytes, together: true);

    static (double Read, double Write) DiskRates(string folder)
    {
        const int block = 4 << 20, blocks = 16;
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, Path.GetRandomFileName());
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        var bytes = new byte[block];
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < blocks; i++) file.Write(bytes);
        file.Flush(flushToDisk: true);
        var write = Stopwatch.GetElapsedTime(start).TotalSeconds;
        file.Position = 0;
        start = Stopwatch.GetTimestamp();
        for (var i = 0; i < blocks; i++) file.ReadExactly(bytes);
        return ((double)block * blocks / Stopwatch.GetElapsedTime(start).TotalSeconds, (double)block * blocks / write);
    }

    CostCurve Curve<T>(IReadOnlyList<T> sizes, Func<T, Action> make, Func<T, double> size, bool together = false) => Curve(sizes, s => (make(s), (Action?)null), size, together);

    CostCurve Curve<T>(IReadOnlyList<T> sizes, Func<T, (Action Run, Action? After)> make, Func<T, double> size, bool together = false)
    {
        var seconds = new List<double>();
        foreach (var one in sizes)
        {
            using var scope = TensorScope.Open();
            var (run, after) = make(one);
            seconds.Add(Time(run, together));
            after?.Invoke();
        }
        return new([.. sizes.Select(size)], seconds);
    }

    double Time(Action run, bool together = false)
    {
        cancellation.ThrowIfCancellationRequested();
        run();
        _group?.Barrier(cancellation);
        var times = new List<double>();
        // Where ranks wait for each other they run equally often: the first one says how often.
        var runs = MaxRuns;
        if (together)
        {
            var first = Timed(run);
            runs = int.Parse(_group!.BroadcastText($"{Math.Clamp((int)(ShareSeconds / 2 / first), 3, MaxRuns)}", 0, cancellationToken: cancellation), System.Globalization.CultureInfo.InvariantCulture);
        }
        var began = Stopwatch.GetTimestamp();
        while (times.Count < runs && (together || times.Count < 3 || Stopwatch.GetElapsedTime(began).TotalSeconds < ShareSeconds)) times.Add(Timed(run));
        times.Sort();
        return times[times.Count / 4];
    }

    static double Timed(Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        return Math.Max(1e-9, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }
}
