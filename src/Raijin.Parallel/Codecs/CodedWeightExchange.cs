using Raijin.Collectives;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Parallel;

// Cost: an all-gather of size × CodedBytes(n): 8 bits and a scale for each block, half of bf16 weights and a quarter of fp32 ones.

/// <summary>
/// Weights cross as codes: ZeRO++'s qwZ. Every rank computes with the decoded values, its own slice among them: ranks never differ. What they hold and update stays exact.
/// </summary>
/// <param name="group">The ranks that hold the slices.</param>
/// <param name="codec">How values are coded.</param>
sealed class CodedWeightExchange(Group group, ValueCodec codec) : WeightExchange
{
    readonly Staging _staging = new(group);

    /// <inheritdoc/>
    public override Group Group => group;

    /// <inheritdoc/>
    public override long BytesOf(Tensor full) => codec.CodedBytes(full.NumberOfElements / group.Size) * group.Size;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The slice lies in the whole: decoding would overwrite what is exact.</exception>
    public override PendingExchange AllGather(Tensor slice, Tensor full)
    {
        RefuseOverlap(slice, full);
        var count = slice.NumberOfElements;
        var bytes = codec.CodedBytes(count);
        var (mine, all) = (_staging.Rent(bytes), _staging.Rent(bytes * group.Size));
        using (var none = no_grad())
        using (var wide = slice.to(ScalarType.Float32))
        using (var values = Staging.Open(wide))
        using (var coded = Staging.Open(mine))
            codec.Encode(values.Span<float>(), 1, coded.Bytes);
        return new StagedExchange(group.AllGatherAsync(mine, all), [], Decode, () =>
        {
            _staging.Return(mine);
            _staging.Return(all);
        });

        void Decode()
        {
            using var none = no_grad();
            using var wide = full.dtype == ScalarType.Float32 ? full.alias() : zeros(full.NumberOfElements, ScalarType.Float32);
            using (var coded = Staging.Open(all))
            using (var values = Staging.Open(wide))
            {
                for (var rank = 0; rank < group.Size; rank++)
                    codec.Decode(coded.ByteSlice(rank * bytes, (int)bytes), values.Slice<float>(rank * count, (int)count), 1, add: false);
            }
            if (full.dtype != ScalarType.Float32) full.copy_(wide);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _staging.Dispose();
    }

    static void RefuseOverlap(Tensor slice, Tensor full)
    {
        if (TensorAccess.TryGetHostMemory(slice, out var part) && TensorAccess.TryGetHostMemory(full, out var whole)
            && part.Data < whole.Data + (nint)(full.NumberOfElements * full.ElementSize) && whole.Data < part.Data + (nint)(slice.NumberOfElements * slice.ElementSize))
            throw new ArgumentException("Coded weights can't be gathered over the slice they come from: it would lose its exact values. Weights are coded where slices are held apart (stage 3).", nameof(slice));
    }
}
