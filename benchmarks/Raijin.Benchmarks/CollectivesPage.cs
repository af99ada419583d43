using System.Diagnostics;
using System.Globalization;
using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// Float32 sums over two processes of one thread each, on buffers that lie in the segment and on private ones, on a quiet machine and with every core busy elsewhere. The page starts its second process itself.
/// <c>--rounds n</c>.
/// </summary>
static class CollectivesPage
{
    static readonly TimeSpan WarmTime = TimeSpan.FromSeconds(3);

    static readonly int[] Sizes = [1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20];

    // Measured on this kind of machine with Open MPI 4.1.4 (shared memory, single copy by the kernel) and torch 1.13 over gloo; the table of figures.
    static readonly Dictionary<int, (string Mpi, string Gloo)> Others = new()
    {
        [1 << 10] = ("1.2 µs", "560 µs"), [4 << 10] = ("1.9 µs", "380 µs"), [16 << 10] = ("9.5 µs", "760 µs"), [64 << 10] = ("20.8 µs", "371 µs"), [256 << 10] = ("60 µs", "690 µs"),
        [1 << 20] = ("141 µs", "704 µs"), [4 << 20] = ("619 µs", "4.1 ms"), [16 << 20] = ("5.96 ms", "14.7 ms"), [64 << 20] = ("39.4 ms", "44.7 ms"),
    };

    public static void Run(string[] args)
    {
        set_num_threads(1);
        var rounds = Pages.Option(args, "--rounds") ?? 15;
        if (Array.IndexOf(args, "--job") is var at and >= 0)
        {
            Measure(args[at + 1], 1, rounds, loaded: null);
            return;
        }

        var job = $"bench-{Environment.ProcessId}";
        string[] second = ["collectives", "--rounds", rounds.ToString(CultureInfo.InvariantCulture), "--job", job];
        using var partner = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(CollectivesPage).Assembly.Location, .. second] : second))!;
        using var load = new Load();
        var rows = Measure(job, 0, rounds, load);
        partner.WaitForExit();

        var report = new Report("All-reduce over shared memory: 2 processes × 1 thread, float32 sum", args);
        report.Note($"Quiet: medians of {rounds} rounds, the buffers taking turns; `Group.AllReduce`, everything included. Loaded: means, since a thread for every core spins beside the two ranks and the scheduler takes turns of milliseconds. Open MPI 4.1.4 (vader, CMA) and torch 1.13 over gloo were measured on the same kind of machine, quiet, and are quoted.");
        report.Table("Time of a call", "bytes", "in the segment", "private", "in the segment, loaded", "private, loaded", "Open MPI (quoted)", "gloo (quoted)");
        foreach (var (bytes, times) in rows)
            report.Row([bytes.ToString("N0", CultureInfo.InvariantCulture), .. times.Select(t => Pages.Show(new Timing("", [t]))), Others[bytes].Mpi, Others[bytes].Gloo]);
        report.Write();
    }

    static List<(int Bytes, double[] Times)> Measure(string job, int rank, int rounds, Load? loaded)
    {
        using var world = new World(new RankIdentity(rank, 2, rank, 2, 0, 1), SharedMemoryTransport.Join(job, rank, 2), new GroupOptions { Deadline = TimeSpan.FromMinutes(2) }, "the benchmark");
        var rows = new List<(int, double[])>();
        Warm(world.Group);
        foreach (var bytes in Sizes)
        {
            using var shared = world.Group.Allocate(bytes / 4, ScalarType.Float32);
            using var mine = ones(bytes / 4);
            shared.fill_(1);
            var results = new List<double>();
            foreach (var busy in new[] { false, true })
            {
                if (loaded is not null) loaded.Busy = busy;
                // Both ranks do the same number of calls; each batch is long enough for the clock.
                var calls = Math.Clamp((32 << 20) / bytes, 1, 4000);
                var times = new[] { new double[rounds], new double[rounds] };
                for (var round = -2; round < rounds; round++)
                {
                    for (var turn = 0; turn < 2; turn++)
                    {
                        var buffer = turn == 0 ? shared : mine;
                        world.Group.AllReduce(buffer);
                        var start = Stopwatch.GetTimestamp();
                        for (var i = 0; i < calls; i++) world.Group.AllReduce(buffer);
                        if (round >= 0) times[turn][round] = Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
                    }
                }
                results.AddRange(times.Select(t => busy ? t.Average() : Statistics.Median(t)));
                world.Group.Barrier();
            }
            if (loaded is not null) loaded.Busy = false;
            rows.Add((bytes, [.. results]));
        }
        return rows;
    }

    // Until the compiler has done its last on what a call goes through: it compiles again what is called often, but only after a while without anything new, and in a thread of its own. So by the
    // clock, not by a count of calls, which take a microsecond each; rank 0 says when.
    static void Warm(Group group)
    {
        using var shared = group.Allocate(1000, ScalarType.Float32);
        using var mine = zeros(1000);
        using var large = zeros(1 << 20);
        using var goesOn = ones(1);
        var start = Stopwatch.GetTimestamp();
        while (goesOn.item<float>() > 0)
        {
            for (var i = 0; i < 5_000; i++)
            {
                group.AllReduce(shared);
                group.AllReduce(mine);
            }
            group.AllReduce(large);
            if (group.Rank == 0) goesOn.fill_(Stopwatch.GetElapsedTime(start) < WarmTime ? 1 : 0);
            group.Broadcast(goesOn, 0);
        }
    }

    /// <summary>A thread for every core that spins while it is told to.</summary>
    sealed class Load : IDisposable
    {
        readonly ManualResetEventSlim _busy = new();
        readonly List<Thread> _threads;
        volatile bool _over;
        volatile bool _isBusy;

        public Load()
        {
            _threads = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Spin) { IsBackground = true })];
            foreach (var thread in _threads) thread.Start();
        }

        public bool Busy
        {
            set
            {
                _isBusy = value;
                if (value) _busy.Set();
                else _busy.Reset();
            }
        }

        public void Dispose()
        {
            _over = true;
            _isBusy = false;
            _busy.Set();
            foreach (var thread in _threads) thread.Join();
            _busy.Dispose();
        }

        void Spin()
        {
            while (!_over)
            {
                _busy.Wait();
                while (_isBusy) Thread.SpinWait(1000);
            }
        }
    }
}
