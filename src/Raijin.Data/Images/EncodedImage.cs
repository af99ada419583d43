// What of a JPEG is not wanted is not computed, as far as the format allows: rows above the wanted box are only entropy-decoded, rows below
// it not at all, columns beside it neither transformed nor converted. The two pixels of margin are for the chroma of the box's edge, which
// is interpolated with its neighbours: with them the box has, bit for bit, the pixels of a full decoding.

using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace Raijin.Data;

/// <summary>Decoded pixels: a part of an image, at a scale. The array is rented from the shared pool and the receiver's.</summary>
/// <param name="Pixels">Row-major, at least Width × Height.</param>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="Left">Where the wanted box begins in it, in its pixels.</param>
/// <param name="Top">Where the wanted box begins in it, in its pixels.</param>
/// <param name="Scale">Its pixels for each of the image's, either way.</param>
readonly record struct DecodedPart(Rgb[] Pixels, int Width, int Height, double Left, double Top, double Scale);

/// <summary>An image file whose header was read. Upright: sizes and boxes are those after the EXIF orientation was applied.</summary>
sealed class EncodedImage : IDisposable
{
    const int ChromaMargin = 2;

    readonly string _name;
    readonly ImageReadOptions _options;
    readonly SKData _data;
    readonly SKCodec _codec;
    readonly Orientation _orientation;

    EncodedImage(string name, ImageReadOptions options, ReadOnlySpan<byte> bytes)
    {
        (_name, _options) = (name, options);
        if (bytes.IsEmpty) throw new ImageException(name, "the file is empty. Remove it or fetch it again.");
        if (JpegEnd.IsMissing(bytes))
            throw new ImageException(name, $"the JPEG is cut off: its {bytes.Length} bytes have no end-of-image mark. Fetch it again.");
        _data = SKData.CreateCopy(bytes);
        var codec = SKCodec.Create(new SKMemoryStream(_data), out var result);
        if (codec is null)
        {
            _data.Dispose();
            var head = Convert.ToHexString(bytes[..Math.Min(8, bytes.Length)]);
            throw new ImageException(name, result == SKCodecResult.IncompleteInput
                ? $"the image is cut off within its header, after {bytes.Length} bytes. Fetch it again."
                : $"this is not a JPEG, PNG, WebP, BMP or GIF that can be read; it begins with {head}. Remove or convert it.");
        }
        _codec = codec;
        var info = codec.Info;
        if ((long)info.Width * info.Height > options.MaxPixels)
        {
            Dispose();
            throw new ImageException(name, string.Create(CultureInfo.InvariantCulture,
                $"the header says {info.Width} × {info.Height} pixels; up to {options.MaxPixels} are allowed. Raise {nameof(ImageReadOptions)}.{nameof(ImageReadOptions.MaxPixels)} if it is to be trusted."));
        }
        _orientation = new Orientation(codec.EncodedOrigin);
        (Width, Height) = _orientation.Swaps ? (info.Height, info.Width) : (info.Width, info.Height);
    }

    public int Width { get; }

    public int Height { get; }

