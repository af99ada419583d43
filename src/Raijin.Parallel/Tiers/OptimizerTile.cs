using Raijin.Tensors;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Raijin.Parallel;

/// <summary>Shares that are updated together, by an optimizer of their own whose state is laid in memory that others use too, in turn.</summary>
sealed class OptimizerTile : IDisposable
{
    readonly (ParameterGroup Given, ParameterGroup Mine)[] _groups;
    readonly List<Part> _parts = [];
    readonly List<Tensor> _masters = [];

    /// <param name="algorithm">What is done to each parameter.</param>
    /// <param name="shares">In the order of update.</param>
    /// <param name="lease">Where the state is laid when it comes from the file; null for memory of its own.</param>
    /// <param name="options">Threads and masters.</param>
    public OptimizerTile(OptimizerAlgorithm algorithm, IReadOnlyList<PieceShare> shares, DiskLease<OptimizerTile>? lease, TieredOptimizerOptions options)
    {
        Shares = shares;
        Lease = lease;
        var parameters = shares.ToDictionary(s => s, s => s.IsWhole ? s.Piece.Tensor : Cut(s));
        _groups = [.. shares.GroupBy(s => s.Piece.Group).Select(g =>
            (g.Key, new ParameterGroup(g.Key.Name, g.Select(s => KeyValuePair.Create(s.Name, parameters[s])), g.Key.LearningRate, g.Key.WeightDecay)))];
        Optimizer = new(algorithm, [.. _groups.Select(g => g.Mine)], new() { Threads = options.Threads, StateMemory = lease?.Memory, Masters = Masters(options.Masters) });
    }

    /// <summary>What it updates.</summary>
    public IReadOnlyList<PieceShare> Shares { get; }

    /// <summary>Where its state is when it is not in the file; null where it stays in memory.</summary>
    public DiskLease<OptimizerTile>? Lease { get; }

    /// <summary>Where the values of its pieces are when nobody uses them; null where they stay in memory.</summary>
    public StoredShards? Home => Shares[0].Piece.Home;

    /// <summary>Updates them; its names are the shares'.</summary>
    public FusedOptimizer Optimizer { get; }

    /// <summary>Whether some share has a gradient.</summary>
    public bool HasGradient
    {
        get
        {
            foreach (var share in Shares)
                if (GradientAccess.HasGradient(share.Piece.Tensor)) return true;
            return false;
        }
    }

    /// <summary>Updates the shares whose pieces have a gradient. The state is in its place.</summary>
    public void Step(double gradientScale, double clipValue)
    {
        foreach (var (given, mine) in _groups) (mine.LearningRate, mine.WeightDecay, mine.Momentum) = (given.LearningRate, given.WeightDecay, given.Momentum);
        foreach (var part in _parts) part.TakeGradient();
        Optimizer.Step(gradientScale, clipValue);
        foreach (var part in _parts) GradientAccess.ClearGradient(part.Tensor);
    }

    /// <summary>Takes over what a state says of the shares; those it does not know start anew.</summary>
    /// <param name="state">Of whole pieces; borrowed.</param>
    public void Load(OptimizerState state)
    {
        using var none = no_grad();
        using var scope = NewDisposeScope();
        var tensors = new List<(string, Tensor)>();
        var updates = new Dictionary<string, long>(StringComparer.Ordinal);
        var carried = new Dictionary<string, IReadOnlyDictionary<string, double>>(StringComparer.Ordinal);
        foreach (var share in Shares)
        {
            var slots = state.Slots(share.Piece.Name);
            if (slots.Values.Any(t => !t.shape.SequenceEqual(share.Piece.Tensor.shape))) continue;
            if (state.Scalars.ParameterUpdates.TryGetValue(share.Piece.Name, out var count)) updates.Add(share.Name, count);
            if (state.Scalars.Carried?.TryGetValue(share.Piece.Name, out var numbers) == true) carried.Add(share.Name, numbers);
            foreach (var (slot, tensor) in slots)
                tensors.Add(($"{share.Name}/{slot}", share.IsWhole ? tensor : tensor.reshape(-1).narrow(0, share.Start, share.Count)));
        }
        Optimizer.LoadState(new(new(state.Scalars.Algorithm, state.Scalars.Updates, [], updates, carried), tensors), strict: false);
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        foreach (var part in _parts) part.Tensor.Dispose();
        foreach (var master in _masters) master.Dispose();
    }

    Parameter Cut(PieceShare share)
    {
        using var none = no_grad();
        using var detached = share.Piece.Tensor.detach();
        using var flat = detached.view(-1);
        var part = new Part(share, new Parameter(flat.narrow(0, share.Start, share.Count)));
        part.Tensor.DetachFromDisposeScope();
        _parts.Add(part);
        return part.Tensor;
    }

    Dictionary<string, Tensor>? Masters(IReadOnlyDictionary<string, Tensor>? given)
    {
        if (given is null) return null;
        var mine = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var share in Shares)
        {
            if (!given.TryGetValue(share.Piece.Name, out var whole)) continue;
            using var flat = whole.view(-1);
            var master = (share.IsWhole ? whole.alias() : flat.narrow(0, share.Start, share.Count)).DetachFromDisposeScope();
            _masters.Add(master);
            mine.Add(share.Name, master);
        }
        return mine;
    }

    /// <summary>A share that is not the whole piece: a view of the piece's memory.</summary>
    sealed record Part(PieceShare Share, Parameter Tensor)
    {
        public void TakeGradient()
        {
            var piece = Share.Piece;
            if (!TensorAccess.TryGetHostMemory(piece.Tensor, out var whole) || !TensorAccess.TryGetHostMemory(Tensor, out var mine) || whole.Data + (nint)(Share.Start * piece.Tensor.element_size()) != mine.Data)
                throw new InvalidOperationException($"The memory of parameter '{piece.Name}' was exchanged after its optimizer was made: copy values into it instead, or make the optimizer anew.");
            using var gradient = piece.Tensor.grad;
            if (gradient is null)
            {
                GradientAccess.ClearGradient(Tensor);
                return;
            }
            if (gradient.is_sparse) throw new NotSupportedException($"The gradient of parameter '{piece.Name}' is sparse; make the layer with sparse: false.");
            using var flat = gradient.reshape(-1);
            using var part = flat.narrow(0, Share.Start, Share.Count);
            GradientAccess.SetGradient(Tensor, part);
        }
    }
}
