// N samples, C channels (1 or 3), H × W pixels.

using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Raijin.Data;

/// <summary>The rows of a set of tensors as images: [N, C, H, W] bytes, or float32 from 0 to 1.</summary>
sealed class TensorImages : Dataset<LabeledImage>
{
    readonly TensorDataset<LabeledBatch> _rows;
    readonly int _channels, _height, _width;
    readonly bool _bytes;

    public TensorImages(TensorDataset<LabeledBatch> rows)
    {
        _rows = rows;
        if (rows.Count == 0) return;
        using var scope = TensorScope.Open();
        var (inputs, labels) = rows.Gather(0);
        if (inputs.shape is not [_, 1 or 3, > 0, > 0] || inputs.dtype is not (ScalarType.Byte or ScalarType.Float32) || inputs.device_type != TorchSharp.DeviceType.CPU)
            ShapeMismatchException.Throw(
                nameof(inputs), "[N, 1 or 3, H, W] Byte, or Float32 from 0 to 1, on the CPU", $"[{rows.Count}, {string.Join(", ", inputs.shape[1..])}] {inputs.dtype} on {inputs.device}",
                "Reshape the inputs to images, or give them before they are normalised.");
        if (labels.shape is not [_] || labels.dtype != ScalarType.Int64)
            ShapeMismatchException.Throw(nameof(labels), "[N] Int64, a class for each image", $"[{rows.Count}, {string.Join(", ", labels.shape[1..])}] {labels.dtype}");
        (_channels, _height, _width) = ((int)inputs.size(1), (int)inputs.size(2), (int)inputs.size(3));
        _bytes = inputs.dtype == ScalarType.Byte;
    }

    public override long Count => _rows.Count;

    protected internal override string Identity => _rows.Identity;

    public override LabeledImage Get(SampleRequest request)
    {
        using var scope = TensorScope.Open();
        var (inputs, labels) = _rows.Gather(request.Index);
        var image = new RgbImage(_width, _height);
        var pixels = image.Pixels;
        // Where green and blue begin: a grey image has one plane for all three.
        var (green, blue) = _channels == 1 ? (0, 0) : (pixels.Length, 2 * pixels.Length);
        if (_bytes)
        {
            ReadOnlySpan<byte> levels = inputs.bytes;
            for (var i = 0; i < pixels.Length; i++) pixels[i] = new(levels[i], levels[green + i], levels[blue + i]);
        }
        else
        {
            ReadOnlySpan<float> shares = MemoryMarshal.Cast<byte, float>(inputs.bytes);
            for (var i = 0; i < pixels.Length; i++) pixels[i] = new(Level(shares[i]), Level(shares[green + i]), Level(shares[blue + i]));
        }
        return new(image, labels.item<long>());
    }

    static byte Level(float value) => (byte)Math.Clamp(value * 255 + 0.5f, 0, 255);
}
