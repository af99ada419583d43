using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>One parameter with what the optimizer keeps for it.</summary>
sealed class OptimizedParameter(string name, Parameter tensor, ParameterGroup group) : IDisposable
{
    /// <summary>Name of the slot that holds the fp32 master of a bf16 or fp16 parameter; the last one.</summary>
    public const string MasterSlot = "master";

    readonly long[] _shape = tensor.shape;
    Tensor[] _slots = [];

    public string Name { get; } = name;

    public Parameter Tensor { get; } = tensor;

    public ParameterGroup Group { get; } = group;

    /// <summary>How many updates it has had: a parameter without gradient is passed over.</summary>
    public long Updates { get; set; }

    /// <summary>What the updates so far left behind besides the slots.</summary>
    public Carried Carried { get; set; }

    /// <summary>What a rule is told about the coming update.</summary>
    public UpdateScalars Scalars => new(Group.LearningRate, Group.WeightDecay, Updates + 1, Group.Momentum) { Carried = Carried };

    /// <summary>Whether libtorch's operators update it wherever it lies (<see cref="OptimizerAlgorithm.NeedsOperators"/>).</summary>
    public bool NeedsOperators { get; init; }

    public bool HasMaster { get; } = tensor.dtype is ScalarType.BFloat16 or ScalarType.Float16;

    /// <summary>Whether <see cref="SetSlots"/> was called.</summary>
    public bool HasSlots { get; private set; }

    /// <summary>The state, in the order of <see cref="SlotNames"/>.</summary>
    public IReadOnlyList<Tensor> Slots => _slots;

    /// <summary>Where dense host slots begin, in the same order; 0 for others.</summary>
    public nint[] SlotAddresses { get; private set; } = [];

    /// <summary>The slots' names: the algorithm's, and behind them the master's where there is one.</summary>
    public IEnumerable<string> SlotNames(OptimizerAlgorithm algorithm) => HasMaster ? AlgorithmSlots(algorithm).Append(MasterSlot) : AlgorithmSlots(algorithm);

    /// <summary>The slots of the algorithm alone.</summary>
    public IReadOnlyList<string> AlgorithmSlots(OptimizerAlgorithm algorithm) => algorithm.SlotsOf(Name, _shape);

    /// <summary>The shape of a slot.</summary>
    public long[] SlotShape(OptimizerAlgorithm algorithm, string slot) => slot == MasterSlot ? _shape : algorithm.SlotShape(slot, _shape);

    /// <summary>Takes the slots over; they never move again.</summary>
    public void SetSlots(Tensor[] slots)
    {
        _slots = slots;
        SlotAddresses = [.. slots.Select(slot => TensorAccess.TryGetHostMemory(slot, out var memory) ? memory.Data : 0)];
        HasSlots = true;
    }

    public void Dispose()
    {
        foreach (var slot in _slots) slot.Dispose();
        _slots = [];
        SlotAddresses = [];
        HasSlots = false;
    }
}
