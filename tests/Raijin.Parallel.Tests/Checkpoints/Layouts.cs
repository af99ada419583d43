using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Checkpoints;

/// <summary>A random model and how a random world holds it: some tensors whole on all ranks, some cut among all, some whole on one rank, some cut among half the ranks and copied on the others.</summary>
sealed record Layout(int Ranks, IReadOnlyList<LaidTensor> Tensors, long SplitBytes)
{
    public IReadOnlyList<IReadOnlyList<HeldSlice>> Held() => [.. Enumerable.Range(0, Ranks).Select(rank => Tensors.SelectMany(t => t.Held(rank, Ranks)).ToArray())];

    /// <summary>A rank's slices of the tensors' values, which <paramref name="values"/> gives whole. The open scope owns them.</summary>
    public IEnumerable<LogicalSlice> Slices(int rank, IReadOnlyDictionary<string, Tensor> values) =>
        Tensors.SelectMany(t => t.Held(rank, Ranks)).Select(h => new LogicalSlice(h.Name, h.Shape, h.Start, values[h.Name].view(-1).narrow(0, h.Start, h.Count)));

    /// <summary>Values that differ everywhere.</summary>
    public Dictionary<string, Tensor> Values() => Tensors.ToDictionary(t => t.Name, t => (arange(t.NumElements, ScalarType.Float64) * 37 % 251 + t.Name.Length).to(t.Type).view([.. t.Shape]));
}

sealed record LaidTensor(string Name, ScalarType Type, string Dtype, long[] Shape, int How, long[] Cuts)
{
    public long NumElements => Shape.Aggregate(1L, (a, b) => a * b);

    public IEnumerable<HeldSlice> Held(int rank, int ranks)
    {
        var n = NumElements;
        return How switch
        {
            0 => [Run(0, n)],
            1 => Part(rank, ranks),
            2 => rank == n % ranks ? [Run(0, n)] : [],
            _ => Part(rank % ((ranks + 1) / 2), (ranks + 1) / 2),
        };

        // Uneven parts, cut at random places; a rank may have two runs, or none.
        IEnumerable<HeldSlice> Part(int part, int parts)
        {
            long[] ends = [0, .. Cuts.Select(c => c % (n + 1)).Order(), n];
            return ends.Zip(ends.Skip(1)).Select((run, i) => (run, i)).Where(r => r.i % parts == part && r.run.First < r.run.Second).Select(r => Run(r.run.First, r.run.Second - r.run.First))
                .DefaultIfEmpty(Run(0, 0)).ToArray();
        }

        HeldSlice Run(long start, long count) => new(Name, Dtype, Shape, start, count);
    }
}

static class Layouts
{
    static readonly (ScalarType, string)[] Types =
        [(ScalarType.Float32, "F32"), (ScalarType.BFloat16, "BF16"), (ScalarType.Float16, "F16"), (ScalarType.Int64, "I64"), (ScalarType.Byte, "U8"), (ScalarType.Float64, "F64")];

    public static Gen<Layout> Any { get; } = Gen.Select(Gen.Int[1, 5], Gen.Select(Gen.Long[0, 7].Array[0, 3], Gen.Int[0, 3], Gen.Int[0, Types.Length - 1], Gen.Long[0, 1000].Array[0, 6]).Array[1, 6], Gen.Int[0, 2])
        .Select((ranks, tensors, split) => new Layout(
            ranks,
            [.. tensors.Select((t, i) => new LaidTensor($"{(i % 3 == 0 ? "optimizer/0" : "model")}/{i}.weight", Types[t.Item3].Item1, Types[t.Item3].Item2, t.Item1, t.Item2, t.Item4)).OrderBy(t => t.Name, StringComparer.Ordinal)],
            split * 16));
}
