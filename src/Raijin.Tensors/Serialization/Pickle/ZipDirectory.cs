using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Raijin.Tensors;

// The part of the zip format that torch.save writes: entries stored as they are, sizes in the central directory, 64-bit ones in its extra fields.
// Invariant: the ranges of the entries lie in the file, before the directory, and do not overlap; names are unique. So nothing can grow when it is read: what is compressed is refused.

/// <summary>An entry of a zip archive: bytes of the file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Offset">Where its bytes begin, from the start of the file.</param>
/// <param name="Bytes">How many they are.</param>
/// <param name="Crc32">Their checksum.</param>
readonly record struct ZipEntry(string Name, long Offset, long Bytes, uint Crc32);

/// <summary>Reads the directory of a zip archive without compression.</summary>
static class ZipDirectory
{
    const uint EndSignature = 0x06054b50;
    const uint End64Signature = 0x06064b50;
    const uint Locator64Signature = 0x07064b50;
    const uint EntrySignature = 0x02014b50;
    const uint LocalSignature = 0x04034b50;
    const int EndBytes = 22;
    const int End64Bytes = 56;
    const int Locator64Bytes = 20;
    const int EntryBytes = 46;
    const int LocalBytes = 30;
    const int LongestComment = ushort.MaxValue;
    const long MaxDirectoryBytes = 256 << 20;
    const ushort Encrypted = 1;
    const ushort Extra64 = 1;

    /// <summary>The entries by name.</summary>
    /// <exception cref="PickleException">It is damaged, compressed, encrypted, or its entries overlap.</exception>
    public static Dictionary<string, ZipEntry> Read(SafeFileHandle file, long fileBytes, string path, int maxEntries)
    {
        var (count, directoryBytes, directoryOffset) = ReadEnd(file, fileBytes, path);
        if (count > maxEntries) PickleException.Throw(path, $"it announces {count} entries; at most {maxEntries} are read.", directoryOffset);
        var directory = Bytes(file, directoryOffset, (int)directoryBytes, path);
        var entries = new Dictionary<string, ZipEntry>(StringComparer.Ordinal);
        var ranges = new List<(long Start, long End, string Name)>();
        var at = 0;
        for (var i = 0L; i < count; i++)
        {
            var record = directory.AsSpan(at);
            if (record.Length < EntryBytes || U32(record, 0) != EntrySignature) PickleException.Throw(path, $"entry {i} of its directory is not there: it is damaged.", directoryOffset + at);
            var (nameBytes, extraBytes, commentBytes) = (U16(record, 28), U16(record, 30), U16(record, 32));
            var length = EntryBytes + nameBytes + extraBytes + commentBytes;
            if (record.Length < length) PickleException.Throw(path, $"entry {i} of its directory is cut short: it is damaged.", directoryOffset + at);
            var name = Encoding.UTF8.GetString(record.Slice(EntryBytes, nameBytes));
            if ((U16(record, 8) & Encrypted) != 0) PickleException.Throw(path, $"its entry \"{name}\" is encrypted.", directoryOffset + at);
            var method = U16(record, 10);
            if (method != 0) PickleException.Throw(path, $"its entry \"{name}\" is compressed (method {method}), which files of tensors are not: unpack it, or save it again.", directoryOffset + at);
            ulong stored = U32(record, 20), size = U32(record, 24), offset = U32(record, 42);
            ReadExtra64(record.Slice(EntryBytes + nameBytes, extraBytes), ref size, ref stored, ref offset);
            if (stored != size) PickleException.Throw(path, $"its entry \"{name}\" has {size} bytes, but {stored} are stored: it is damaged.", directoryOffset + at);
            if (offset > (ulong)directoryOffset || (ulong)directoryOffset - offset < LocalBytes) PickleException.Throw(path, $"its entry \"{name}\" begins at {offset}, which is not before the directory at {directoryOffset}.", directoryOffset + at);

            var header = Bytes(file, (long)offset, LocalBytes, path);
            if (U32(header, 0) != LocalSignature) PickleException.Throw(path, $"its entry \"{name}\" is not where the directory says: it is damaged.", (long)offset);
            var data = (long)offset + LocalBytes + U16(header, 26) + U16(header, 28);
            if (data > directoryOffset || size > (ulong)(directoryOffset - data)) PickleException.Throw(path, $"its entry \"{name}\" has {size} bytes from {data}, but its directory begins at {directoryOffset}.", (long)offset);
            if (!entries.TryAdd(name, new ZipEntry(name, data, (long)size, U32(record, 16)))) PickleException.Throw(path, $"its entry \"{name}\" is there twice.", directoryOffset + at);
            ranges.Add(((long)offset, data + (long)size, name));
            at += length;
        }

        ranges.Sort();
        for (var i = 1; i < ranges.Count; i++)
            if (ranges[i].Start < ranges[i - 1].End) PickleException.Throw(path, $"its entries \"{ranges[i - 1].Name}\" and \"{ranges[i].Name}\" overlap.", ranges[i].Start);
        return entries;
    }

