// All ranks measure the same thing at the same time, since they share memory and clocks in training too. Probes are run in rounds, so that each sees the machine over all of the time and not in one good or bad moment of it;
// of their times the mean counts, as in a step. Results are made anew in each run, as a step makes them, and operands are taken in turn from more bytes than a cache holds, as
// a step finds them.

using System.Diagnostics;
using Raijin.Collectives;
using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Parallel;

/// <summary>Measures a <see cref="MachineCalibration"/>.</summary>
/// <param name="group">The ranks; null for one alone.</param>
/// <param name="compute">The only type of arithmetic that is wanted; null for all.</param>
/// <param name="kinds">The exchanges that are wanted.</param>
/// <param name="cancellation">Breaks it off.</param>
sealed class Calibrator(Group? group, ScalarType? compute, IReadOnlyCollection<CollectiveKind> kinds, CancellationToken cancellation)
{
    /// <summary>What a step may exchange.</summary>
    public static readonly IReadOnlyList<CollectiveKind> AllKinds = [CollectiveKind.AllReduce, CollectiveKind.ReduceScatter, CollectiveKind.AllGather, CollectiveKind.AllToAll];

    const int AttentionHeads = 16;
    const int HeadWidth = 64;
    const int NormWidth = 256;

    // Weights were last touched a step ago, what is moved a few ops ago: more than all caches hold, and more than those of a core.
    const long ColdBytes = 48 << 20;
    const long CoolBytes = 16 << 20;
    const int MaxOperands = 128;

    // No C library keeps so large a block that was freed.
    const long FreshBytes = NativeHeap.LargestReused + (2 << 20);

    static readonly int[] Sides = [16, 64, 192, 768];
    static readonly (int Rows, int Width) Flat = (64, 2048);
    static readonly Func<Tensor, Tensor, Tensor>[] FlatForms = [(x, w) => x.mm(w), (x, w) => x.mm(w.t()), (x, _) => x.t().mm(x)];
    static readonly int[] Keys = [32, 256];
    static readonly long[] MoveBytes = [1 << 12, 1 << 18, 1 << 22, 1 << 26];
    static readonly long[] ElementBytes = [1 << 12, 1 << 18, 1 << 22];
    static readonly long[] Updated = [1 << 14, 1 << 23];
    static readonly long[] ExchangeBytes = [1 << 12, 1 << 17, 1 << 20, 1 << 23, 1 << 25];

    static readonly Lock Recording = new();

    readonly Group? _group = group is { Size: > 1 } ? group : null;
    readonly CalibrationProbes _probes = new(group is { Size: > 1 } ? group : null, cancellation);
    Tensor? _pool;
    Tensor? _halves;

    public MachineCalibration Measure(string? diskFolder)
    {
        using var scope = TensorScope.Open();
        // As training on CPUs has it.
        NativeHeap.ReuseLargeBlocks();
        // Operands are views of it: made once, its pages are there.
        _halves = ones(ColdBytes / 2, dtype: ScalarType.BFloat16);
        _pool = Aten.ViewAs(_halves, ScalarType.Float32);
        var products = Products(ScalarType.Float32);
        var halves = compute is null or ScalarType.BFloat16 ? Products(ScalarType.BFloat16) : null;
        var (attention, attentionBackward) = (Attention(isBackward: false), Attention(isBackward: true));
        var moves = Curve(MoveBytes, bytes => OfElements(bytes / 12, 3, (x, y) => x.add(y)), bytes => bytes);
        var functions = Curve(ElementBytes, bytes => OfElements(bytes / 4, 2, (x, _) => functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh)), bytes => bytes);
        var norms = Curve(ElementBytes, bytes => OfElements(bytes / 4, 2, (x, _) => functional.layer_norm(x, [NormWidth])), bytes => bytes);
        var randoms = Curve(ElementBytes, bytes => OfElements(bytes / 4, 1, (x, _) => empty_like(x).uniform_(0, 1)), bytes => bytes);
        var updates = Curve(Updated, Update, count => 28.0 * count);
        var exchanges = _group is null ? [] : kinds.ToDictionary(kind => kind, kind => Curve(ExchangeBytes, bytes => new(Exchange(kind, bytes)), bytes => bytes, isTogether: true));
        var (fresh, used) = (_probes.Add(() => new(() => empty(FreshBytes, ScalarType.Byte).fill_(1).Dispose())), _probes.Add(Used));
        var (network, work) = Network();

