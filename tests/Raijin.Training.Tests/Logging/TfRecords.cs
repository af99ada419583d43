using System.Buffers.Binary;
using Tensorboard;

namespace Raijin.Training.Tests.Logging;

/// <summary>
/// Reads event files with nothing of what writes them: frames and checksums by their description, events by the protocol buffer classes generated from
/// TensorFlow's own definitions, which TorchSharp carries.
/// </summary>
static class TfRecords
{
    /// <summary>All events of a file; fails at a wrong checksum, and at bytes left over.</summary>
    public static List<Event> Read(string path)
    {
        var bytes = File.ReadAllBytes(path).AsSpan();
        var events = new List<Event>();
        while (bytes.Length > 0)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            Assert.Equal(Mask(Crc(bytes[..8])), BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]));
            var data = bytes.Slice(12, length);
            Assert.Equal(Mask(Crc(data)), BinaryPrimitives.ReadUInt32LittleEndian(bytes[(12 + length)..]));
            events.Add(Event.Parser.ParseFrom(data.ToArray()));
            bytes = bytes[(16 + length)..];
        }
        return events;
    }

    /// <summary>What TensorBoard shows of a folder: files in the order of their names, a session start dropping what came before at its step and later.</summary>
    public static List<(string Tag, long Step, float Value)> Scalars(string folder)
    {
        var shown = new List<(string Tag, long Step, float Value)>();
        foreach (var e in Directory.GetFiles(folder, "events.out.tfevents.*").Order(StringComparer.Ordinal).SelectMany(Read))
        {
            if (e.SessionLog?.Status == SessionLog.Types.SessionStatus.Start) shown.RemoveAll(s => s.Step >= e.Step);
            if (e.Summary is null) continue;
            foreach (var value in e.Summary.Value.Where(v => v.ValueCase == Tensorboard.Summary.Types.Value.ValueOneofCase.SimpleValue)) shown.Add((value.Tag, e.Step, value.SimpleValue));
        }
        return shown;
    }

    /// <summary>CRC-32C by division, a bit at a time.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = 0xFFFFFFFFu;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78 : crc >> 1;
        }
        return crc ^ 0xFFFFFFFF;
    }

    static uint Mask(uint crc) => unchecked((crc >> 15 | crc << 17) + 0xa282ead8);

    /// <summary>A protocol buffer message as field numbers and values: varints and fixed numbers as bits, the rest as bytes.</summary>
    public static ILookup<int, object> Fields(byte[] message)
    {
        var fields = new List<(int Field, object Value)>();
        var at = 0;
        while (at < message.Length)
        {
            var tag = Varint();
            object value = (tag & 7) switch
            {
                0 => Varint(),
                1 => BitConverter.Int64BitsToDouble(BinaryPrimitives.ReadInt64LittleEndian(Take(8))),
                2 => Take((int)Varint()).ToArray(),
                5 => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadInt32LittleEndian(Take(4))),
                var type => throw new InvalidDataException($"wire type {type}"),
            };
            fields.Add(((int)(tag >> 3), value));
        }
        return fields.ToLookup(f => f.Field, f => f.Value);

        long Varint()
        {
            var (value, shift) = (0L, 0);
            while (true)
            {
                var b = message[at++];
                value |= (long)(b & 0x7F) << shift;
                if (b < 0x80) return value;
                shift += 7;
            }
        }

        ReadOnlySpan<byte> Take(int count)
        {
            at += count;
            return message.AsSpan(at - count, count);
        }
    }
}
