using System.Globalization;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

public sealed partial class ShardedModel
{
    const string ModelStem = "model";
    const string OptimizerStem = "optimizer";

    /// <summary>
    /// What this rank holds of parameters and buffers, for <see cref="ShardedCheckpointWriter"/>: under <c>model/</c> and the name in the module. Views, which the open scope owns; nobody is asked for anything.
    /// What lies on a disk is read when it is touched, into memory that the system takes back.
    /// </summary>
    public IEnumerable<LogicalSlice> ModelSlices()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using var none = no_grad();
        // Who holds a whole offers it whole, so that ranks can share the writing.
        foreach (var slice in PartsOf(buffer => buffer.IsDivided)) yield return slice with { Name = $"{ModelStem}/{slice.Name}" };
        // Buffers are each rank's own while it trains: a checkpoint has the first one's.
        if (World.Rank == 0)
            foreach (var (name, buffer) in Module.named_buffers()) yield return LogicalSlice.Whole($"{ModelStem}/{name}", buffer.contiguous());
        // What a codec still owes is this rank's own, and of no use to a world of another size.
        var owed = _context.Gradients.SaveTensors();
        foreach (var (key, tensor) in owed) yield return LogicalSlice.Whole(GradientPrefix + key, tensor);
        if (owed.Count > 0) yield return LogicalSlice.Whole(GradientPrefix + ScaleKey, tensor(GradientScale));
        for (var i = 0; i < _oneBit.Count; i++)
            foreach (var (key, tensor) in _oneBit[i].SaveTensors()) yield return LogicalSlice.Whole(OneBitPrefix(i) + key, tensor);
    }

    // Keys of what codecs keep have a part after the bucket's name.
    const string ScaleKey = "scale";

    string CodecPrefix => string.Create(CultureInfo.InvariantCulture, $"codec/{World.Rank} of {World.Size}/");

    string GradientPrefix => CodecPrefix + "gradients/";

    /// <summary>What this rank holds of an optimizer's state, under <c>optimizer/</c>, the optimizer's number, the parameter's name and the slot's.</summary>
    /// <param name="optimizer">One of <see cref="CreateOptimizer"/>.</param>
    /// <param name="number">Its number among the run's.</param>
    /// <param name="state">Its <see cref="IParameterUpdater.CaptureState"/>.</param>
    public IEnumerable<LogicalSlice> OptimizerSlices(IParameterUpdater optimizer, int number, OptimizerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var owners = Owners(optimizer);
        foreach (var (key, tensor) in state.Tensors)
        {
            var parameter = owners[key[..key.LastIndexOf('/')]];
            yield return tensor.shape.SequenceEqual(parameter.Shape) || !_context.DividesUpdates || parameter.Piece is null
                ? LogicalSlice.Whole(Key(number, key), tensor)
                : new(Key(number, key), parameter.Shape, parameter.Piece.Start, tensor.detach().view(-1));
        }
    }

    /// <summary>Takes over parameters and buffers from a checkpoint of any world size, stage and precision. All ranks call it.</summary>
    /// <exception cref="CheckpointException">Something is missing, of another size, or damaged.</exception>
    public void LoadModel(ShardedCheckpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ObjectDisposedException.ThrowIf(_disposed, this);
        using var none = no_grad();
        using var scope = NewDisposeScope();
        foreach (var buffer in _units.SelectMany(u => u.Buffers))
        {
            using var shard = buffer.OpenShard(changes: true);
            if (!buffer.IsDivided)
                foreach (var parameter in buffer.Parameters) Read(checkpoint, parameter, 0, parameter.Real);
            else
                foreach (var piece in buffer.Pieces) Read(checkpoint, buffer.Parameters[piece.Entry], piece.Start, buffer.Shard.narrow(0, piece.OffsetInSlice, piece.NumElements));
            buffer.ShardChanged();
        }
        foreach (var (name, buffer) in Module.named_buffers())
        {
            var values = buffer.contiguous();
            checkpoint.Read($"{ModelStem}/{name}", 0, values, convert: true);
            if (!ReferenceEquals(values, buffer)) buffer.copy_(values);
        }
        if (Strategy.GradientCodec != GradientCodec.None && Owed(checkpoint, GradientPrefix) is { Count: > 0 } owed)
        {
            owed.Remove(ScaleKey, out var scale);
            _context.Gradients.LoadTensors(owed);
            _context.Gradients.Rescale(GradientScale / scale!.item<double>());
        }
        for (var i = 0; i < _oneBit.Count; i++)
            if (Owed(checkpoint, OneBitPrefix(i)) is { Count: > 0 } mine) _oneBit[i].LoadTensors(mine);
    }

    static Dictionary<string, Tensor> Owed(ShardedCheckpoint checkpoint, string prefix) =>
        checkpoint.Tensors.Where(t => t.Name.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(t => t.Name[prefix.Length..], t => checkpoint.Read(t.Name), StringComparer.Ordinal);

    string OneBitPrefix(int number) => string.Create(CultureInfo.InvariantCulture, $"{CodecPrefix}1-bit Adam {number}/");

    /// <summary>Takes over an optimizer's state from a checkpoint of any world size and stage. All ranks call it.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="optimizer">One of <see cref="CreateOptimizer"/>.</param>
    /// <param name="number">Its number among the run's.</param>
    /// <param name="scalars">Its numbers, as they were saved.</param>
    /// <exception cref="CheckpointException">Something is missing, of another size, or damaged.</exception>
    /// <exception cref="OptimizerStateMismatchException">It is another optimizer's.</exception>
    public void LoadOptimizer(ShardedCheckpoint checkpoint, IParameterUpdater optimizer, int number, OptimizerScalars scalars)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(scalars);
        using var none = no_grad();
        using var scope = NewDisposeScope();
        var prefix = Key(number, "");
        var tensors = new List<(string, Tensor)>();
        var owners = Owners(optimizer);
        foreach (var saved in checkpoint.Tensors.Where(t => t.Name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            var key = saved.Name[prefix.Length..];
            if (!owners.TryGetValue(key[..key.LastIndexOf('/')], out var parameter) || !_context.DividesUpdates || _reducer is null || !saved.Shape.SequenceEqual(parameter.Shape))
            {
                tensors.Add((key, checkpoint.Read(saved.Name)));
                continue;
            }
            if (parameter.Piece is not { } piece) continue;
            var part = empty(piece.Values.NumberOfElements, saved.ScalarType ?? ScalarType.Float32);
            checkpoint.Read(saved.Name, piece.Start, part);
            tensors.Add((key, part));
        }
        optimizer.LoadState(new OptimizerState(scalars, tensors));
    }

    Dictionary<string, ShardedParameter> Owners(IParameterUpdater optimizer) =>
        optimizer.Groups.SelectMany(g => g.Parameters).ToDictionary(p => p.Key, p => _byHandle[p.Value.Handle], StringComparer.Ordinal);

    void Read(ShardedCheckpoint checkpoint, ShardedParameter parameter, long start, Tensor destination)
    {
        var name = $"{ModelStem}/{parameter.Name}";
        if (checkpoint.Find(name) is { } saved && !saved.Shape.SequenceEqual(parameter.Shape))
            throw new CheckpointException(checkpoint.Path, $"\"{name}\" is {saved}, but the model's is [{string.Join(", ", parameter.Shape)}].");
        checkpoint.Read(name, start, destination, convert: true);
    }

    static string Key(int number, string key) => string.Create(CultureInfo.InvariantCulture, $"{OptimizerStem}/{number}/{key}");
}
