using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>A run of elements of a logical tensor, as one rank holds it.</summary>
/// <param name="Name">
/// The tensor's name, the same on every rank, whatever divides it: a stem and a name, as <c>model/layer1.weight</c> or <c>optimizer/0/layer1.weight/exp_avg</c>.
/// </param>
/// <param name="Shape">The dimensions of the whole tensor.</param>
/// <param name="Start">The first element of the run, counted row-major over the whole tensor.</param>
/// <param name="Values">The elements, one dimension, contiguous; borrowed until the save returns. Their dtype is the tensor's.</param>
public readonly record struct LogicalSlice(string Name, IReadOnlyList<long> Shape, long Start, Tensor Values)
{
    /// <summary>A tensor that a rank holds whole.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="tensor">Contiguous; borrowed. The slice's values are a view of it, which the open scope owns.</param>
    public static LogicalSlice Whole(string name, Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return new(name, tensor.shape, 0, tensor.detach().view(-1));
    }
}

/// <summary>A tensor of a checkpoint, whatever ranks wrote it.</summary>
/// <param name="Name">Its stem and name.</param>
/// <param name="Dtype">The safetensors name of its element type.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Ranges">Where its elements are, in their order, without gap or overlap.</param>
public sealed record LogicalTensor(string Name, string Dtype, IReadOnlyList<long> Shape, IReadOnlyList<StoredRange> Ranges)
{
    /// <summary>The file it goes to in a checkpoint of one rank: the part of the name before the first slash.</summary>
    public string Stem => Name[..Name.IndexOf('/', StringComparison.Ordinal)];

    /// <summary>The name without the stem.</summary>
    public string Key => Name[(Name.IndexOf('/', StringComparison.Ordinal) + 1)..];

    /// <summary>libtorch's element type, or none when the file's type has no counterpart here.</summary>
    public ScalarType? ScalarType => SafetensorsDtype.ToScalarType(Dtype);

    /// <summary>How many elements it has.</summary>
    public long NumElements => Shape.Aggregate(1L, static (product, size) => product * size);

    /// <summary>How many bytes they are.</summary>
    public long Bytes => NumElements * SafetensorsDtype.ElementBytes(Dtype);

    /// <summary>Such as <c>[64, 784] F32</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Shape)}] {Dtype}";
}

/// <summary>Elements of a logical tensor in a file.</summary>
/// <param name="File">The file's name in the checkpoint's folder.</param>
/// <param name="Key">The name there.</param>
/// <param name="Start">The first element, counted over the whole tensor.</param>
/// <param name="Count">How many.</param>
/// <param name="Xxh3">XxHash3 of their bytes, 16 hexadecimal digits; null in a checkpoint of one rank, whose files have their own.</param>
public sealed record StoredRange(string File, string Key, long Start, long Count, string? Xxh3);
