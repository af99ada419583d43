using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Tensors;

// The order of the format's reference writer: wide elements first, then by name. So every tensor is aligned to its element size without padding
// (the data begins at a multiple of 8), and equal content is equal bytes whoever writes it.

/// <summary>A tensor that lies in pieces: one after another, flattened, they are its elements. Borrowed.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its dimensions, row-major over the pieces.</param>
/// <param name="Pieces">At least one, all of one dtype.</param>
public readonly record struct PiecewiseTensor(string Name, IReadOnlyList<long> Shape, IReadOnlyList<Tensor> Pieces);

/// <summary>Where each of a set of named tensors goes in a file, and the header that says so.</summary>
sealed class SafetensorsLayout
{
    /// <summary>The reference writer's order of element types, narrowest first.</summary>
    static readonly string[] Ranks = ["BOOL", "U8", "I8", "I16", "F16", "BF16", "I32", "F32", "C64", "F64", "I64"];

    static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    SafetensorsLayout(Item[] items, byte[] header)
    {
        Items = items;
        Header = header;
    }

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<Item> Items { get; }

    /// <summary>Length, JSON and padding.</summary>
    public byte[] Header { get; }

    /// <summary>Bytes of all tensors.</summary>
    public long DataBytes => Items is [.., var last] ? last.Offset + last.Bytes : 0;

    /// <summary>A tensor and its place, counted from the start of the data.</summary>
    internal readonly record struct Item(string Name, IReadOnlyList<Tensor> Pieces, string Dtype, long[] Shape, long Offset, long Bytes);

    /// <summary>Lays out tensors, which are borrowed.</summary>
    /// <exception cref="ArgumentException">A name is doubled or reserved, or the format has no such dtype.</exception>
    /// <exception cref="ObjectDisposedException">A tensor was freed.</exception>
    public static SafetensorsLayout Of(IReadOnlyCollection<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata) =>
        Of([.. tensors.Select(t => ItemOf(t.Key, null, [t.Value]))], metadata);

    /// <inheritdoc cref="Of(IReadOnlyCollection{KeyValuePair{string, Tensor}}, IReadOnlyDictionary{string, string})"/>
    public static SafetensorsLayout Of(IReadOnlyCollection<PiecewiseTensor> tensors, IReadOnlyDictionary<string, string>? metadata) =>
        Of([.. tensors.Select(t => ItemOf(t.Name, [.. t.Shape], t.Pieces))], metadata);

    static Item ItemOf(string name, long[]? shape, IReadOnlyList<Tensor> pieces)
    {
        foreach (var piece in pieces) TensorGuard.ThrowIfFreed(piece, name);
        var first = pieces[0];
        var dtype = SafetensorsDtype.FromScalarType(first.dtype)
            ?? throw new ArgumentException($"The tensor \"{name}\" is {first.dtype}, which the safetensors format does not have: convert it first.", nameof(pieces));
        var bytes = pieces.Sum(p => p.NumberOfElements) * first.ElementSize;
        if (shape is null) return new Item(name, pieces, dtype, first.shape, 0, bytes);

        var expected = shape.Aggregate(first.ElementSize, static (product, size) => checked(product * size));
        if (bytes != expected || pieces.Any(p => p.dtype != first.dtype))
            throw new ArgumentException($"The pieces of \"{name}\" are {bytes} bytes of {string.Join(", ", pieces.Select(p => p.dtype).Distinct())}, but [{string.Join(", ", shape)}] {dtype} takes {expected}.", nameof(pieces));
        return new Item(name, pieces, dtype, shape, 0, bytes);
    }

    static SafetensorsLayout Of(Item[] items, IReadOnlyDictionary<string, string>? metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { SafetensorsHeader.MetadataKey };
        foreach (var item in items)
            if (!names.Add(item.Name)) throw new ArgumentException($"Two tensors are named \"{item.Name}\", or the name is reserved: each needs its own.", nameof(items));

        Array.Sort(items, static (a, b) => Rank(b).CompareTo(Rank(a)) is var byType and not 0 ? byType : string.CompareOrdinal(a.Name, b.Name));
        var offset = 0L;
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = items[i] with { Offset = offset };
            offset += items[i].Bytes;
        }

        return new SafetensorsLayout(items, WriteHeader(items, metadata));
    }

    static int Rank(Item item) => Array.IndexOf(Ranks, item.Dtype);

    static byte[] WriteHeader(Item[] items, IReadOnlyDictionary<string, string>? metadata)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, WriterOptions))
        {
            writer.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                writer.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach (var (key, value) in metadata) writer.WriteString(key, value);
                writer.WriteEndObject();
            }

            foreach (var item in items)
            {
                writer.WriteStartObject(item.Name);
                writer.WriteString("dtype", item.Dtype);
                writer.WriteStartArray("shape");
                foreach (var size in item.Shape) writer.WriteNumberValue(size);
                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(item.Offset);
                writer.WriteNumberValue(item.Offset + item.Bytes);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        var padded = (json.WrittenCount + 7) / 8 * 8;
        if (padded > SafetensorsHeader.MaxJsonBytes)
            throw new ArgumentException($"The names and shapes of {items.Length} tensors take {padded} bytes, at most {SafetensorsHeader.MaxJsonBytes} are allowed: spread them over several files.");
        var header = new byte[SafetensorsHeader.PrefixBytes + padded];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)padded);
        json.WrittenSpan.CopyTo(header.AsSpan(SafetensorsHeader.PrefixBytes));
        header.AsSpan(SafetensorsHeader.PrefixBytes + json.WrittenCount).Fill((byte)' ');
        return header;
    }
}