    static (long Count, long Bytes, long Offset) ReadEnd(SafeFileHandle file, long fileBytes, string path)
    {
        if (fileBytes < EndBytes) PickleException.Throw(path, $"it has {fileBytes} bytes, no zip archive is that short.");
        var tailBytes = (int)Math.Min(fileBytes, EndBytes + LongestComment);
        var tail = Bytes(file, fileBytes - tailBytes, tailBytes, path);
        var at = tailBytes - EndBytes;
        while (at >= 0 && !(U32(tail, at) == EndSignature && U16(tail, at + 20) == tailBytes - at - EndBytes)) at--;
        if (at < 0) PickleException.Throw(path, "its directory is not at its end: it is truncated, or was not written to the end.", fileBytes);
        var end = fileBytes - tailBytes + at;
        ulong count = U16(tail, at + 10), bytes = U32(tail, at + 12), offset = U32(tail, at + 16);
        var last = end;
        if (count == ushort.MaxValue || bytes == uint.MaxValue || offset == uint.MaxValue)
        {
            if (end < Locator64Bytes + End64Bytes) PickleException.Throw(path, "its 64-bit directory is missing: it is damaged.", end);
            var locator = Bytes(file, end - Locator64Bytes, Locator64Bytes, path);
            var end64 = BinaryPrimitives.ReadUInt64LittleEndian(locator.AsSpan(8));
            if (U32(locator, 0) != Locator64Signature || end64 > (ulong)(end - Locator64Bytes - End64Bytes)) PickleException.Throw(path, "its 64-bit directory is missing: it is damaged.", end);
            var record = Bytes(file, (long)end64, End64Bytes, path);
            if (U32(record, 0) != End64Signature) PickleException.Throw(path, "its 64-bit directory is missing: it is damaged.", (long)end64);
            count = BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(32));
            bytes = BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(40));
            offset = BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(48));
            last = (long)end64;
        }

        if (offset > (ulong)last || bytes > (ulong)last - offset) PickleException.Throw(path, $"its directory of {bytes} bytes at {offset} is not inside it: it is damaged.", end);
        if (bytes > MaxDirectoryBytes || count > bytes / EntryBytes) PickleException.Throw(path, $"its directory of {bytes} bytes cannot hold the {count} entries it announces, or is too large.", end);
        return ((long)count, (long)bytes, (long)offset);
    }

    static void ReadExtra64(ReadOnlySpan<byte> extra, ref ulong size, ref ulong stored, ref ulong offset)
    {
        while (extra.Length >= 4)
        {
            var length = U16(extra, 2);
            if (length > extra.Length - 4) return;
            var field = extra.Slice(4, length);
            if (U16(extra, 0) == Extra64)
            {
                // Only what does not fit its 32-bit field is here, in this order.
                Take(ref field, ref size);
                Take(ref field, ref stored);
                Take(ref field, ref offset);
                return;
            }

            extra = extra[(4 + length)..];
        }

        static void Take(ref ReadOnlySpan<byte> field, ref ulong value)
        {
            if (value != uint.MaxValue || field.Length < sizeof(ulong)) return;
            value = BinaryPrimitives.ReadUInt64LittleEndian(field);
            field = field[sizeof(ulong)..];
        }
    }

    static byte[] Bytes(SafeFileHandle file, long offset, int count, string path)
    {
        var bytes = new byte[count];
        for (var done = 0; done < count;)
        {
            var read = RandomAccess.Read(file, bytes.AsSpan(done), offset + done);
            if (read == 0) PickleException.Throw(path, "it was cut short while it was read.", offset + done);
            done += read;
        }

        return bytes;
    }

    static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
