// idx, the format of MNIST:
//   0 0 type ndim | ndim × size, uint32 big-endian | the elements, row-major, big-endian
// Nothing is allocated before the sizes were held against the bytes that are there. A compressed file cannot be measured beforehand, but
// deflate gains at most a factor of 1032, so a header that promises more is refused as well.

using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Raijin.Data;

/// <summary>Reads idx files (the format of MNIST), raw or gzip-compressed, as tensors.</summary>
public static class IdxReader
{
    const int MaxDims = 8;
    const long MaxDeflateGain = 1032;

    /// <summary>Reads a file; whether it is compressed is told by its first bytes, not by its name.</summary>
    /// <returns>The elements, in the file's shape: uint8, int8, int16, int32, float32 or float64; owned by the caller's scope.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">Not an idx file, damaged, or shorter or longer than its header says.</exception>
    public static Tensor Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = File.OpenRead(path);
        return Read(file, path);
    }

    /// <summary>Reads an idx file from a stream.</summary>
    /// <param name="stream">The file from its beginning, raw or gzip-compressed; must be able to tell its length and seek.</param>
    /// <param name="name">What to call it in errors.</param>
    /// <inheritdoc cref="Read(string)" path="/returns"/>
    /// <inheritdoc cref="Read(string)" path="/exception[2]"/>
    public static Tensor Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Span<byte> magic = stackalloc byte[2];
        var length = stream.Length;
        var read = stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (read < magic.Length || magic[0] != 0x1f || magic[1] != 0x8b) return ReadRaw(stream, length, exact: true, name);

        using var inflated = new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);
        return ReadRaw(inflated, length * MaxDeflateGain, exact: false, name);
    }

    // available: bytes of the file, exact or at most.
    static Tensor ReadRaw(Stream stream, long available, bool exact, string name)
    {
        Span<byte> header = stackalloc byte[4 + 4 * MaxDims];
        Fill(stream, header[..4], name);
        if (header[0] != 0 || header[1] != 0)
            throw Bad(name, $"it begins with {Convert.ToHexString(header[..4])}, an idx file with 0000 (or 1f8b when compressed)");
        var dtype = TypeOf(header[2], name);
        int dims = header[3];
        if (dims is 0 or > MaxDims) throw Bad(name, $"its header says {dims} dims; 1 to {MaxDims} are expected");

        var sizes = header[4..(4 + 4 * dims)];
        Fill(stream, sizes, name);
        var shape = new long[dims];
        var bytes = (UInt128)ElementSize(dtype);
        for (var i = 0; i < dims; i++)
        {
            shape[i] = BinaryPrimitives.ReadUInt32BigEndian(sizes[(4 * i)..]);
            // Eight factors of 32 bits outgrow any integer, but a file of more than 2^62 bytes is refused before the next one.
            bytes *= (UInt128)shape[i];
            if (bytes > (UInt128)(1L << 62)) throw Bad(name, $"its header says [{string.Join(", ", shape[..(i + 1)])}, …], more than any file holds");
        }

        var there = available - 4 - 4 * dims;
        if (exact ? bytes != (UInt128)there : bytes > (UInt128)there)
        {
            var follow = exact ? $"{there} follow" : $"no more than {there} can follow";
            throw Bad(name, $"its header says [{string.Join(", ", shape)}] {dtype}, {bytes} bytes, but {follow}");
        }
        if (bytes > int.MaxValue) throw Bad(name, $"it holds {bytes} bytes; up to {int.MaxValue} are supported");

        using var scope = TensorScope.Open();
        var result = empty(shape, dtype);
        var elements = result.bytes;
        Fill(stream, elements, name);
        if (Read(stream, new byte[1], name) > 0) throw Bad(name, $"it goes on after the {bytes} bytes that its header says");
        if (BitConverter.IsLittleEndian) Reverse(elements, dtype);
        return scope.Keep(result);
    }

    static void Fill(Stream stream, Span<byte> bytes, string name)
    {
        var read = Read(stream, bytes, name);
        if (read < bytes.Length) throw Bad(name, $"it ends early: {read} bytes where {bytes.Length} are expected");
    }

    static int Read(Stream stream, Span<byte> bytes, string name)
    {
        try
        {
            return stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException error)
        {
            throw Bad(name, $"it does not decompress ({error.Message})");
        }
    }

    static ScalarType TypeOf(byte code, string name) => code switch
    {
        0x08 => ScalarType.Byte,
        0x09 => ScalarType.Int8,
        0x0B => ScalarType.Int16,
        0x0C => ScalarType.Int32,
        0x0D => ScalarType.Float32,
        0x0E => ScalarType.Float64,
        _ => throw Bad(name, $"its element type is 0x{code:x2}; known: 08 (uint8), 09 (int8), 0b (int16), 0c (int32), 0d (float32), 0e (float64)"),
    };

    static int ElementSize(ScalarType dtype) => dtype switch
    {
        ScalarType.Byte or ScalarType.Int8 => 1,
        ScalarType.Int16 => 2,
        ScalarType.Int32 or ScalarType.Float32 => 4,
        _ => 8,
    };

    static void Reverse(Span<byte> elements, ScalarType dtype)
    {
        switch (ElementSize(dtype))
        {
            case 2:
                var shorts = MemoryMarshal.Cast<byte, short>(elements);
                BinaryPrimitives.ReverseEndianness(shorts, shorts);
                break;
            case 4:
                var ints = MemoryMarshal.Cast<byte, int>(elements);
                BinaryPrimitives.ReverseEndianness(ints, ints);
                break;
            case 8:
                var longs = MemoryMarshal.Cast<byte, long>(elements);
                BinaryPrimitives.ReverseEndianness(longs, longs);
                break;
        }
    }

    static InvalidDataException Bad(string name, string why) => new($"{name} is not a whole idx file: {why}. Fetch the file again.");
}
