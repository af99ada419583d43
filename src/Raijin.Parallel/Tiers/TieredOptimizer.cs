using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

// Invariant: between steps every tile's state is in the file or in the lease that holds it, and what is in the file is whole.
// The step, with three leases A, B, C:
//
//   lease A   read 0 │update 0│write 0 │read 3 │update 3│write 3 │ …
//   lease B   read 1          │update 1│write 1 │read 4 │update 4│
//   lease C                    read 2  │update 2│write 2 │read 5 │
//
// A lease reads its next tile as soon as the one before is written, whoever computes meanwhile: the disk is never without work.
// Cost: memory 3 tiles; each byte of state is read once and written once a step (8 a parameter with Adam, 12 with masters), while the kernel works on another tile.
// Rajbhandari et al. 2021, §6.3, arXiv:2104.07857; Ren et al. 2021, arXiv:2101.06840.

/// <summary>
/// <see cref="FusedOptimizer"/> with its state in a file: the same verbs, the same bits, and memory for three tiles instead of for all of them. Parameters may come and go too
/// (<see cref="TieredOptimizerOptions.Homes"/>); gradients stay in host memory.
/// </summary>
/// <remarks>
/// For elementwise algorithms. A step that fails midway has updated some parameters and not others: every later call is refused, and training goes on from a checkpoint. Not thread-safe.
/// </remarks>
sealed partial class TieredOptimizer : IParameterUpdater
{
    /// <summary>One is read, one updated, one written.</summary>
    public const int NumLeases = 3;

    // Never stepped: it checks the parameters, measures and clears gradients, and compares states.
    readonly FusedOptimizer _whole;
    readonly IReadOnlyList<OptimizedPiece> _pieces;
    readonly OptimizerTile[] _tiles;
    readonly DiskLease<OptimizerTile>[] _leases;
    readonly DiskStore? _store;
    readonly List<OptimizerTile> _active = [];
    readonly List<Tensor> _captured = [];
    readonly Ledger? _ledger;
    bool _isHalfway;
    bool _disposed;

