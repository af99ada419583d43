using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>What is asked of the tensors that samples come in.</summary>
static class SampleTensor
{
    /// <summary>Float64 and Float32 as they are; narrower floats, integers and bools as Float32.</summary>
    public static Tensor Floating(Tensor values) => values.dtype is ScalarType.Float64 or ScalarType.Float32 ? values : values.to(ScalarType.Float32);

    /// <summary>The distance of 1 to the next number of the tensor's dtype.</summary>
    public static double Epsilon(Tensor values) => values.dtype == ScalarType.Float64 ? double.BitIncrement(1) - 1 : float.BitIncrement(1) - 1;

    /// <summary>x^power where x is positive, else 0 with a gradient of 0 (a root's own would be infinite there); NaN stays NaN.</summary>
    public static Tensor PositivePower(Tensor x, double power)
    {
        if (power == 1) return x.relu();
        var none = x.le(0);
        return where(none, 0.0, where(none, 1.0, x).pow(power));
    }

    /// <summary>Refuses weights that are not [B].</summary>
    public static void CheckWeights(Tensor? weights, long samples)
    {
        if (weights is not null && HostTensor.Sizes(weights) is var sizes && !(sizes.Length == 1 && sizes[0] == samples))
            ShapeMismatchException.Throw("weights", $"[{samples}], one a sample", ShapeText.Of(weights));
    }

    /// <summary>Whether values have an imaginary part.</summary>
    public static bool IsComplex(Tensor values)
    {
        TensorGuard.ThrowIfFreed(values);
        return values.dtype is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;
    }

    /// <summary>Refuses tensors that are complex or of different shapes.</summary>
    public static void CheckReal(Tensor predictions, Tensor targets)
    {
        if (IsComplex(predictions)) ShapeMismatchException.Throw("predictions", "real numbers", ShapeText.Of(predictions));
        if (IsComplex(targets)) ShapeMismatchException.Throw("targets", "real numbers", ShapeText.Of(targets));
        CheckAlike(predictions, targets);
    }

    /// <summary>Refuses tensors of different shapes.</summary>
    public static void CheckAlike(Tensor predictions, Tensor targets)
    {
        if (!HostTensor.Sizes(predictions).SequenceEqual(HostTensor.Sizes(targets)))
            ShapeMismatchException.Throw("predictions", $"the targets' shape {ShapeText.Of(targets)}", ShapeText.Of(predictions));
    }
}
