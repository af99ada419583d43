// All-reduce over MPI against MPI's own, on private buffers. Run it under mpirun: mpirun -np 2 Raijin.Benchmarks mpi. Rank 0 writes the page.

using System.Globalization;
using System.Runtime.InteropServices;
using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

static unsafe class MpiPage
{
    public static void Run(string[] arguments)
    {
        set_num_threads(1);
        var rounds = Pages.Option(arguments, "--rounds") ?? 15;
        using var transport = MpiTransport.Join();
        var group = new Group(transport, "world", [.. Enumerable.Range(0, transport.Size)], new GroupOptions());
        var own = new OwnReduction(transport.Runtime.Library);
        var report = new Report($"All-reduce over MPI, {transport.Size} ranks of one host", arguments);
        report.Table("Sum of float32, median of a call; the ratio is ours over theirs, round by round", "buffer", "Group.AllReduce", "over bfloat16", "MPI_Iallreduce", "ratio", "MPI_Allreduce", "ratio");
        foreach (var (label, count, calls) in new[] { ("1 KB", 256L, 500), ("64 KB", 16_384L, 100), ("1 MB", 262_144L, 20), ("16 MB", 4_194_304L, 2), ("64 MB", 16_777_216L, 1) })
        {
            using var buffer = zeros(count);
            var timings = Interleaved.Measure(rounds,
                Contestant("ours", () => group.AllReduce(buffer)),
                Contestant("ours, bfloat16", () => group.AllReduce(buffer, ReduceOp.Sum, ScalarType.BFloat16)),
                Contestant("nonblocking", () => own.Nonblocking(buffer)),
                Contestant("blocking", () => own.Blocking(buffer)));
            report.Row(label, Time(timings[0]), Time(timings[1]), Time(timings[2]), Ratio(timings[0], timings[2]), Time(timings[3]), Ratio(timings[0], timings[3]));

            Contestant Contestant(string name, Action call) => new(name, () =>
            {
                for (var i = 0; i < calls; i++) call();
            }, calls, () => group.Barrier());
        }
        report.Note("Both `MPI_` columns add in an order of the library's choice; ours adds in the order of the ranks.");
        if (group.Rank == 0) report.Write();
    }

    static string Time(Timing timing) => string.Create(CultureInfo.InvariantCulture, $"{timing.Median * 1e6:N1} µs");

    static string Ratio(Timing mine, Timing theirs) => mine.RatioTo(theirs).ToString("F2", CultureInfo.InvariantCulture);

    /// <summary>What Open MPI itself does.</summary>
    sealed class OwnReduction(MpiLibrary library)
    {
        readonly nint _file = NativeLibrary.Load(library.File);

        public void Blocking(Tensor buffer)
        {
            var call = (delegate* unmanaged<nint, nint, int, nint, nint, nint, int>)NativeLibrary.GetExport(_file, "MPI_Allreduce");
            library.Check(call(library.Abi.InPlace, Address(buffer), (int)buffer.NumberOfElements, Handle("float"), Handle("op_sum"), library.Abi.CommWorld), "MPI_Allreduce");
        }

        public void Nonblocking(Tensor buffer)
        {
            var call = (delegate* unmanaged<nint, nint, int, nint, nint, nint, nint*, int>)NativeLibrary.GetExport(_file, "MPI_Iallreduce");
            nint request;
            library.Check(call(library.Abi.InPlace, Address(buffer), (int)buffer.NumberOfElements, Handle("float"), Handle("op_sum"), library.Abi.CommWorld, &request), "MPI_Iallreduce");
            for (var done = 0; done == 0;) library.Check(library.Test(&request, &done, library.Abi.StatusIgnore), "MPI_Test");
        }

        nint Handle(string name) => NativeLibrary.GetExport(_file, $"ompi_mpi_{name}");

        static nint Address(Tensor tensor) => Raijin.Tensors.TensorAccess.TryGetHostMemory(tensor, out var memory) ? memory.Data : 0;
    }
}
