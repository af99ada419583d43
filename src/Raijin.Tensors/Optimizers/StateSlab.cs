using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Makes optimizer state. The fp32 state of all host parameters lies in one block, on 2 MB pages where the system grants them: the update
/// streams through it with few misses of the address cache. Elsewhere each slot is a tensor of its own, laid out like its parameter.
/// </summary>
static class StateSlab
{
    // Slots begin on cache lines.
    const int Alignment = 16;

    /// <summary>Gives every parameter its slots, at their initial values and returns the block, which the caller owns besides them.</summary>
    public static Tensor Allocate(IReadOnlyList<OptimizedParameter> parameters, OptimizerAlgorithm algorithm)
    {
        using var _ = no_grad();
        var dense = parameters.Where(InSlab).ToList();
        foreach (var parameter in parameters.Except(dense))
            parameter.SetSlots([.. parameter.SlotNames(algorithm).Select(slot => Separate(parameter, algorithm, slot))]);

        var total = dense.Sum(p => p.SlotNames(algorithm).Sum(slot => Padded(Count(p.SlotShape(algorithm, slot)))));
        // Plain SGD keeps nothing: its parameters get an empty set of slots.
        var slab = empty(total, ScalarType.Float32).DetachFromDisposeScope();
        HugePages.Advise(slab);
        long offset = 0;
        foreach (var parameter in dense)
        {
            var slots = new List<Tensor>();
            foreach (var name in parameter.SlotNames(algorithm))
            {
                var shape = parameter.SlotShape(algorithm, name);
                using var range = slab.narrow(0, offset, Count(shape));
                var slot = range.view(shape).DetachFromDisposeScope();
                slots.Add(slot.fill_(algorithm.InitialValue(name)));
                offset += Padded(Count(shape));
            }

            parameter.SetSlots([.. slots]);
        }

        return slab;
    }

    static bool InSlab(OptimizedParameter parameter) =>
        parameter.Tensor.device_type == DeviceType.CPU && parameter.Tensor.is_contiguous()
        && (parameter.Tensor.dtype == ScalarType.Float32 || parameter.HasMaster);

    static Tensor Separate(OptimizedParameter parameter, OptimizerAlgorithm algorithm, string slot)
    {
        var dtype = parameter.HasMaster ? ScalarType.Float32 : parameter.Tensor.dtype;
        var shape = parameter.SlotShape(algorithm, slot);
        var value = algorithm.InitialValue(slot);
        return (shape.SequenceEqual(parameter.Tensor.shape)
            ? full_like(parameter.Tensor, value, dtype: dtype, requires_grad: false)
            : full(shape, value, dtype, parameter.Tensor.device)).DetachFromDisposeScope();
    }

    static long Count(long[] shape)
    {
        var count = 1L;
        foreach (var size in shape) count *= size;
        return count;
    }

    static long Padded(long count) => (count + Alignment - 1) / Alignment * Alignment;
}
