using Raijin.Collectives;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>
/// Memory in which coded values cross, used again and again. All ranks rent and return in the same order, as the group's allocations demand: returns stand where all ranks wait for the same exchange.
/// </summary>
sealed class Staging(Group group) : IDisposable
{
    readonly Dictionary<long, Stack<Tensor>> _free = [];
    readonly List<Tensor> _all = [];

    /// <summary>Bytes allocated.</summary>
    public long Bytes => _all.Sum(t => t.NumberOfElements);

    /// <summary>[bytes] UInt8 of undefined content.</summary>
    public Tensor Rent(long bytes)
    {
        if (_free.TryGetValue(bytes, out var free) && free.TryPop(out var tensor)) return tensor;
        tensor = group.Allocate(bytes, ScalarType.Byte).DetachFromDisposeScope();
        _all.Add(tensor);
        return tensor;
    }

    /// <summary>Gives it back.</summary>
    public void Return(Tensor tensor)
    {
        if (!_free.TryGetValue(tensor.NumberOfElements, out var free)) _free.Add(tensor.NumberOfElements, free = new());
        free.Push(tensor);
    }

    /// <summary>Frees all of it.</summary>
    public void Dispose()
    {
        foreach (var tensor in _all) tensor.Dispose();
        _all.Clear();
        _free.Clear();
    }

    /// <summary>The values of a flat fp32 host tensor.</summary>
    public static HostTensor Open(Tensor tensor) =>
        HostTensor.TryOpen(tensor, out var view) ? view : throw new NotSupportedException($"Codecs work on dense host memory, not on {tensor.device}: use WeightCodec.None and GradientCodec.None there.");
}
