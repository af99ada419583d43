using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>Shapes in messages.</summary>
static class ShapeText
{
    /// <summary>A tensor's shape and dtype.</summary>
    public static string Of(Tensor tensor) => $"{Of(HostTensor.Sizes(tensor))} {tensor.dtype}";

    /// <summary>A shape.</summary>
    public static string Of(ReadOnlySpan<long> sizes) => $"[{string.Join(", ", sizes.ToArray())}]";
}
