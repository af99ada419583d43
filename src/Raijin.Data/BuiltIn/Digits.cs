using System.Runtime.InteropServices;
using Raijin.Data;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>
/// Handwritten digits as 8 × 8 images: 1,797 samples of 10 classes, part of the library. The UCI "optical recognition of handwritten
/// digits" set (its test part, 13 writers), CC BY 4.0.
/// </summary>
public static class Digits
{
    const int Side = 8;
    const float InkOfPixel = 16;

    /// <summary>Loads the set: inputs [1797, 64] float32 from 0 (paper) to 1 (ink), row-major 8 × 8; labels [1797] int64, 0 to 9.</summary>
    public static LabeledDataset Load()
    {
        using var scope = TensorScope.Open();
        var images = Resource("digits-images.idx");  // [1797, 8, 8] uint8, 0 to 16
        var labels = Resource("digits-labels.idx");  // [1797] uint8
        var inputs = empty([images.size(0), Side * Side], ScalarType.Float32);
        var pixels = images.bytes;
        var target = MemoryMarshal.Cast<byte, float>(inputs.bytes);
        // Not by ops: these would be the first parallel ones of a program, and waking the threads takes longer than the work.
        for (var i = 0; i < target.Length; i++) target[i] = pixels[i] / InkOfPixel;
        return new LabeledDataset(inputs, labels.to(ScalarType.Int64));
    }

    static Tensor Resource(string name)
    {
        using var stream = typeof(Digits).Assembly.GetManifestResourceStream(name)!;
        return IdxReader.Read(stream, name);
    }
}
