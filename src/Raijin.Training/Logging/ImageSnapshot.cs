// N images, C channels, H height, W width

using Raijin.Charts;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>Takes pixels out of a tensor, so that the step may go on and free it.</summary>
static class ImageSnapshot
{
    /// <summary>More images than this of a batch are left out.</summary>
    public const int MaxImages = 64;

    /// <param name="images">[C, H, W] or [N, C, H, W] with C of 1, 3 or 4; bytes, or floating from 0 to 1 (what lies outside is clamped); any device; borrowed.</param>
    /// <exception cref="ShapeMismatchException">It has other dims.</exception>
    public static ImageGrid Of(string key, Tensor images, int? columns)
    {
        TensorGuard.ThrowIfFreed(images);
        if (images.dim() is not (3 or 4) || images.shape[^3] is not (1 or 3 or 4))
            ShapeMismatchException.Throw(key, "images [C, H, W] or [N, C, H, W] with C of 1, 3 or 4", $"[{string.Join(", ", images.shape)}]", "Put the channels first.");
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var batch = images.detach();
        if (batch.dim() == 3) batch = batch.unsqueeze(0); // [N, C, H, W]
        if (batch.shape[0] > MaxImages) batch = batch.narrow(0, 0, MaxImages);
        if (batch.dtype != ScalarType.Byte) batch = batch.to(ScalarType.Float32).mul(255).round().clamp(0, 255).to(ScalarType.Byte);
        var host = batch.cpu().contiguous();
        return new ImageGrid(host.data<byte>().ToArray(), (int)host.shape[0], (int)host.shape[1], (int)host.shape[2], (int)host.shape[3]) { Columns = columns };
    }
}
