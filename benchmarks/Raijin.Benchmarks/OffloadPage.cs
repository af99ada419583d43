using Raijin.Parallel;
using Raijin.Tensors;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Raijin.Benchmarks;

/// <summary>
/// An AdamW step with its state in memory, against streaming through as many bytes; with its state in a file, and its parameters too, against reading and writing back the same files and nothing else; and what codecs cost.
/// <c>--millions n</c> of parameters (default 32), <c>--rounds n</c>, <c>--threads n</c>, <c>--leases n</c> in MiB (default 48), <c>--disk-threads n</c> (default 4). The file lies in the system's folder for temporary files.
/// </summary>
static class OffloadPage
{
    static int s_leaseMiB = 48;
    static int s_diskThreads = 4;

    public static void Run(string[] args)
    {
        var millions = Pages.Option(args, "--millions") ?? 32;
        var rounds = Pages.Option(args, "--rounds") ?? 11;
        s_leaseMiB = Pages.Option(args, "--leases") ?? s_leaseMiB;
        s_diskThreads = Pages.Option(args, "--disk-threads") ?? s_diskThreads;
        set_num_threads(Pages.Option(args, "--threads") ?? Environment.ProcessorCount);
        var report = new Report("Optimizer state on tiers, and codecs", args);
        report.Note($"Median of {rounds} interleaved rounds; ratios are medians of the ratio within a round. {millions}M fp32 parameters, AdamW: {8 * millions} MB of state, leases of {s_leaseMiB} MiB.");
        Tiers(report, millions * 1_000_000L, rounds);
        Codecs(report, rounds);
        report.Write();
    }

    static void Tiers(Report report, long count, int rounds)
    {
        using var memory = new Field(count, groups => new FusedOptimizer(new Raijin.Tensors.AdamW(), groups));
        using var direct = new Field(count, groups => new TieredOptimizer(new Raijin.Tensors.AdamW(), groups, Options(buffered: false)));
        using var half = new Field(count, groups => new TieredOptimizer(new Raijin.Tensors.AdamW(), groups, Options(buffered: false) with { OffloadRatio = 0.5 }));
        using var cached = new Field(count, groups => new TieredOptimizer(new Raijin.Tensors.AdamW(), groups, Options(buffered: true)));
        using var both = Field.OnTier(count);
        using var stream = new Stream(28 * count / 12);
        var times = Interleaved.Measure(
            rounds, memory.Contestant("memory"), new("stream", stream.Run), direct.Contestant("direct"), direct.Raw("raw"), half.Contestant("half"), half.Raw("raw half"), both.Contestant("both"), both.Raw("raw both"),
            cached.Contestant("cached"))
            .ToDictionary(t => t.Name);
        report.Table("State in memory", "", "time", "GB/s", "of streaming speed");
        report.Row("`a += k·b` over as many bytes", Pages.Show(times["stream"]), Speed(28 * count, times["stream"]), "1");
        report.Row("AdamW step, 28 bytes a parameter", Pages.Show(times["memory"]), Speed(28 * count, times["memory"]), Pages.Number(times["stream"].RatioTo(times["memory"])));
        report.Note($"Raw speed is that of the very file the step uses, since files differ by where on the disk they lie: every block of {DiskQueue.BlockBytes >> 20} MiB read past the page cache and written back, by {s_diskThreads} threads, with nothing computed and nothing in order.");
        report.Table("State in a file", "", "time", "GB/s read + written", "raw", "of raw speed");
        Row("AdamW step", "direct", "raw", 16 * count);
        Row("AdamW step, half of the state in memory", "half", "raw half", 8 * count);
        Row("AdamW step, parameters in a file too", "both", "raw both", 24 * count);
        Row("AdamW step through the page cache, which holds all of it here", "cached", "raw", 16 * count);

        void Row(string what, string step, string raw, long bytes) =>
            report.Row(what, Pages.Show(times[step]), Speed(bytes, times[step]), Speed(bytes, times[raw]), Pages.Number(times[raw].RatioTo(times[step])));
    }

    static void Codecs(Report report, int rounds)
    {
        const int Count = 8 << 20;
        var random = new Random(1);
        var values = new float[Count];
        foreach (ref var value in values.AsSpan()) value = random.NextSingle() - 0.5f;
        var target = new float[Count];
        report.Table("Codecs, one thread", "GB/s of fp32 values", "encode", "encode, keeping errors", "decode", "decode and add");
        foreach (var (name, codec) in ((string, ValueCodec)[])[("8 bits (qwZ)", new BlockCodec(8)), ("4 bits (qgZ)", new BlockCodec(4)), ("1 bit", new OneBitCodec())])
        {
            var coded = new byte[codec.CodedBytes(Count)];
            var times = Interleaved.Measure(
                rounds,
                new Contestant("encode", () => codec.Encode(values, 1, coded)),
                new Contestant("errors", () => codec.EncodeKeepingErrors(target, 1, coded), Before: () => values.CopyTo(target, 0)),
                new Contestant("decode", () => codec.Decode(coded, target, 1, add: false)),
                new Contestant("add", () => codec.Decode(coded, target, 1, add: true)));
            report.Row([name, .. times.Select(t => Speed(4L * Count, t))]);
        }
    }

    static string Speed(long bytes, Timing timing) => Pages.Number(bytes / timing.Median / 1e9);

