using System.Collections;
using Raijin.Parallel;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>A parameter or a buffer as far as this rank has it.</summary>
/// <param name="Name">Its name in the model.</param>
/// <param name="Shape">The dimensions of the whole tensor.</param>
/// <param name="Start">The first element this rank has, counted over the whole tensor.</param>
/// <param name="Values">The elements: in the tensor's shape where this rank has all of it, else flat.</param>
/// <param name="IsDivided">Whether other ranks have the rest of it; else every rank has all of it.</param>
/// <param name="IsBuffer">Whether it is a buffer, of which each rank has its own.</param>
readonly record struct ModelPart(string Name, IReadOnlyList<long> Shape, long Start, Tensor Values, bool IsDivided, bool IsBuffer)
{
    /// <summary>This rank's part of a tensor that goes beside it, for a checkpoint that all ranks write.</summary>
    /// <param name="name">The tensor's own name, stem and all.</param>
    /// <param name="beside">As many elements as <see cref="Values"/>.</param>
    public LogicalSlice Slice(string name, Tensor beside) => new(name, Shape, Start, beside.detach().contiguous().view(-1));
}

/// <summary>A model's parameters and buffers as far as this rank has them: views of the values in training, for what is kept beside them element by element.</summary>
sealed class ModelParts : IReadOnlyList<ModelPart>, IDisposable
{
    readonly List<ModelPart> _parts = [];
    readonly ShardedModel? _sharded;
    readonly bool _isUpdated;

    ModelParts(Module module, ShardedModel? sharded, bool isUpdated)
    {
        (_sharded, _isUpdated) = (sharded, isUpdated);
        using var none = no_grad();
        using var scope = NewDisposeScope();
        if (sharded is null)
        {
            // A parameter that two modules hold is one.
            foreach (var (name, parameter) in module.named_parameters().DistinctBy(p => p.parameter.Handle)) Add(name, parameter.shape, 0, parameter.detach(), isDivided: false);
        }
        else
        {
            foreach (var slice in isUpdated ? sharded.UpdatedParameters() : sharded.HeldParameters())
                Add(slice.Name, slice.Shape, slice.Start, slice.Values.NumberOfElements == Elements(slice.Shape) ? slice.Values.view([.. slice.Shape]) : slice.Values, sharded.IsDivided(slice.Name, isUpdated));
        }
        var state = module.state_dict();
        foreach (var (name, buffer) in module.named_buffers())
            if (state.ContainsKey(name)) Add(name, buffer.shape, 0, buffer.detach(), isDivided: false, isBuffer: true);
    }

    /// <summary>What this rank holds between steps.</summary>
    public static ModelParts Held(Module module, ShardedModel? sharded) => new(module, sharded, isUpdated: false);

    /// <summary>What this rank updates: what is kept beside these is divided as the optimizers' state is. After writing them, <see cref="Share"/>.</summary>
    public static ModelParts Updated(Module module, ShardedModel? sharded) => new(module, sharded, isUpdated: true);

    public int Count => _parts.Count;

    public ModelPart this[int index] => _parts[index];

    /// <summary>Makes what was written everyone's. Every rank calls it.</summary>
    public void Share()
    {
        if (_isUpdated) _sharded?.ShareUpdated();
        else _sharded?.PartsChanged();
    }

    /// <summary>Adds up numbers that each rank counted over parts that are divided, in place. Every rank calls it.</summary>
    public void Sum(Tensor numbers) => _sharded?.SumOverParts(numbers);

    public IEnumerator<ModelPart> GetEnumerator() => _parts.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        foreach (var part in _parts) part.Values.Dispose();
        _parts.Clear();
    }

    void Add(string name, IReadOnlyList<long> shape, long start, Tensor values, bool isDivided, bool isBuffer = false) =>
        _parts.Add(new(name, shape, start, values.DetachFromDisposeScope(), isDivided, isBuffer));

    static long Elements(IReadOnlyList<long> shape) => shape.Aggregate(1L, (product, size) => product * size);
}
