using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Raijin.Tensors.Tests.Serialization.Pickles;

/// <summary>Pickles and archives written by hand, whole or wrong in one place.</summary>
static class TorchImage
{
    /// <summary>A pickle from pieces: texts are instructions as they are, bytes and numbers their arguments.</summary>
    public static byte[] Pickle(params object[] pieces)
    {
        var bytes = new List<byte>();
        foreach (var piece in pieces)
        {
            switch (piece)
            {
                case string text: bytes.AddRange(Encoding.Latin1.GetBytes(text)); break;
                case byte[] raw: bytes.AddRange(raw); break;
                case byte one: bytes.Add(one); break;
                case int number: bytes.AddRange(BitConverter.GetBytes(number)); break;
                case long number: bytes.AddRange(BitConverter.GetBytes(number)); break;
                default: throw new ArgumentException($"{piece.GetType()}");
            }
        }
        return [.. bytes];
    }

    /// <summary>A short text, as protocol 4 writes it.</summary>
    public static byte[] Text(string text) => [0x8c, (byte)Encoding.UTF8.GetByteCount(text), .. Encoding.UTF8.GetBytes(text)];

    /// <summary>A whole number.</summary>
    public static byte[] Number(long number) => [0x8a, 8, .. BitConverter.GetBytes(number)];

    /// <summary>A name of a module.</summary>
    public static byte[] Global(string module, string name) => Encoding.Latin1.GetBytes($"c{module}\n{name}\n");

    /// <summary>A tuple.</summary>
    public static byte[] Tuple(params byte[][] items) => [(byte)'(', .. items.SelectMany(i => i), (byte)'t'];

    /// <summary>A reference to a storage of floats.</summary>
    public static byte[] Storage(string key, long count, string type = "FloatStorage") => [.. Tuple(Text("storage"), Global("torch", type), Text(key), Text("cpu"), Number(count)), (byte)'Q'];

    /// <summary>A tensor over a storage.</summary>
    public static byte[] Tensor(byte[] storage, long offset, long[] shape, long[] strides) =>
    [
        .. Global("torch._utils", "_rebuild_tensor_v2"),
        .. Tuple(storage, Number(offset), Tuple([.. shape.Select(Number)]), Tuple([.. strides.Select(Number)]), [0x89], Global("collections", "OrderedDict"), [(byte)')', (byte)'R'])[..^3],
        (byte)')', (byte)'R', (byte)'t', (byte)'R',
    ];

    /// <summary>What torch.save would have made of the pickle and a storage "0" of eight floats.</summary>
    public static byte[] Archive(byte[] pickle) => Zip(("a/data.pkl", pickle), ("a/data/0", new byte[32]), ("a/version", "3\n"u8.ToArray()));

    /// <summary>A zip archive of stored entries.</summary>
    public static byte[] Zip(params (string Name, byte[] Content)[] entries) => Zip(static (_, _) => { }, entries);

    /// <summary>The same, with each record of the directory spoilt.</summary>
    public static byte[] Zip(Action<int, byte[]> change, params (string Name, byte[] Content)[] entries)
    {
        var file = new List<byte>();
        var directory = new List<byte>();
        foreach (var (i, (name, content)) in entries.Index())
        {
            var text = Encoding.UTF8.GetBytes(name);
            var record = new byte[46];
            BinaryPrimitives.WriteUInt32LittleEndian(record, 0x02014b50);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(16), Crc32.HashToUInt32(content));
            BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(20), content.Length);
            BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(24), content.Length);
            BinaryPrimitives.WriteInt16LittleEndian(record.AsSpan(28), (short)text.Length);
            BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(42), file.Count);
            change(i, record);
            directory.AddRange([.. record, .. text]);

            var header = new byte[30];
            BinaryPrimitives.WriteUInt32LittleEndian(header, 0x04034b50);
            BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(26), (short)text.Length);
            file.AddRange([.. header, .. text, .. content]);
        }

        var end = new byte[22];
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054b50);
        BinaryPrimitives.WriteInt16LittleEndian(end.AsSpan(10), (short)entries.Length);
        BinaryPrimitives.WriteInt32LittleEndian(end.AsSpan(12), directory.Count);
        BinaryPrimitives.WriteInt32LittleEndian(end.AsSpan(16), file.Count);
        return [.. file, .. directory, .. end];
    }
}