    static TieredOptimizerOptions Options(bool buffered) => new() { Folder = Path.GetTempPath(), LeaseBytes = (long)s_leaseMiB << 20, Buffered = buffered, DiskThreads = s_diskThreads };

    /// <summary>Parameters with gradients, and an optimizer that has begun.</summary>
    sealed class Field : IDisposable
    {
        readonly Parameter[] _parameters;
        readonly IParameterUpdater _optimizer;
        readonly ShardStore? _shards;
        readonly List<RawFile> _raw = [];

        public Field(long count, Func<IReadOnlyList<ParameterGroup>, IParameterUpdater> make)
            : this([.. Sizes(count).Select(n => new Parameter(zeros(n)))], make, null)
        {
        }

        Field(Parameter[] parameters, Func<IReadOnlyList<ParameterGroup>, IParameterUpdater> make, ShardStore? shards)
        {
            using var none = no_grad();
            (_parameters, _shards) = (parameters, shards);
            foreach (var parameter in _parameters)
            {
                using var gradient = full(parameter.numel(), 0.01);
                parameter.grad = gradient;
            }
            _optimizer = make([new("all", _parameters.Select((p, i) => KeyValuePair.Create($"p{i}", p)), 1e-4, 0.01)]);
            _optimizer.Step();
            if (_optimizer is TieredOptimizer { Store: { } state }) _raw.Add(new(state));
            if (_shards is not null) _raw.Add(new(_shards.Store));
        }

        /// <summary>Parameters in a file, as units that come and go, and state in another.</summary>
        public static Field OnTier(long count)
        {
            using var none = no_grad();
            var sizes = Sizes(count).ToList();
            var store = new ShardStore(Path.GetTempPath(), [.. sizes.Select((n, i) => ($"p{i}", (IReadOnlyList<(ScalarType, long)>)[(ScalarType.Float32, n)]))], ShardStore.NumLeases, bytes => zeros(bytes, ScalarType.Byte), new());
            var homes = new Dictionary<string, StoredShards>(StringComparer.Ordinal);
            foreach (var name in sizes.Select((_, i) => $"p{i}"))
            {
                homes.Add(name, store[name]);
                store[name].Enter(isRead: false);
                store[name][0].zero_();
                store[name].Leave(changed: true);
            }
            Parameter[] parameters = [.. homes.Values.Select(h => new Parameter(h[0].view(-1)))];
            return new(parameters, groups => new TieredOptimizer(new Raijin.Tensors.AdamW(), groups, Options(buffered: false) with { Homes = homes }), store);
        }

        // A large piece, which is cut, and many of a layer's size.
        static IEnumerable<long> Sizes(long count)
        {
            var layers = Enumerable.Repeat(1_000_000L, (int)(count * 3 / 4 / 1_000_000));
            return layers.Prepend(count - layers.Sum());
        }

        public Contestant Raw(string name) => new(name, () =>
        {
            foreach (var file in _raw) file.Run();
        });

        // Two steps, and what the second leaves to be written.
        public Contestant Contestant(string name) => new(name, () =>
        {
            _optimizer.Step();
            _optimizer.Step();
            (_optimizer as TieredOptimizer)?.Finish();
            _shards?.Finish();
        }, Operations: 2);

        public void Dispose()
        {
            foreach (var file in _raw) file.Dispose();
            _optimizer.Dispose();
            foreach (var parameter in _parameters) parameter.Dispose();
            _shards?.Dispose();
        }
    }

    /// <summary>a += k·b: 12 bytes an element, with no other traffic behind it.</summary>
    sealed class Stream : IDisposable
    {
        readonly Tensor _a;
        readonly Tensor _b;

        public Stream(long count)
        {
            _a = empty(count, ScalarType.Float32);
            _b = empty(count, ScalarType.Float32);
            HugePages.Advise(_a);
            HugePages.Advise(_b);
            _a.zero_();
            _b.fill_(1e-3);
        }

        public void Run() => _a.add_(_b, alpha: 0.5);

        public void Dispose()
        {
            _a.Dispose();
            _b.Dispose();
        }
    }

    /// <summary>A store's file whose every block is read and written back as it was, by as many threads as the store has.</summary>
    sealed class RawFile : IDisposable
    {
        readonly DiskStore _store;
        readonly Tensor[] _memory;

        public RawFile(DiskStore store)
        {
            _store = store;
            _memory = [.. Enumerable.Range(0, s_diskThreads).Select(_ => ScratchFile.AllocateAligned(DiskQueue.BlockBytes, ScalarType.Byte))];
        }

        public void Run()
        {
            var file = _store.File;
            long next = 0;
            var threads = _memory.Select(memory => new Thread(() =>
            {
                HostTensor.TryOpen(memory, out var view);
                using (view)
                {
                    for (var at = Interlocked.Add(ref next, DiskQueue.BlockBytes) - DiskQueue.BlockBytes; at < file.Bytes; at = Interlocked.Add(ref next, DiskQueue.BlockBytes) - DiskQueue.BlockBytes)
                    {
                        var block = view.ByteSlice(0, (int)Math.Min(DiskQueue.BlockBytes, file.Bytes - at));
                        file.Read(at, block);
                        file.Write(at, block);
                    }
                }
            })).ToList();
            foreach (var thread in threads) thread.Start();
            foreach (var thread in threads) thread.Join();
        }

        public void Dispose()
        {
            foreach (var memory in _memory) memory.Dispose();
        }
    }
}
