using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>A tensor's shape and dtype in a message.</summary>
static class ShapeText
{
    public static string Of(Tensor tensor) => $"[{string.Join(", ", HostTensor.Sizes(tensor).ToArray())}] {tensor.dtype}";
}
