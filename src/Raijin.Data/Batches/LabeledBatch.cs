using static TorchSharp.torch;

namespace Raijin;

/// <summary>Inputs and what they are labelled with.</summary>
/// <param name="Inputs">The samples, [B, …], any dtype.</param>
/// <param name="Labels">One label a sample: classes [B] int64, or regression targets [B, …].</param>
public sealed record LabeledBatch(Tensor Inputs, Tensor Labels) : IBatch<LabeledBatch>
{
    /// <inheritdoc/>
    public int Count => checked((int)Inputs.size(0));

    /// <inheritdoc/>
    public LabeledBatch Map(Func<Tensor, Tensor> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return new(map(Inputs), map(Labels));
    }
}
