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
        var names = algorithm.Slots;
        var dense = parameters.Where(InSlab).ToList();
        foreach (var parameter in parameters.Except(dense))
            parameter.SetSlots([.. parameter.SlotNames(algorithm).Select(slot => Separate(parameter, algorithm, slot))]);

        var total = dense.Sum(p => Padded(p.Tensor.numel()) * p.SlotNames(algorithm).Count());
        // Plain SGD keeps nothing: its parameters get an empty set of slots.
        var slab = empty(total, ScalarType.Float32).DetachFromDisposeScope();
        HugePages.Advise(slab);
        long offset = 0;
        foreach (var parameter in dense)
        {
            var slots = new List<Tensor>();
            foreach (var name in parameter.SlotNames(algorithm))
            {
                using var range = slab.narrow(0, offset, parameter.Tensor.numel());
                var slot = range.view(parameter.Tensor.shape).DetachFromDisposeScope();
                slots.Add(slot.fill_(algorithm.InitialValue(name)));
                offset += Padded(parameter.Tensor.numel());
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
        return full_like(parameter.Tensor, algorithm.InitialValue(slot), dtype: dtype, requires_grad: false).DetachFromDisposeScope();
    }

    static long Padded(long count) => (count + Alignment - 1) / Alignment * Alignment;
}
