using static TorchSharp.torch;

namespace Raijin;

/// <summary>What one step gets: some samples, as tensors whose dim 0 counts the samples.</summary>
/// <typeparam name="TSelf">The batch type itself, so that <see cref="Map"/> keeps its type.</typeparam>
/// <remarks>
/// Implement it with a record of tensors. A batch owns nothing: its tensors belong to the scope they were made in, and are freed when that
/// ends.
/// </remarks>
public interface IBatch<TSelf> where TSelf : IBatch<TSelf>
{
    /// <summary>Samples in this batch; the last batch of an epoch may hold fewer than the batch size.</summary>
    int Count { get; }

    /// <summary>
    /// The batch with <paramref name="map"/> applied to every tensor of it, each exactly once: to move it to a device, to change a dtype.
    /// </summary>
    TSelf Map(Func<Tensor, Tensor> map);
}
