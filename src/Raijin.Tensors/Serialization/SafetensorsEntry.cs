using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>One tensor of a safetensors file, as its header describes it.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Dtype">The format's own name of its element type: <c>F32</c>, <c>BF16</c>, <c>I64</c>, <c>BOOL</c> …</param>
/// <param name="Shape">Its dimensions; empty for a scalar.</param>
/// <param name="Offset">Where its bytes begin, from the start of the file.</param>
/// <param name="Bytes">How many they are: elements × element size.</param>
public sealed record SafetensorsEntry(string Name, string Dtype, IReadOnlyList<long> Shape, long Offset, long Bytes)
{
    /// <summary>libtorch's element type, or none when the file's type has no counterpart here (8-bit floats, unsigned 16 to 64 bits).</summary>
    public ScalarType? ScalarType => SafetensorsDtype.ToScalarType(Dtype);

    /// <summary>Such as <c>[64, 784] F32</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Shape)}] {Dtype}";
}
