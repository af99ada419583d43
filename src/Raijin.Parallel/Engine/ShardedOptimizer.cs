using System.Text.Json.Serialization;
using Raijin.Collectives;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>
/// Updates this rank's part of the parameters and brings the parts together: everything in stage 0, its slices from stage 1 on. Elementwise algorithms give the same bits in every stage.
/// </summary>
/// <remarks>Norms are summed over slices in the same order in every stage, and then over ranks in one all-reduce of a number: clipping is the same in every stage too.</remarks>
sealed class ShardedOptimizer : IParameterUpdater
{
    readonly EngineContext _context;
    readonly GradientReducer _reducer;
    readonly IReadOnlyList<FlatBuffer> _buffers;
    readonly IReadOnlyList<ParameterPiece> _pieces;
    readonly IParameterUpdater? _whole;
    readonly IParameterUpdater _mine;
    readonly IReadOnlyList<ParameterGroup> _pieceGroups;
    readonly Tensor _squares;
    long _posted;

    /// <param name="context">The engine's.</param>
    /// <param name="reducer">Where the gradients come from.</param>
    /// <param name="groups">As the user gave them.</param>
    /// <param name="pieces">This rank's parts of their parameters, in the same order.</param>
    /// <param name="buffers">Where they lie.</param>
    /// <param name="make">Makes an updater over the given groups; told whether it will only measure.</param>
    public ShardedOptimizer(
        EngineContext context, GradientReducer reducer, IReadOnlyList<ParameterGroup> groups, IReadOnlyList<(ParameterGroup Group, string Name, ParameterPiece Piece)> pieces,
        IReadOnlyList<FlatBuffer> buffers, Func<IReadOnlyList<ParameterGroup>, bool, IParameterUpdater> make)
    {
        _context = context;
        _reducer = reducer;
        _buffers = buffers;
        _pieces = [.. pieces.Select(p => p.Piece)];
        Groups = groups;
        _pieceGroups = [.. groups.Select(g => new ParameterGroup(g.Name, pieces.Where(p => ReferenceEquals(p.Group, g)).Select(p => KeyValuePair.Create(p.Name, p.Piece.Values)), g.LearningRate, g.WeightDecay))];
        _mine = make(_pieceGroups, !context.DividesUpdates);
        if (!context.DividesUpdates) _whole = make(groups, false);
        _squares = context.Control.Allocate(1, ScalarType.Float64).DetachFromDisposeScope();
    }

    public OptimizerAlgorithm Algorithm => _mine.Algorithm;

    public IReadOnlyList<ParameterGroup> Groups { get; }

    public long Updates { get; private set; }

    public long StateBytes => (_whole ?? _mine).StateBytes;

    /// <summary>What updates here: whole parameters in stage 0, this rank's parts of them from stage 1 on.</summary>
    public IParameterUpdater Here => _whole ?? _mine;

    /// <summary>This rank's parts of the parameters.</summary>
    public IReadOnlyList<ParameterPiece> Pieces => _pieces;

    public void Step(double gradientScale = 1, double clipValue = double.PositiveInfinity)
    {
        if (_whole is not null)
        {
            _whole.Step(gradientScale, clipValue);
            Updates = _whole.Updates;
            PostState();
            _context.Ledger.EndStep();
            return;
        }
        for (var i = 0; i < Groups.Count; i++)
            (_pieceGroups[i].LearningRate, _pieceGroups[i].WeightDecay, _pieceGroups[i].Momentum) = (Groups[i].LearningRate, Groups[i].WeightDecay, Groups[i].Momentum);
        _mine.Step(gradientScale, clipValue);
        // Ranks count alike, whether or not one has a part of what was updated.
        foreach (var buffer in _buffers)
        {
            if (buffer.Bucket is not { State: BucketState.Reduced }) continue;
            Updates++;
            break;
        }
        PostState();
        BringTogether();
        _context.Ledger.EndStep();
    }

    /// <summary>Begins to bring what the next update needs from where it lies.</summary>
    public void ReadAhead()
    {
        if ((_whole ?? _mine) is TieredOptimizer tiered) tiered.ReadAhead();
    }

