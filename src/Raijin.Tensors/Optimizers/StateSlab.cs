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

    /// <summary>Gives every parameter its slots, at their initial values, in memory that is there already.</summary>
    /// <param name="memory">fp32; borrowed.</param>
    /// <param name="used">Elements of it that are taken; grows.</param>
    /// <exception cref="NotSupportedException">A parameter's state cannot lie there.</exception>
    /// <exception cref="InvalidOperationException">It is too small.</exception>
    public static void Allocate(IReadOnlyList<OptimizedParameter> parameters, OptimizerAlgorithm algorithm, Tensor memory, ref long used)
    {
        using var _ = no_grad();
        if (parameters.FirstOrDefault(p => !InSlab(p)) is { } other)
            throw new NotSupportedException($"The state of parameter '{other.Name}' ({other.Tensor.dtype} on {other.Tensor.device}) can't lie in given memory: contiguous fp32, bf16 or fp16 on the host can.");
        var end = used + Total(parameters, algorithm, FusedOptimizerOptions.StateMemoryAlignment);
        if (end > memory.numel())
            throw new InvalidOperationException($"The state memory holds {memory.numel()} elements, but {end} are needed.");
        Lay(parameters, algorithm, memory, used, FusedOptimizerOptions.StateMemoryAlignment);
        used = end;
    }

    /// <summary>Gives every parameter its slots, at their initial values and returns the block, which the caller owns besides them.</summary>
    public static Tensor Allocate(IReadOnlyList<OptimizedParameter> parameters, OptimizerAlgorithm algorithm)
    {
        using var _ = no_grad();
        var dense = parameters.Where(InSlab).ToList();
        foreach (var parameter in parameters.Except(dense))
            parameter.SetSlots([.. parameter.SlotNames(algorithm).Select(slot => Separate(parameter, algorithm, slot))]);

        // Plain SGD keeps nothing: its parameters get an empty set of slots.
        var slab = empty(Total(dense, algorithm, Alignment), ScalarType.Float32).DetachFromDisposeScope();
        HugePages.Advise(slab);
        Lay(dense, algorithm, slab, 0, Alignment);
        return slab;
    }

    static void Lay(IReadOnlyList<OptimizedParameter> parameters, OptimizerAlgorithm algorithm, Tensor slab, long offset, int alignment)
    {
        foreach (var parameter in parameters)
        {
            var slots = new List<Tensor>();
            foreach (var name in parameter.SlotNames(algorithm))
            {
                var shape = parameter.SlotShape(algorithm, name);
                using var range = slab.narrow(0, offset, Count(shape));
                var slot = range.view(shape).DetachFromDisposeScope();
                slots.Add(slot.fill_(algorithm.InitialValue(name)));
                offset += Padded(Count(shape), alignment);
            }

            parameter.SetSlots([.. slots]);
        }
    }

    static long Total(IReadOnlyList<OptimizedParameter> parameters, OptimizerAlgorithm algorithm, int alignment) =>
        parameters.Sum(p => p.SlotNames(algorithm).Sum(slot => Padded(Count(p.SlotShape(algorithm, slot)), alignment)));

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

    static long Padded(long count, int alignment) => (count + alignment - 1) / alignment * alignment;
}
