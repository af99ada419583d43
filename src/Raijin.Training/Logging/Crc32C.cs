// CRC-32C (Castagnoli, RFC 3720 §12.1): polynomial 0x1EDC6F41, reflected, initial and final inversion. The processor has an instruction for it.

using System.Buffers.Binary;
using System.Numerics;

namespace Raijin.Training;

/// <summary>The checksum of TFRecord files.</summary>
static class Crc32C
{
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var value in bytes) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    /// <summary>Rotated and shifted, so that a checksum of data that holds checksums is not fooled by them.</summary>
    public static uint Masked(ReadOnlySpan<byte> bytes)
    {
        const uint Delta = 0xa282ead8;
        return BitOperations.RotateRight(Of(bytes), 15) + Delta;
    }
}