        _probes.Run();
        var mine = new MachineCalibration
        {
            Ranks = _group?.Size ?? 1,
            Threads = get_num_threads(),
            Transport = _group?.Transport ?? TransportKind.InProcess,
            Products = products(),
            BFloat16Products = halves?.Invoke(),
            Attention = attention(),
            AttentionBackward = attentionBackward(),
            Moves = moves(),
            Functions = functions(),
            Norms = norms(),
            Randoms = randoms(),
            Updates = updates(),
            FreshSeconds = Math.Max(0, fresh.Seconds - used.Seconds) / FreshBytes,
            OpSeconds = 0,
            Exchanges = exchanges.ToDictionary(e => e.Key, e => e.Value()),
        };
        var (forward, backward) = TimePlan.PassSeconds(work, mine, ScalarType.Float32, NativeHeap.LargestReused);
        mine = mine with { OpSeconds = Math.Max(0, (network.Seconds - forward - backward) / work.Calls) };
        if (diskFolder is not null)
        {
            var (read, write) = DiskRates(diskFolder);
            mine = mine with { DiskReadRate = read, DiskWriteRate = write };
        }
        return _group is null ? mine : _group.BroadcastObject(mine, 0, CalibrationJson.Default.MachineCalibration, cancellationToken: cancellation);
    }

    // A cube and a flat product tell the time of the arithmetic from that of the matrices' bytes, which are read from memory and packed.
    Func<ProductSpeed> Products(ScalarType type)
    {
        const double leastShare = 0.5;
        var elementBytes = type == ScalarType.BFloat16 ? 2.0 : sizeof(float);
        var cubes = Sides.Select(side => _probes.Add(() => new(Product(type, side, side, FlatForms[0])))).ToArray();
        var (rows, width) = Flat;
        var flats = FlatForms.Select(form => _probes.Add(() => new(Product(type, rows, width, form)))).ToArray();
        return () =>
        {
            // cube = flops(cube)·r + bytes(cube)·c, flat = flops(flat)·r + bytes(flat)·c
            var cube = Sides[^1];
            var share = (double)rows * width * width / ((double)cube * cube * cube);
            var byteSeconds = Math.Max(0, (flats.Average(f => f.Seconds) - (share * cubes[^1].Seconds)) / (Bytes(rows, width) - (share * Bytes(cube, cube))));
            return new(
                new([.. Sides.Select(side => (double)side)], [.. cubes.Zip(Sides, (probe, side) => Math.Max(leastShare * probe.Seconds, probe.Seconds - (byteSeconds * Bytes(side, side))))]),
                byteSeconds);
        };

        double Bytes(double m, double n) => elementBytes * ((2 * m * n) + (n * n));
    }

    Action Product(ScalarType type, int rows, int width, Func<Tensor, Tensor, Tensor> form)
    {
        var operands = InTurn(ColdBytes, type, [rows, width], [width, width]);
        return () =>
        {
            using var scope = NewDisposeScope();
            var pair = operands();
            form(pair[0], pair[1]);
        };
    }

    Action OfElements(long count, int numTensors, Func<Tensor, Tensor, Tensor> op)
    {
        long[] shape = [Math.Max(1, count / NormWidth), NormWidth];
        var operands = InTurn(Math.Max(CoolBytes, numTensors * count * sizeof(float)), ScalarType.Float32, shape, shape);
        return () =>
        {
            var pair = operands();
            op(pair[0], pair[1]).Dispose();
        };
    }

    // Pairs of operands over so many bytes of the pool, one after the other.
    Func<Tensor[]> InTurn(long total, ScalarType type, long[] left, long[] right)
    {
        var pool = type == ScalarType.Float32 ? _pool! : _halves!;
        var (first, second) = (left.Aggregate(1L, (n, d) => n * d), right.Aggregate(1L, (n, d) => n * d));
        var pairs = Enumerable.Range(0, (int)Math.Clamp(total / pool.element_size() / (first + second), 1, MaxOperands))
            .Select(i => (Tensor[])[pool.narrow(0, i * (first + second), first).view(left), pool.narrow(0, (i * (first + second)) + first, second).view(right)]).ToArray();
        var turn = 0;
        return () => pairs[turn++ % pairs.Length];
    }

    // For each FLOP, so that other widths and heads can be told from it.
    Func<CostCurve> Attention(bool isBackward)
    {
        var probes = Keys.Select(keys => _probes.Add(() => new(Attend(keys, isBackward)), hasGradients: isBackward)).ToArray();
        return () => new([.. Keys.Select(k => (double)k)], [.. probes.Zip(Keys, (probe, keys) => probe.Seconds / (2.0 * Heads(keys) * keys * keys * HeadWidth * (isBackward ? 5 : 2)))]);
    }

    static int Heads(int keys) => AttentionHeads * Keys[^1] / keys;

    static Action Attend(int keys, bool isBackward)
    {
        var (q, k, v) = (Head(), Head(), Head());
        if (!isBackward) return () => functional.scaled_dot_product_attention(q, k, v, is_casual: true).Dispose();
        var output = functional.scaled_dot_product_attention(q, k, v, is_casual: true);
        var gradient = ones_like(output);
        return () =>
        {
            foreach (var made in autograd.grad([output], [q, k, v], [gradient], retain_graph: true)) made.Dispose();
        };

        Tensor Head() => rand([1, Heads(keys), keys, HeadWidth], requires_grad: isBackward);
    }

    static Probed Used()
    {
        var there = zeros(FreshBytes, ScalarType.Byte);
        return new(() => there.fill_(1));
    }

    static Probed Update(long count)
    {
        var parameter = new TorchSharp.Modules.Parameter(zeros(count));
        parameter.grad = zeros(count);
        var optimizer = new FusedOptimizer(new AdamW(), [new ParameterGroup("all", [KeyValuePair.Create("all", parameter)], 1e-3)]);
        return new(() => optimizer.Step(), After: () =>
        {
            optimizer.Dispose();
            parameter.grad?.Dispose();
            parameter.Dispose();
        });
    }

    // Layers so small that their calls are what takes the time, after something large: in a step, too, what calls need has left the caches before they come again.
    (Probe Probe, StepWork Work) Network()
    {
        const int rows = 2, width = 8;
        StepWork work;
        using (enable_grad())
        {
            using var network = Layers(width);
            var inputs = rand(rows, width);
            // Ranks as threads: there is one recording for the process.
            lock (Recording) work = StepRecording.Record(rows, () => network.call(inputs).sum(), () => Clear(network));
        }
        var probe = _probes.Add(() =>
        {
            var network = Layers(width);
            var inputs = rand(rows, width);
            var large = zeros(CoolBytes / sizeof(float));
            return new(() =>
            {
                using var step = TensorScope.Open();
                Backward.Run(network.call(inputs).sum());
                Clear(network);
            }, Before: () => { using var none = no_grad(); large.add_(1); }, After: network.Dispose);
        }, hasGradients: true);
        return (probe, work);
    }

    static Module<Tensor, Tensor> Layers(int width) => Sequential(LayerNorm(width), Linear(width, width), GELU(), Linear(width, width), ReLU(), Softmax(-1));

    static void Clear(Module network)
    {
        foreach (var parameter in network.parameters()) GradientAccess.ClearGradient(parameter);
    }

    Action Exchange(CollectiveKind kind, long bytes)
    {
        var whole = _group!.Allocate(bytes / sizeof(float), ScalarType.Float32);
        var other = kind == CollectiveKind.AllToAll ? zeros_like(whole) : zeros(whole.NumberOfElements / _group.Size);
        return kind switch
        {
            CollectiveKind.AllReduce => () => _group.AllReduce(whole, ReduceOp.Mean, cancellationToken: cancellation),
            CollectiveKind.ReduceScatter => () => _group.ReduceScatter(whole, other, ReduceOp.Mean, cancellationToken: cancellation),
            CollectiveKind.AllGather => () => _group.AllGather(other, whole, cancellationToken: cancellation),
            _ => () => _group.AllToAll(whole, other, cancellationToken: cancellation),
        };
    }

    // As state goes there: past the page cache, by as many threads, on all ranks at once. The second pass counts: in the first the file system still finds places.
    (double Read, double Write) DiskRates(string folder)
    {
        const long bytes = 64 << 20;
        using var store = new DiskStore(folder, [("probe", bytes)], new TieredOptimizerOptions().DiskThreads);
        var memory = ScratchFile.AllocateAligned(bytes, ScalarType.Byte);
        var range = store["probe"];
        double Pass(Func<Task> transfer)
        {
            _group?.Barrier(cancellation);
            var start = Stopwatch.GetTimestamp();
            transfer().GetAwaiter().GetResult();
            return bytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        Pass(() => store.WriteAsync(range, memory));
        var write = Pass(() => store.WriteAsync(range, memory));
        return (Pass(() => store.ReadAsync(range, memory)), write);
    }

    Func<CostCurve> Curve(long[] sizes, Func<long, Action> make, Func<long, double> size) => Curve(sizes, one => new Probed(make(one)), size);

    Func<CostCurve> Curve(long[] sizes, Func<long, Probed> make, Func<long, double> size, bool isTogether = false)
    {
        var probes = sizes.Select(one => _probes.Add(() => make(one), isTogether)).ToArray();
        return () => new([.. sizes.Select(size)], [.. probes.Select(p => p.Seconds)]);
    }
}
