using Raijin.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>A parameter of a tiered optimizer.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Tensor">Borrowed.</param>
/// <param name="Group">The group it was given in.</param>
/// <param name="SlotNames">The tensors kept for it, a master behind the algorithm's.</param>
/// <param name="Home">The shards it is a part of, where its values lie on a tier; null where they stay in memory.</param>
sealed record OptimizedPiece(string Name, Parameter Tensor, ParameterGroup Group, IReadOnlyList<string> SlotNames, StoredShards? Home)
{
    /// <summary>Its elements.</summary>
    public long Count { get; } = Tensor.numel();

    /// <summary>Elements of a slot in the file, up to the end of its last page.</summary>
    public long PaddedCount => TilePlan.Padded(Count);

    /// <summary>Whether an fp32 master is among its slots.</summary>
    public bool HasMaster => SlotNames.Count > 0 && SlotNames[^1] == "master";
}

/// <summary>Elements <paramref name="Start"/> to <paramref name="Start"/> + <paramref name="Count"/> of a piece.</summary>
readonly record struct PieceShare(OptimizedPiece Piece, long Start, long Count)
{
    /// <summary>Whether it is all of the piece.</summary>
    public bool IsWhole => Start == 0 && Count == Piece.Count;

    /// <summary>Whether it goes to the end of the piece.</summary>
    public bool IsLast => Start + Count == Piece.Count;

    /// <summary>What an optimizer of shares calls it.</summary>
    public string Name => IsWhole ? Piece.Name : $"{Piece.Name}[{Start}..{Start + Count}]";

    /// <summary>Elements of memory that its state takes.</summary>
    public long StateElements => Piece.SlotNames.Count * TilePlan.Padded(Count);
}

/// <summary>What is updated together.</summary>
/// <param name="Shares">In the order of update; of one <see cref="OptimizedPiece.Home"/>.</param>
/// <param name="StaysInMemory">Whether its state does; else it goes through leases.</param>
sealed record Tile(IReadOnlyList<PieceShare> Shares, bool StaysInMemory);

/// <summary>
/// What of an optimizer's state stays in memory, and how the rest is cut into tiles that fit a lease: a tile is a run of whole pieces, or a part of one piece that is too large. Cuts lie on
/// pages, so that a part is read and written without its neighbours. Pieces whose values come and go together are updated together. The cuts depend on sizes alone.
/// </summary>
sealed class TilePlan
{
    /// <param name="pieces">In the order of update.</param>
    /// <param name="leaseElements">fp32 elements of one lease.</param>
    /// <param name="offloadRatio">The share of the elements that goes into tiles; the first ones stay.</param>
    public TilePlan(IReadOnlyList<OptimizedPiece> pieces, long leaseElements, double offloadRatio)
    {
        var stay = (long)((1 - offloadRatio) * pieces.Sum(p => p.Count));
        var all = new List<Tile>();
        var resident = new List<PieceShare>();
        var tiles = new List<Tile>();
        var run = new List<PieceShare>();
        long runElements = 0;
        // The last first: a step ends where the next forward pass begins, with what it needs first still in memory.
        foreach (var home in pieces.GroupBy(p => p.Home).Reverse())
        {
            foreach (var piece in home) Place(piece);
            EndRun();
            if (resident.Count > 0) all.Add(new([.. resident], StaysInMemory: true));
            all.AddRange(tiles);
            resident.Clear();
            tiles.Clear();
        }
        Tiles = all;

        void Place(OptimizedPiece piece)
        {
            var head = piece.Count <= stay ? piece.Count : stay / FusedOptimizerOptions.StateMemoryAlignment * FusedOptimizerOptions.StateMemoryAlignment;
            stay -= piece.Count <= stay ? piece.Count : stay;
            if (head > 0 || piece.Count == 0) resident.Add(new(piece, 0, head));
            if (head == piece.Count) return;
            var rest = new PieceShare(piece, head, piece.Count - head);
            if (rest.IsWhole && rest.StateElements <= leaseElements)
            {
                if (runElements + rest.StateElements > leaseElements) EndRun();
                run.Add(rest);
                runElements += rest.StateElements;
                return;
            }
            EndRun();
            var most = leaseElements / Math.Max(1, piece.SlotNames.Count) / FusedOptimizerOptions.StateMemoryAlignment * FusedOptimizerOptions.StateMemoryAlignment;
            for (var start = head; start < piece.Count; start += most) tiles.Add(new([new(piece, start, Math.Min(most, piece.Count - start))], StaysInMemory: false));
        }

        void EndRun()
        {
            if (run.Count > 0) tiles.Add(new([.. run], StaysInMemory: false));
            run.Clear();
            runElements = 0;
        }
    }

    /// <summary>In the order of update.</summary>
    public IReadOnlyList<Tile> Tiles { get; }

    /// <summary>Elements rounded up to pages.</summary>
    public static long Padded(long count) =>
        (count + FusedOptimizerOptions.StateMemoryAlignment - 1) / FusedOptimizerOptions.StateMemoryAlignment * FusedOptimizerOptions.StateMemoryAlignment;

    /// <summary>The pieces of parameter groups.</summary>
    /// <param name="algorithm">What is done to each.</param>
    /// <param name="groups">The groups.</param>
    /// <param name="homes">Where values lie that come and go, by the parameter's name.</param>
    /// <exception cref="NotSupportedException">The update of an element depends on others of its tensor, or a parameter is none whose state can lie in a file.</exception>
    public static IReadOnlyList<OptimizedPiece> Pieces(OptimizerAlgorithm algorithm, IReadOnlyList<ParameterGroup> groups, IReadOnlyDictionary<string, StoredShards>? homes = null)
    {
        if (algorithm is LayerwiseAlgorithm or Muon or LbfgsOptions)
            throw new NotSupportedException($"{algorithm.GetType().Name} updates an element by the whole of its tensor: its state can't be cut into tiles. Keep it on the device (OffloadOptimizer = Tier.Device), or use an elementwise algorithm.");
        var pieces = new List<OptimizedPiece>();
        foreach (var group in groups)
        {
            foreach (var (name, tensor) in group.Parameters)
            {
                if (!TensorAccess.TryGetHostMemory(tensor, out var memory) || memory.DType is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16))
                    throw new NotSupportedException($"The state of parameter '{name}' ({tensor.dtype} on {tensor.device}) can't lie on the disk tier: contiguous fp32, bf16 and fp16 parameters on the host can.");
                pieces.Add(new(name, tensor, group, memory.DType == ScalarType.Float32 ? algorithm.Slots : [.. algorithm.Slots, "master"], homes?.GetValueOrDefault(name)));
            }
        }
        return pieces;
    }
}