    /// <summary>Makes an optimizer, and the file.</summary>
    /// <param name="algorithm">What is done to each parameter; elementwise.</param>
    /// <param name="groups">As for <see cref="FusedOptimizer"/>, but a group may be empty, as a rank's share of one may be; contiguous host parameters.</param>
    /// <param name="options">Where the state lies.</param>
    /// <exception cref="InvalidOptionsException">An option is outside its range.</exception>
    /// <exception cref="NotSupportedException">The algorithm is not elementwise, or a parameter not on the host.</exception>
    /// <exception cref="IOException">The folder cannot be made, or its disk lacks the space.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not writable.</exception>
    public TieredOptimizer(OptimizerAlgorithm algorithm, IReadOnlyList<ParameterGroup> groups, TieredOptimizerOptions options)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        ArgumentNullException.ThrowIfNull(groups);
        ArgumentNullException.ThrowIfNull(options);
        _pieces = TilePlan.Pieces(algorithm, groups, options.Homes);
        options.Validate(_pieces.Max(p => (int?)p.SlotNames.Count) ?? 0);
        _whole = new(algorithm, groups, new() { Threads = options.Threads, AllowEmptyGroups = true });
        var leaseElements = options.LeaseBytes / NumLeases / ScratchFile.Alignment * ScratchFile.Alignment / sizeof(float);
        var plan = new TilePlan(_pieces, leaseElements, options.OffloadRatio);
        var onTier = plan.Tiles.Where(t => !t.StaysInMemory).ToList();
        // A state that is smaller than the leases needs no larger ones.
        leaseElements = onTier.Count == 0 ? 0 : Math.Min(leaseElements, onTier.Max(t => t.Shares.Sum(s => s.StateElements)));
        if (leaseElements > 0) _store = new(options.Folder, Ranges(onTier), options.DiskThreads, options.Buffered);
        _leases = [.. Enumerable.Range(0, Math.Min(NumLeases, onTier.Count)).Select(_ => NewLease(leaseElements))];
        var next = 0;
        _tiles = [.. plan.Tiles.Select(t => new OptimizerTile(algorithm, t.Shares, t.StaysInMemory ? null : _leases[next++ % NumLeases], options))];
        _ledger = options.Ledger;
        _ledger?.Allocated(BufferKind.Staging, LeaseBytes);
        _ledger?.AllocatedOnDisk(BufferKind.OptimizerState, FileBytes);
    }

    /// <inheritdoc/>
    public OptimizerAlgorithm Algorithm => _whole.Algorithm;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterGroup> Groups => _whole.Groups;

    /// <inheritdoc/>
    public long Updates { get; private set; }

    /// <summary>Tiles that go through the leases.</summary>
    public int NumTiles => _tiles.Count(t => t.Lease is not null);

    /// <summary>Bytes of memory for state on its way.</summary>
    public long LeaseBytes => _leases.Sum(l => l.Bytes);

    /// <summary>Bytes of state that stay in memory.</summary>
    public long ResidentBytes => _tiles.Where(t => t.Lease is null).Sum(t => t.Shares.Sum(s => s.Piece.SlotNames.Count * s.Count * sizeof(float)));

    /// <inheritdoc/>
    public long StateBytes => ResidentBytes;

    /// <summary>Bytes read from the file so far.</summary>
    public long BytesRead => _store?.BytesRead ?? 0;

    /// <summary>Bytes written to the file so far.</summary>
    public long BytesWritten => _store?.BytesWritten ?? 0;

    /// <summary>What the state is kept in; null where all of it stays in memory.</summary>
    public DiskStore? Store => _store;

    /// <summary>Space the file takes.</summary>
    public long FileBytes => _store?.Bytes ?? 0;

    /// <inheritdoc/>
    public void Step(double gradientScale = 1.0, double clipValue = double.PositiveInfinity)
    {
        if (!double.IsFinite(gradientScale))
            throw new ArgumentOutOfRangeException(nameof(gradientScale), gradientScale, "The gradient scale must be finite: a step with overflown gradients is to be skipped.");
        if (!(clipValue > 0))
            throw new ArgumentOutOfRangeException(nameof(clipValue), clipValue, "The clip value must be positive.");
        ThrowIfUnusable();
        ThrowIfEvaluating();
        ForgetCaptured();
        _active.Clear();
        foreach (var tile in _tiles)
            if (tile.HasGradient) _active.Add(tile);
        if (_active.Count == 0) return;

        _isHalfway = true;
        for (var i = 0; i < _active.Count; i++)
        {
            var tile = _active[i];
            if (i == 0 || _active[i - 1].Home != tile.Home) tile.Home?.Enter();
            Enter(tile);
            ReadBehind(i);
            tile.Step(gradientScale, clipValue);
            BeginWrite(tile);
            if (i + 1 == _active.Count || _active[i + 1].Home != tile.Home) tile.Home?.Leave(changed: true);
        }
        _isHalfway = false;
        Updates++;
    }

    /// <summary>Begins to read what is updated first: what is read while backward still goes on is not waited for in <see cref="Step"/>.</summary>
    public void ReadAhead()
    {
        ThrowIfUnusable();
        if (_tiles.Length == 0) return;
        _tiles[0].Home?.ReadAhead();
        foreach (var tile in _tiles.Where(t => t.Lease is not null).Take(NumLeases)) BeginRead(tile);
    }

    /// <summary>Waits until all of the state is in the file.</summary>
    /// <exception cref="IOException">Something could not be written.</exception>
    public void Finish()
    {
        foreach (var lease in _leases) lease.Wait();
    }

    /// <inheritdoc/>
    public GradientNorm MeasureGradients() => _whole.MeasureGradients();

    /// <inheritdoc/>
    public void ClearGradients() => _whole.ClearGradients();

    /// <summary>Waits for what is under way, and frees state and file; parameters and gradients stay.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        ForgetCaptured();
        _ledger?.Freed(BufferKind.Staging, LeaseBytes);
        _ledger?.FreedOnDisk(BufferKind.OptimizerState, FileBytes);
        _store?.Dispose();
        _whole.Dispose();
        foreach (var tile in _tiles) tile.Dispose();
        foreach (var lease in _leases) lease.Dispose();
    }

    /// <summary>While a tile of the step is updated, the leases of the others read what comes next, and so does that of the values.</summary>
    void ReadBehind(int current)
    {
        var next = current + 1;
        while (next < _active.Count && (_active[next].Home is null || _active[next].Home == _active[next - 1].Home)) next++;
        if (next < _active.Count) _active[next].Home!.ReadAhead();
        for (var i = current + 1; i < _active.Count; i++)
        {
            if (_active[i].Lease is not { } lease) continue;
            for (var before = current; before < i; before++)
                if (_active[before].Lease == lease) return;
            BeginRead(_active[i]);
        }
    }

    /// <summary>Has the lease of a tile read its state, unless it holds it, once it has written what it held before.</summary>
    void BeginRead(OptimizerTile tile)
    {
        if (tile.Lease is not { } lease || lease.Holder == tile) return;
        lease.Begin(() => Transfers(tile).Select(t => _store!.ReadAsync(t.Range, lease.Memory, t.Offset, t.MemoryOffset, t.Bytes)));
        lease.Holder = tile;
    }

    void BeginWrite(OptimizerTile tile)
    {
        if (tile.Lease is { } lease) lease.Begin(() => Transfers(tile).Select(t => _store!.WriteAsync(t.Range, lease.Memory, t.Offset, t.MemoryOffset, t.Bytes)));
    }

    /// <summary>Waits until the state of a tile is in its lease, and nobody else works on it.</summary>
    void Enter(OptimizerTile tile)
    {
        BeginRead(tile);
        tile.Lease?.Wait();
    }

    // A run of whole pieces lies in the file as in the lease. Of a piece that is cut, each slot is whole in the file, so that it can be looked at as a whole.
    IEnumerable<(DiskRange Range, long Offset, long MemoryOffset, long Bytes)> Transfers(OptimizerTile tile)
    {
        var used = tile.Optimizer.StateMemoryUsed * sizeof(float);
        if (used == 0) yield break;
        if (tile.Shares is not [{ IsWhole: false } share])
        {
            yield return (_store![RunName(tile.Shares)], 0, 0, used);
            yield break;
        }
        var bytes = TilePlan.Padded(share.Count) * sizeof(float);
        for (var slot = 0; slot < share.Piece.SlotNames.Count; slot++)
            yield return (_store![share.Piece.Name], OffsetInPiece(share, slot), slot * bytes, bytes);
    }

    static long OffsetInPiece(PieceShare share, int slot) => ((slot * share.Piece.PaddedCount) + share.Start) * sizeof(float);

    static string RunName(IReadOnlyList<PieceShare> run) => $"{run[0].Name} …";

    static IEnumerable<(string, long)> Ranges(IEnumerable<Tile> tiles)
    {
        foreach (var tile in tiles)
        {
            if (tile.Shares is not [{ IsWhole: false } share]) yield return (RunName(tile.Shares), tile.Shares.Sum(s => s.StateElements) * sizeof(float));
            else if (share.IsLast) yield return (share.Piece.Name, share.Piece.SlotNames.Count * share.Piece.PaddedCount * sizeof(float));
        }
    }

    void ThrowIfUnusable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_isHalfway)
            throw new InvalidOperationException("An earlier step failed midway: some parameters are one update ahead of the others. Make the optimizer anew, and go on from a checkpoint.");
    }

    static DiskLease<OptimizerTile> NewLease(long elements)
    {
        var memory = ScratchFile.AllocateAligned(elements, ScalarType.Float32);
        HugePages.Advise(memory);
        return new(memory);
    }
}
