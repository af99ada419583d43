using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Raijin's own kernels: fp32 and bf16 parameters in contiguous host memory with gradients of either type. It holds no tensor: every step asks
/// libtorch anew where parameters and gradients lie (some 20 ns each), so that a moved parameter or a replaced gradient is seen.
/// </summary>
sealed class KernelBackend : UpdateBackend
{
    readonly OptimizedParameter[] _parameters;
    readonly UpdateKernel _kernel;
    readonly TensorSweep _sweep;
    readonly int _threads;
    readonly List<(ParameterGroup Group, long Updates)> _coefficients = [];
    int _taken;

    public KernelBackend(OptimizedParameter[] parameters, OptimizerAlgorithm algorithm, int threads)
    {
        _parameters = parameters;
        _kernel = algorithm.CreateKernel();
        _sweep = new(_kernel, [.. parameters.Select(p => p.Tensor.numel())]);
        _threads = threads;
    }

    public override void Begin()
    {
        _taken = 0;
        _sweep.Tensors.Clear();
    }

    public override unsafe Offer TryTake(int index, OptimizedParameter parameter)
    {
        var found = GradientAccess.Inspect(parameter.Tensor, out var gradient);
        if (found == HostMemoryKind.None) return Offer.NoGradient;
        if (found != HostMemoryKind.Dense || !IsKernelType(gradient.DType)) return Offer.Refused;
        if (TensorAccess.Inspect(parameter.Tensor.Handle, out var memory) != HostMemoryKind.Dense || !IsKernelType(memory.DType)) return Offer.Refused;
        if (memory.NumElements != _sweep.Count(index)) return Offer.Refused;

        ref var tensor = ref _sweep.Tensors[index];
        tensor.Gradient = (void*)gradient.Data;
        tensor.GradientIsBFloat16 = gradient.DType == ScalarType.BFloat16;
        if (memory.DType == ScalarType.Float32)
            tensor.Weights = (float*)memory.Data;
        else
            tensor.Rounded = (ushort*)memory.Data;
        _taken++;
        return Offer.Taken;
    }

    public override double SumOfSquares() => _taken == 0 ? 0 : _sweep.SumOfSquares(_threads);

    public override void Update(double gradientScale, double gradientBound)
    {
        if (_taken == 0) return;
        _coefficients.Clear();
        var tensors = _sweep.Tensors;
        for (var i = 0; i < tensors.Length; i++)
        {
            ref var tensor = ref tensors[i];
            if (!tensor.HasGradient) continue;
            tensor.Coefficients = Coefficients(_parameters[i]);
            BindSlots(ref tensor, _parameters[i]);
        }

        _kernel.GradientScale = (float)gradientScale;
        _kernel.GradientBound = (float)gradientBound;
        _sweep.Update(_threads);
    }

    unsafe void BindSlots(ref KernelTensor tensor, OptimizedParameter parameter)
    {
        var addresses = parameter.SlotAddresses;
        if (_kernel.Slots > 0) tensor.S0 = (float*)addresses[0];
        if (_kernel.Slots > 1) tensor.S1 = (float*)addresses[1];
        if (_kernel.Slots > 2) tensor.S2 = (float*)addresses[2];
        if (tensor.Rounded != null) tensor.Weights = (float*)addresses[^1];
    }

    // One set of coefficients per group and count of updates; nearly always one per group.
    int Coefficients(OptimizedParameter parameter)
    {
        var key = (parameter.Group, parameter.Updates);
        for (var i = _coefficients.Count - 1; i >= 0; i--)
            if (_coefficients[i] == key) return i;
        _coefficients.Add(key);
        _kernel.Prepare(_coefficients.Count - 1, new(parameter.Group.LearningRate, parameter.Group.WeightDecay, parameter.Updates + 1));
        return _coefficients.Count - 1;
    }

    static bool IsKernelType(ScalarType dtype) => dtype is ScalarType.Float32 or ScalarType.BFloat16;

    public override void Dispose() => _sweep.Dispose();
}