    public static EncodedImage Read(string path, ImageReadOptions options)
    {
        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var length = RandomAccess.GetLength(file);
        if (length > Array.MaxLength) throw new ImageException(path, string.Create(CultureInfo.InvariantCulture, $"the file has {length} bytes; up to {Array.MaxLength} can be read. Convert it."));
        var bytes = ArrayPool<byte>.Shared.Rent((int)length);
        try
        {
            var read = 0;
            while (read < length && RandomAccess.Read(file, bytes.AsSpan(read, (int)length - read), read) is var more and > 0) read += more;
            return new(path, options, bytes.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    public static EncodedImage Of(ReadOnlySpan<byte> bytes, string name, ImageReadOptions options) => new(name, options, bytes);

    /// <summary>Decodes what a placement needs of the image.</summary>
    public DecodedPart Decode(in Placement placement)
    {
        var part = Needed(placement);
        var encoded = _orientation.ToEncoded(part, Width, Height);
        var eighths = Eighths(placement);
        var decoded = eighths < 8 ? DecodeWhole(_codec.GetScaledDimensions(eighths / 8f))
            : encoded == new Box(0, 0, _codec.Info.Width, _codec.Info.Height) || _codec.EncodedFormat != SKEncodedImageFormat.Jpeg ? DecodeWhole(_codec.Info.Size)
            : DecodeBox(encoded);
        return Upright(decoded, placement.Source, eighths / 8.0);
    }

    // What the window needs of the source box: with a resize all rows and columns that some output pixel looks at.
    static Box Needed(in Placement placement)
    {
        if (!placement.Resamples) return placement.Source;
        var (box, window) = (placement.Source, placement.Window);
        var (left, right) = Taps.Range(box.Width, placement.Width, window.Left, window.Right);
        var (top, bottom) = Taps.Range(box.Height, placement.Height, window.Top, window.Bottom);
        return new(box.Left + left, box.Top + top, right - left, bottom - top);
    }

    // The least of 1/8, 2/8, 4/8 that still has every pixel that is asked for, or 8/8.
    int Eighths(in Placement placement)
    {
        if (!_options.ScaledDecoding || _codec.EncodedFormat != SKEncodedImageFormat.Jpeg) return 8;
        var (wide, high) = (placement.Source.Width / placement.Width, placement.Source.Height / placement.Height);
        return Math.Min(wide, high) switch { >= 8 => 1, >= 4 => 2, >= 2 => 4, _ => 8 };
    }

    (Rgb[] Pixels, Box Part, SKSizeI Of) DecodeWhole(SKSizeI size)
    {
        var info = Info(size);
        var pixels = ArrayPool<Rgb>.Shared.Rent(size.Width * size.Height);
        var pin = GCHandle.Alloc(pixels, GCHandleType.Pinned);
        try
        {
            var result = _codec.GetPixels(info, pin.AddrOfPinnedObject());
            if (result != SKCodecResult.Success) throw Bad(result);
            return (pixels, new(0, 0, size.Width, size.Height), size);
        }
        catch (ImageException)
        {
            ArrayPool<Rgb>.Shared.Return(pixels);
            throw;
        }
        finally
        {
            pin.Free();
        }
    }

    (Rgb[] Pixels, Box Part, SKSizeI Of) DecodeBox(Box box)
    {
        var size = _codec.Info.Size;
        var (left, right) = (Math.Max(0, box.Left - ChromaMargin), Math.Min(size.Width, box.Right + ChromaMargin));
        var part = new Box(left, box.Top, right - left, box.Height);
        var pixels = ArrayPool<Rgb>.Shared.Rent(part.Width * part.Height);
        var pin = GCHandle.Alloc(pixels, GCHandleType.Pinned);
        try
        {
            var columns = new SKRectI(left, 0, right, size.Height);
            var result = _codec.StartScanlineDecode(Info(size), new SKCodecOptions(columns));
            if (result != SKCodecResult.Success) throw Bad(result);
            if ((part.Top > 0 && !_codec.SkipScanlines(part.Top))
                || _codec.GetScanlines(pin.AddrOfPinnedObject(), part.Height, part.Width * 4) < part.Height)
                throw Bad(SKCodecResult.IncompleteInput);
            return (pixels, part, size);
        }
        catch (ImageException)
        {
            ArrayPool<Rgb>.Shared.Return(pixels);
            throw;
        }
        finally
        {
            pin.Free();
        }
    }

    // Colours as the file has them: no conversion between colour spaces, no multiplication by the transparency, which is dropped.
    SKImageInfo Info(SKSizeI size) => new(
        size.Width, size.Height, SKColorType.Rgba8888, _codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul);

    DecodedPart Upright((Rgb[] Pixels, Box Part, SKSizeI Of) decoded, Box wanted, double scale)
    {
        var (pixels, part, of) = decoded;
        var (width, height) = (part.Width, part.Height);
        var upright = _orientation.ToUpright(part, of.Width, of.Height);
        if (!_orientation.IsUpright)
        {
            var turned = ArrayPool<Rgb>.Shared.Rent(width * height);
            _orientation.Turn(pixels, width, height, turned);
            ArrayPool<Rgb>.Shared.Return(pixels);
            pixels = turned;
        }
        var (fullWidth, fullHeight) = _orientation.Swaps ? (of.Height, of.Width) : (of.Width, of.Height);
        // A scaled image ends with the pixel that its last column is in: where columns run backwards the rest of that comes first.
        var left = wanted.Left * scale - upright.Left + (_orientation.BackwardsX ? fullWidth - Width * scale : 0);
        var top = wanted.Top * scale - upright.Top + (_orientation.BackwardsY ? fullHeight - Height * scale : 0);
        return new(pixels, upright.Width, upright.Height, left, top, scale);
    }

    ImageException Bad(SKCodecResult result) => new(_name, result switch
    {
        SKCodecResult.IncompleteInput => "the image is cut off: its data ends before its last row. Fetch it again.",
        SKCodecResult.ErrorInInput => "the image is damaged: its data does not decode. Fetch it again.",
        _ => $"the image does not decode ({result}). Remove or convert it.",
    });

    public void Dispose()
    {
        _codec.Dispose();
        _data.Dispose();
    }
}
