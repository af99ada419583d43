using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>How a <see cref="FusedOptimizer"/> runs. No option changes what it computes.</summary>
public sealed record FusedOptimizerOptions
{
    /// <summary>Threads that share one step, the caller included; at least 1.</summary>
    /// <value>Default null: as many as libtorch's operators use (<see cref="torch.get_num_threads"/>) when the optimizer is made.</value>
    public int? Threads { get; init; }

    /// <summary>Update CPU parameters through libtorch's operators too, instead of Raijin's kernels: slower, for comparison.</summary>
    /// <value>Default false.</value>
    public bool UseLibtorchOnly { get; init; }

    /// <summary>fp32 values, by parameter name, that masters of half-precision parameters start from: the weights before they were rounded. Borrowed until each parameter's first update.</summary>
    /// <value>Default null: masters start from the parameters themselves.</value>
    public IReadOnlyDictionary<string, Tensor>? Masters { get; init; }

    /// <summary>Whether a parameter group may have no parameters: a rank's share of a group may be none.</summary>
    /// <value>Default false.</value>
    public bool AllowEmptyGroups { get; init; }

    /// <summary>
    /// Where state is laid instead of in memory of the optimizer's own: flat, contiguous fp32 host memory, filled in the order in which parameters get their state, each slot on a multiple of
    /// <see cref="StateMemoryAlignment"/> elements. What lies there may be moved away between steps, as long as it is back at the same place for the next one. Borrowed.
    /// </summary>
    /// <value>Default null. All parameters must be contiguous host ones of fp32, bf16 or fp16 then.</value>
    public Tensor? StateMemory { get; init; }

    /// <summary>
    /// Where parameters are parts of tensors and the algorithm scales steps by norms of whole ones (<see cref="Lamb"/>, <see cref="Lars"/>): called once in each step, to add up over all parts.
    /// </summary>
    /// <value>Default null: parameters are whole. Parameters must be updated by Raijin's kernels: contiguous host ones of fp32 or bf16.</value>
    public SumOverParts? SumOverParts { get; init; }

    /// <summary>Slots in <see cref="StateMemory"/> begin on multiples of so many elements: pages, which files are read and written by.</summary>
    public const int StateMemoryAlignment = 1024;
}

/// <summary>Replaces sums over parts of tensors by sums over the whole ones.</summary>
/// <param name="names">The parameters, in the order of their groups.</param>
/// <param name="sums">Two sums of squares for each: of its weights, and of what its step goes along. 0 for one that is not updated.</param>
public delegate void SumOverParts(IReadOnlyList<string> names, Span<double> sums);
