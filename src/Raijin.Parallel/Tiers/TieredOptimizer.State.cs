using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

sealed partial class TieredOptimizer
{
    /// <summary>Whether the parameters now hold the evaluation weights.</summary>
    public bool IsEvaluating { get; private set; }

    /// <summary>
    /// The state as it is, borrowed until the next step or load. What lies in the file is read when a tensor is touched, into memory that the system takes back when it needs it: a checkpoint that
    /// writes tensor by tensor needs no memory for the whole.
    /// </summary>
    /// <exception cref="InvalidOperationException">The evaluation weights are in, or a step failed midway.</exception>
    /// <exception cref="IOException">The file could not be written, or was cut short.</exception>
    public OptimizerState CaptureState()
    {
        ThrowIfUnusable();
        ThrowIfEvaluating();
        ForgetCaptured();
        Finish();
        var tensors = new Dictionary<string, List<(string, Tensor)>>(StringComparer.Ordinal);
        var updates = new Dictionary<string, long>(StringComparer.Ordinal);
        Dictionary<string, IReadOnlyDictionary<string, double>>? carried = null;
        foreach (var tile in _tiles)
        {
            var state = tile.Optimizer.CaptureState();
            foreach (var share in tile.Shares)
            {
                var slots = state.Slots(share.Name);
                if (state.Scalars.ParameterUpdates.TryGetValue(share.Name, out var count)) updates[share.Piece.Name] = count;
                if (state.Scalars.Carried?.TryGetValue(share.Name, out var numbers) == true) (carried ??= new(StringComparer.Ordinal))[share.Piece.Name] = numbers;
                if (slots.Count > 0 && Capture(tile, share, slots) is { } captured) tensors[share.Piece.Name] = captured;
            }
        }
        var groups = Groups.Select(g => new ParameterGroupState(g.Name, g.LearningRate, g.WeightDecay, g.Momentum));
        return new(new(Algorithm, Updates, [.. groups], updates, carried), _pieces.SelectMany(p => tensors.GetValueOrDefault(p.Name) ?? []));
    }

    /// <inheritdoc cref="FusedOptimizer.LoadState"/>
    /// <remarks>Loaded tile by tile: where the given tensors are mapped from files, no more than a tile of them is in memory.</remarks>
    public OptimizerStateDifference LoadState(OptimizerState state, bool strict = true)
    {
        ThrowIfUnusable();
        ThrowIfEvaluating();
        var difference = _whole.CompareState(state);
        if (strict && !difference.IsEmpty) throw new OptimizerStateMismatchException(difference);
        ForgetCaptured();
        _isHalfway = true;
        foreach (var tile in _tiles)
        {
            // All of the tile's state is written: nothing is to be read before.
            tile.Lease?.Wait();
            tile.Lease?.Holder = tile;
            tile.Load(state);
            BeginWrite(tile);
        }
        Finish();
        foreach (var group in Groups)
        {
            if (state.Scalars.Groups.FirstOrDefault(g => g.Name == group.Name) is not { } saved) continue;
            (group.LearningRate, group.WeightDecay, group.Momentum) = (saved.LearningRate, saved.WeightDecay, saved.Momentum);
        }
        Updates = state.Scalars.Updates;
        _isHalfway = false;
        return difference;
    }

    /// <summary>Sets a tensor of the state, which is there.</summary>
    /// <param name="name">The parameter.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="values">Flat, as many as the parameter has.</param>
    /// <exception cref="InvalidOperationException">The evaluation weights are in, or a step failed midway.</exception>
    /// <exception cref="IOException">The file could not be read or written.</exception>
    public void SetState(string name, string slot, Tensor values)
    {
        ThrowIfUnusable();
        ThrowIfEvaluating();
        ForgetCaptured();
        foreach (var tile in _tiles)
        {
            foreach (var share in tile.Shares.Where(share => share.Piece.Name == name))
            {
                Enter(tile);
                using var part = values.narrow(0, share.Start, share.Count);
                var state = tile.Optimizer.CaptureState().Slots(share.Name)[slot];
                using var shaped = part.view(state.shape);
                state.copy_(shaped);
                BeginWrite(tile);
            }
        }
        Finish();
    }

    /// <inheritdoc/>
    public void UseEvaluationWeights()
    {
        ThrowIfUnusable();
        if (!_whole.HasEvaluationWeights || IsEvaluating) return;
        ForgetCaptured();
        foreach (var tile in _tiles)
        {
            tile.Home?.Enter();
            Enter(tile);
            tile.Optimizer.UseEvaluationWeights();
            // A master follows what others wrote to its parameter.
            if (tile.Shares.Any(s => s.Piece.HasMaster)) BeginWrite(tile);
            tile.Home?.Leave(changed: true);
        }
        IsEvaluating = true;
    }

    /// <inheritdoc/>
    public void UseTrainingWeights()
    {
        ThrowIfUnusable();
        if (!IsEvaluating) return;
        foreach (var tile in _tiles)
        {
            tile.Home?.Enter();
            if (tile.Shares.Any(s => s.Piece.HasMaster)) Enter(tile);
            tile.Optimizer.UseTrainingWeights();
            tile.Home?.Leave(changed: true);
        }
        IsEvaluating = false;
    }

    // The slots of the piece that a share belongs to; null where another share, the last one, brings them.
    List<(string, Tensor)>? Capture(OptimizerTile tile, PieceShare share, IReadOnlyDictionary<string, Tensor> slots)
    {
        var piece = share.Piece;
        if (tile.Lease is null && !share.IsWhole)
        {
            // The head of a piece that goes on in the file: brought to the rest.
            for (var i = 0; i < piece.SlotNames.Count; i++)
                _store!.WriteAsync(_store[piece.Name], slots[piece.SlotNames[i]], OffsetInPiece(share, i)).GetAwaiter().GetResult();
        }
        if (!share.IsLast) return null;
        var captured = new List<(string, Tensor)>();
        for (var i = 0; i < piece.SlotNames.Count; i++)
        {
            var slot = slots[piece.SlotNames[i]];
            if (tile.Lease is { } lease)
            {
                var (range, offset) = share.IsWhole ? (RunName(tile.Shares), OffsetInLease(lease, slot)) : (piece.Name, i * piece.PaddedCount * sizeof(float));
                slot = _store!.Map(_store[range], offset, piece.Tensor.shape, ScalarType.Float32).DetachFromDisposeScope();
                _captured.Add(slot);
            }
            captured.Add(($"{piece.Name}/{piece.SlotNames[i]}", slot));
        }
        return captured;
    }

    static long OffsetInLease(DiskLease<OptimizerTile> lease, Tensor slot) =>
        TensorAccess.TryGetHostMemory(slot, out var inner) && TensorAccess.TryGetHostMemory(lease.Memory, out var outer)
            ? inner.Data - outer.Data
            : throw new System.Diagnostics.UnreachableException("leases and slots are dense host memory");

    void ForgetCaptured()
    {
        foreach (var tensor in _captured) tensor.Dispose();
        _captured.Clear();
        _store?.Unmap();
    }

    void ThrowIfEvaluating()
    {
        if (IsEvaluating)
            throw new InvalidOperationException("The parameters hold the weights to evaluate, not those in training: call UseTrainingWeights() first.");
    }
}