    public GradientNorm MeasureGradients()
    {
        var mine = _mine.MeasureGradients();
        using var none = no_grad();
        _squares.fill_(mine.Norm * mine.Norm);
        // In hybrid sharding the replicas measure the same parts: the sum is over one set of them.
        if (_context.ReplicaGroup is null) _context.Control.AllReduce(_squares);
        else _context.ShardGroup.AllReduce(_squares);
        using var host = _squares.cpu();
        return new(Math.Sqrt(host.item<double>()), mine.NumParameters);
    }

    public void ClearGradients()
    {
        _whole?.ClearGradients();
        _mine.ClearGradients();
        foreach (var buffer in _buffers)
            if (buffer.Bucket is { State: not BucketState.Reducing } bucket) bucket.Clear();
    }

    public OptimizerState CaptureState()
    {
        if (_whole is not null) return _whole.CaptureState();
        // A rank knows the numbers of the parameters it has a part of; the state has those of all.
        var mine = _mine.CaptureState();
        var all = _context.World.AllGatherObjects(mine.Scalars, OptimizerJson.Default.OptimizerScalars);
        var updates = all.SelectMany(s => s.ParameterUpdates).GroupBy(u => u.Key).ToDictionary(u => u.Key, u => u.First().Value, StringComparer.Ordinal);
        var carried = all.Where(s => s.Carried is not null).SelectMany(s => s.Carried!).GroupBy(c => c.Key).ToDictionary(c => c.Key, c => c.First().Value, StringComparer.Ordinal);
        return new(mine.Scalars with { Updates = Updates, ParameterUpdates = updates, Carried = mine.Scalars.Carried is null ? null : carried }, mine.Tensors);
    }

    public OptimizerStateDifference LoadState(OptimizerState state, bool strict = true)
    {
        var local = state;
        if (_whole is null)
        {
            var names = _pieceGroups.SelectMany(g => g.Parameters).Select(p => p.Key).ToHashSet(StringComparer.Ordinal);
            local = new(
                state.Scalars with { ParameterUpdates = Of(state.Scalars.ParameterUpdates), Carried = state.Scalars.Carried is { } carried ? Of(carried) : null },
                state.Tensors.Where(t => names.Contains(t.Key[..t.Key.LastIndexOf('/')])));

            Dictionary<string, T> Of<T>(IReadOnlyDictionary<string, T> all) => all.Where(p => names.Contains(p.Key)).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);
        }
        var difference = (_whole ?? _mine).LoadState(local, strict);
        foreach (var buffer in _buffers) buffer.ShardChanged();
        PostState();
        if (_whole is null)
            for (var i = 0; i < Groups.Count; i++)
                (Groups[i].LearningRate, Groups[i].WeightDecay, Groups[i].Momentum) = (_pieceGroups[i].LearningRate, _pieceGroups[i].WeightDecay, _pieceGroups[i].Momentum);
        Updates = state.Scalars.Updates;
        return difference;
    }

    public void UseEvaluationWeights()
    {
        (_whole ?? _mine).UseEvaluationWeights();
        BringTogether();
    }

    public void UseTrainingWeights()
    {
        (_whole ?? _mine).UseTrainingWeights();
        BringTogether();
    }

    // State is made when a parameter first has a gradient.
    void PostState()
    {
        var bytes = StateBytes;
        if (bytes == _posted) return;
        _context.Ledger.Allocated(BufferKind.OptimizerState, bytes - _posted);
        _posted = bytes;
    }

    // After an update each rank has its slice only; where parameters are whole for good, they are made so again.
    void BringTogether()
    {
        if (_whole is not null) return;
        var gathers = new List<PendingExchange>();
        foreach (var buffer in _buffers)
        {
            buffer.ShardChanged();
            if (buffer.IsDivided) continue;
            gathers.Add(_context.Weights.AllGather(buffer.Shard, buffer.Full));
            _context.Post(BufferKind.Parameters, new(_context.Weights.Group, CollectiveKind.AllGather, buffer.FullBytes));
        }
        foreach (var gather in gathers) gather.Wait();
    }

    public void Dispose()
    {
        _context.Ledger.Freed(BufferKind.OptimizerState, _posted);
        _posted = 0;
        _whole?.Dispose();
        _mine.Dispose();
        _squares.Dispose();
        foreach (var piece in _pieces) piece.Owner.Piece = null;
        foreach (var piece in _pieces) piece.Dispose();
    }
}

/// <summary>How the numbers of an optimizer cross between ranks.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(OptimizerScalars))]
sealed partial class OptimizerJson : JsonSerializerContext;
