using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// One parameter of a sweep. Where parameter and gradient lie is asked of libtorch anew at each visit (some 25 ns): a moved parameter or a
/// replaced gradient is seen, and the threads share the asking.
/// </summary>
unsafe struct SweepTensor
{
    /// <summary>The parameter, an <c>at::Tensor*</c> that its owner keeps alive.</summary>
    public nint Handle;

    /// <summary>Elements the sweep was planned for.</summary>
    public long Count;

    /// <summary>The state, dense host memory; null before it is made.</summary>
    public float* S0;
    public float* S1;
    public float* S2;

    /// <summary>fp32 weights of a bf16 parameter.</summary>
    public float* Master;

    /// <summary>Which coefficients apply (<see cref="UpdateKernel.Prepare"/>).</summary>
    public int Coefficients;

    /// <summary>Whether a visit updates the parameter, or only finds out about its gradient.</summary>
    public bool Updates;

    /// <summary>What the last pass found; written by every visitor of the pass, all with the same value.</summary>
    public GradientFinding Found;

    // The gradient as the owner found it, where threads other than the owner's cannot ask.
    HostMemoryKind _gradientKind;
    HostMemory _gradient;

    /// <summary>Asks for the gradient now, on platforms where it is reached through the managed wrapper.</summary>
    public void AskAhead(Tensor parameter) => _gradientKind = GradientAccess.Inspect(parameter, out _gradient);

    /// <summary>The gradient, when there is one that kernels can read.</summary>
    public bool TryFindGradient(out HostMemory gradient)
    {
        (var kind, gradient) = (_gradientKind, _gradient);
        if (GradientAccess.IsDirect) kind = GradientAccess.Inspect(Handle, out gradient);
        Found = kind == HostMemoryKind.None ? GradientFinding.None
            : kind == HostMemoryKind.Dense && IsKernelType(gradient.DType) && gradient.NumElements == Count ? GradientFinding.Usable
            : GradientFinding.Other;
        return Found == GradientFinding.Usable;
    }

    /// <summary>Gradient, parameter and state, when kernels can work on all of them.</summary>
    public bool TryFindAll(out KernelTensor tensor)
    {
        tensor = default;
        if (!TryFindGradient(out var gradient)) return false;
        if (TensorAccess.Inspect(Handle, out var memory) != HostMemoryKind.Dense || !IsKernelType(memory.DType) || memory.NumElements != Count)
        {
            Found = GradientFinding.Other;
            return false;
        }

        tensor.Gradient = (void*)gradient.Data;
        tensor.GradientIsBFloat16 = gradient.DType == ScalarType.BFloat16;
        tensor.Rounded = memory.DType == ScalarType.BFloat16 ? (ushort*)memory.Data : null;
        tensor.Weights = tensor.Rounded == null ? (float*)memory.Data : Master;
        tensor.S0 = S0;
        tensor.S1 = S1;
        tensor.S2 = S2;
        tensor.Coefficients = Coefficients;
        return true;
    }

    static bool IsKernelType(ScalarType dtype) => dtype is ScalarType.Float32 or ScalarType.BFloat16;
}

/// <summary>What a pass found behind a parameter.</summary>
enum GradientFinding : byte
{
    /// <summary>No gradient.</summary>
    None,

    /// <summary>A gradient, and kernels can work on it.</summary>
    Usable,

    /// <summary>A gradient, but its or the parameter's layout, device or dtype needs libtorch's operators.</summary>
    Other,
}
