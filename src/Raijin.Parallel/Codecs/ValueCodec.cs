namespace Raijin.Parallel;

/// <summary>Fp32 values in fewer bits. What is coded depends on the values alone, not on the machine's registers or threads.</summary>
abstract class ValueCodec
{
    /// <summary>Bytes that <paramref name="count"/> values take, exactly.</summary>
    public abstract long CodedBytes(long count);

    /// <summary>Codes values.</summary>
    /// <param name="values">[parts × n].</param>
    /// <param name="parts">Each part can be decoded alone.</param>
    /// <param name="coded">[parts × <see cref="CodedBytes"/>(n)].</param>
    public abstract void Encode(ReadOnlySpan<float> values, int parts, Span<byte> coded);

    /// <summary>Codes values and leaves in their place what the codes do not say: value - decoded. Where that is not finite, it leaves 0.</summary>
    /// <inheritdoc cref="Encode"/>
    public abstract void EncodeKeepingErrors(Span<float> values, int parts, Span<byte> coded);

    /// <summary>Decodes one part, times <paramref name="factor"/>.</summary>
    /// <param name="coded">[<see cref="CodedBytes"/>(n)].</param>
    /// <param name="values">[n].</param>
    /// <param name="factor">Multiplies the scale of the codes.</param>
    /// <param name="add">Add to what is there.</param>
    public abstract void Decode(ReadOnlySpan<byte> coded, Span<float> values, float factor, bool add);
}
