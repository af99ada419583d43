using static TorchSharp.torch;

namespace Raijin;

/// <summary>Samples without labels, as one tensor.</summary>
/// <param name="Inputs">The samples, [B, …], any dtype.</param>
public sealed record TensorBatch(Tensor Inputs) : IBatch<TensorBatch>
{
    /// <inheritdoc/>
    public int Count => checked((int)Inputs.size(0));

    /// <inheritdoc/>
    public TensorBatch Map(Func<Tensor, Tensor> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return new(map(Inputs));
    }
}
