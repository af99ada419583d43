using Raijin.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>What one rank can know to be wrong before it disturbs the others: such an error leaves the group as it was.</summary>
public sealed partial class Group
{
    /// <returns>The bytes of the tensor.</returns>
    long CheckFlat(Tensor tensor, string name)
    {
        TensorGuard.ThrowIfFreed(tensor, name);
        if (tensor.dim() != 1 || !tensor.is_contiguous())
            ShapeMismatchException.Throw(name, "a flat tensor: one dimension, contiguous", Shape(tensor), "Give tensor.view(-1) of a contiguous one.");
        var device = Transport == TransportKind.Nccl ? DeviceType.CUDA : DeviceType.CPU;
        if (tensor.device_type != device)
            throw new ArgumentException($"{name} is on {tensor.device}, but group {Name} moves what is on {device} ({Transport}): move it there first.", name);
        return tensor.NumberOfElements * Bytes(tensor.dtype, name);

        static string Shape(Tensor tensor) => $"[{string.Join(", ", tensor.shape)}]{(tensor.is_contiguous() ? "" : ", not contiguous")}";
    }

    /// <returns>The bytes that cross.</returns>
    long CheckFlat(Tensor tensor, string name, ref ScalarType? wire)
    {
        var bytes = CheckFlat(tensor, name);
        if (wire == tensor.dtype) wire = null;
        if (wire is not { } narrow) return bytes;
        if (tensor.dtype != ScalarType.Float32 || narrow is not (ScalarType.BFloat16 or ScalarType.Float16))
            throw new ArgumentException($"{name} is {tensor.dtype} and can't cross as {narrow}: only Float32 crosses in another type, as BFloat16 or Float16.", nameof(wire));
        return tensor.NumberOfElements * 2;
    }

    static int Bytes(ScalarType dtype, string name) => dtype switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        ScalarType.Int8 or ScalarType.Byte or ScalarType.Bool => 1,
        _ => throw new ArgumentException($"{name} is {dtype}, which does not cross between ranks: convert it to a real type.", name),
    };

    static void CheckOp(Tensor buffer, string name, ReduceOp op)
    {
        if (buffer.dtype == ScalarType.Bool) throw new ArgumentException($"{name} is Bool, which is not reduced: convert it to Byte; the largest is then any, the smallest all.", name);
        if (op == ReduceOp.Mean && !buffer.is_floating_point())
            throw new ArgumentException($"A mean of {buffer.dtype} has no exact result: reduce by sum, or convert {name} to a floating type.", nameof(op));
        if (op > ReduceOp.Product) throw new ArgumentOutOfRangeException(nameof(op), op, "No such reduction.");
    }

    void CheckParts(Tensor whole, Tensor part, string wholeName, string partName, IReadOnlyList<long>? counts)
    {
        if (whole.dtype != part.dtype) throw new ArgumentException($"{wholeName} is {whole.dtype}, but {partName} is {part.dtype}: they must be of one type.", partName);
        CheckCounts(whole, wholeName, counts);
        var expected = counts is null ? whole.NumberOfElements / Size : counts[Rank];
        if (part.NumberOfElements != expected)
            throw new ArgumentException($"{partName} of rank {Rank} of {Size} has {part.NumberOfElements} elements, but its share of the {whole.NumberOfElements} of {wholeName} is {expected}.", partName);
    }

    void CheckExchange(Tensor input, Tensor output, IReadOnlyList<long>? inputCounts, IReadOnlyList<long>? outputCounts)
    {
        if (ReferenceEquals(input, output)) throw new ArgumentException("An all-to-all does not work in place: give an output of its own.", nameof(output));
        if (input.dtype != output.dtype) throw new ArgumentException($"input is {input.dtype}, but output is {output.dtype}: they must be of one type.", nameof(output));
        CheckCounts(input, nameof(input), inputCounts);
        CheckCounts(output, nameof(output), outputCounts);
        var (kept, got) = (inputCounts?[Rank] ?? (input.NumberOfElements / Size), outputCounts?[Rank] ?? (output.NumberOfElements / Size));
        if (kept != got) throw new ArgumentException($"Rank {Rank} gives itself {kept} elements, but takes {got} from itself.", nameof(outputCounts));
    }

    void CheckCounts(Tensor whole, string name, IReadOnlyList<long>? counts)
    {
        if (counts is null)
        {
            if (whole.NumberOfElements % Size != 0)
                throw new ArgumentException($"{whole.NumberOfElements} elements of {name} are not divisible among {Size} ranks of group {Name}: give the counts, or pad.", name);
            return;
        }
        long sum = 0;
        var fits = counts.Count == Size;
        for (var r = 0; fits && r < counts.Count; r++)
        {
            fits = counts[r] >= 0 && counts[r] <= whole.NumberOfElements - sum;
            sum += counts[r];
        }
        if (!fits || sum != whole.NumberOfElements)
            throw new ArgumentException($"The counts [{string.Join(", ", counts)}] do not divide the {whole.NumberOfElements} elements of {name} among {Size} ranks of group {Name}.", nameof(counts));
    }

    void CheckPeer(int peer, string name)
    {
        if (peer < 0 || peer >= Size) throw new ArgumentOutOfRangeException(name, peer, $"Group {Name} has ranks 0 to {Size - 1}.");
    }

    void CheckPartner(int peer, string name)
    {
        CheckPeer(peer, name);
        if (peer == Rank) throw new ArgumentException($"Rank {Rank} can't exchange a message with itself: copy the tensor.", name);
    }

    void CheckRootTensor(Tensor? tensor, string name, int root)
    {
        if ((tensor is not null) != (Rank == root))
            throw new ArgumentException($"Rank {Rank} is {(Rank == root ? "the root and gives no" : $"not the root (that is {root}) and gives an")} {name}: it is the root's alone.", name);
    }
}
