using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Raijin.Data;

/// <summary>Writes interleaved pixels as the planes of a tensor, [C, H, W].</summary>
abstract class PlaneWriter
{
    const int Lanes = 8;

    public abstract int Channels { get; }

    public abstract ScalarType DType { get; }

    public abstract int ElementBytes { get; }

    /// <summary>Writes an image.</summary>
    /// <param name="target">The image's part of the batch: Channels × pixels elements.</param>
    public abstract void Write(ReadOnlySpan<Rgb> pixels, Span<byte> target);

    /// <summary>A writer of normalised float32, or of bytes where there is no rule.</summary>
    public static PlaneWriter Of(Normalize? normalize) => normalize is null ? new BytePlanes() : new Floats(normalize);

    sealed class BytePlanes : PlaneWriter
    {
        public override int Channels => 3;

        public override ScalarType DType => ScalarType.Byte;

        public override int ElementBytes => 1;

        public override void Write(ReadOnlySpan<Rgb> pixels, Span<byte> target)
        {
            var red = target[..pixels.Length];
            var green = target.Slice(pixels.Length, pixels.Length);
            var blue = target.Slice(2 * pixels.Length, pixels.Length);
            for (var i = 0; i < pixels.Length; i++) (red[i], green[i], blue[i]) = (pixels[i].R, pixels[i].G, pixels[i].B);
        }
    }

    sealed class Floats : PlaneWriter
    {
        readonly float[] _scale, _shift;

        public Floats(Normalize rule)
        {
            _scale = [.. rule.Deviation.Select(deviation => (float)(1 / (255.0 * deviation)))];
            _shift = [.. rule.Mean.Zip(rule.Deviation, (mean, deviation) => (float)(-(double)mean / deviation))];
        }

        public override int Channels => _scale.Length;

        public override ScalarType DType => ScalarType.Float32;

        public override int ElementBytes => sizeof(float);

        public override void Write(ReadOnlySpan<Rgb> pixels, Span<byte> target)
        {
            var floats = MemoryMarshal.Cast<byte, float>(target);
            if (_scale.Length == 1) WriteGrey(pixels, floats);
            else WriteColors(pixels, floats[..pixels.Length], floats.Slice(pixels.Length, pixels.Length), floats.Slice(2 * pixels.Length, pixels.Length));
        }

        void WriteColors(ReadOnlySpan<Rgb> pixels, Span<float> red, Span<float> green, Span<float> blue)
        {
            var words = MemoryMarshal.Cast<Rgb, uint>(pixels);
            var (scaleR, scaleG, scaleB) = (Vector256.Create(_scale[0]), Vector256.Create(_scale[1]), Vector256.Create(_scale[2]));
            var (shiftR, shiftG, shiftB) = (Vector256.Create(_shift[0]), Vector256.Create(_shift[1]), Vector256.Create(_shift[2]));
            var i = 0;
            for (; i + Lanes <= words.Length; i += Lanes)
            {
                ColorPass.Split(words.Slice(i, Lanes), out var r, out var g, out var b);
                (Vector256.ConvertToSingle(r) * scaleR + shiftR).CopyTo(red.Slice(i, Lanes));
                (Vector256.ConvertToSingle(g) * scaleG + shiftG).CopyTo(green.Slice(i, Lanes));
                (Vector256.ConvertToSingle(b) * scaleB + shiftB).CopyTo(blue.Slice(i, Lanes));
            }
            for (; i < pixels.Length; i++)
            {
                red[i] = pixels[i].R * _scale[0] + _shift[0];
                green[i] = pixels[i].G * _scale[1] + _shift[1];
                blue[i] = pixels[i].B * _scale[2] + _shift[2];
            }
        }

        void WriteGrey(ReadOnlySpan<Rgb> pixels, Span<float> grey)
        {
            for (var i = 0; i < pixels.Length; i++) grey[i] = ColorPass.Luma(pixels[i]) * _scale[0] + _shift[0];
        }
    }
}
