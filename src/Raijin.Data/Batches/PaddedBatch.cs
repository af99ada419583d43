using static TorchSharp.torch;

namespace Raijin;

/// <summary>Rows of different length, filled up to the longest: what <see cref="Collate.Pad"/> makes.</summary>
/// <param name="Inputs">The rows, [B, L], from the left; behind the end of a row the padding value.</param>
/// <param name="Lengths">Elements of each row, [B] int64, on the host when collated.</param>
/// <param name="Mask">True where an element is a row's own, [B, L] bool.</param>
public sealed record PaddedBatch(Tensor Inputs, Tensor Lengths, Tensor Mask) : IBatch<PaddedBatch>
{
    /// <inheritdoc/>
    public int Count => checked((int)Inputs.size(0));

    /// <inheritdoc/>
    public PaddedBatch Map(Func<Tensor, Tensor> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return new(map(Inputs), map(Lengths), map(Mask));
    }
}
