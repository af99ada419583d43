using System.Buffers.Binary;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace Raijin.Tensors;

// The file:  8 bytes   n, little endian
//            n bytes   JSON: {"name":{"dtype":"F32","shape":[2,3],"data_offsets":[begin,end]}, …, "__metadata__":{"key":"value"}}, padded with spaces
//            the rest  the tensors' bytes; offsets count from here, and together cover it without overlap or hole
// Invariant: what Parse returns describes ranges inside the file, each exactly as long as its dtype and shape ask for. Nothing is allocated by a number the file gives:
// the header's length is checked against the file before it is read, everything else grows with the bytes that are there.

/// <summary>The header of a safetensors file, every field of it checked.</summary>
public sealed class SafetensorsHeader
{
    /// <summary>Bytes before the JSON: its length.</summary>
    public const int PrefixBytes = 8;

    /// <summary>The longest JSON that is read, the bound of the format's other readers.</summary>
    public const int MaxJsonBytes = 100_000_000;

    /// <summary>The most dimensions of a tensor, libtorch's own bound.</summary>
    public const int MaxDimensions = 64;

    /// <summary>The key of the header that holds the metadata, and so cannot name a tensor.</summary>
    public const string MetadataKey = "__metadata__";

    const int MaxDepth = 3;
    static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = MaxDepth, CommentHandling = JsonCommentHandling.Disallow };

    readonly Dictionary<string, SafetensorsEntry> _byName;

    SafetensorsHeader(Dictionary<string, SafetensorsEntry> byName, SafetensorsEntry[] entries, Dictionary<string, string> metadata, long dataOffset)
    {
        _byName = byName;
        Entries = entries;
        Metadata = metadata;
        DataOffset = dataOffset;
    }

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>Free text by key, such as <c>format</c> = <c>pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Where the tensors' bytes begin, from the start of the file.</summary>
    public long DataOffset { get; }

    /// <summary>The entry of that name, if there is one.</summary>
    public SafetensorsEntry? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The length of the JSON, checked against the length of the file.</summary>
    /// <param name="prefix">The first bytes of the file; eight of them are read.</param>
    /// <param name="fileBytes">The length of the whole file.</param>
    /// <param name="file">The file's path, for messages.</param>
    /// <exception cref="SafetensorsException">The file is too short, or announces a header that it cannot hold.</exception>
    public static int ReadJsonBytes(ReadOnlySpan<byte> prefix, long fileBytes, string file)
    {
        if (prefix.Length < PrefixBytes || fileBytes < PrefixBytes + 2)
            SafetensorsException.Throw(file, $"it has {fileBytes} bytes, a safetensors file has at least {PrefixBytes + 2}: it is truncated or another kind of file.", offset: 0);
        var announced = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (announced > (ulong)(fileBytes - PrefixBytes))
            SafetensorsException.Throw(file, $"it announces a header of {announced} bytes, but only {fileBytes - PrefixBytes} follow: it is truncated or another kind of file.", offset: 0);
        if (announced is < 2 or > MaxJsonBytes)
            SafetensorsException.Throw(file, $"it announces a header of {announced} bytes, allowed are 2 to {MaxJsonBytes}.", offset: 0);
        return (int)announced;
    }

    /// <summary>Reads and checks a header.</summary>
    /// <param name="json">The JSON, without the eight bytes before it.</param>
    /// <param name="fileBytes">The length of the whole file.</param>
    /// <param name="file">The file's path, for messages.</param>
    /// <exception cref="SafetensorsException">Any field is missing, doubled, unknown, out of range or at odds with another.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long fileBytes, string file)
    {
        if (!Utf8.IsValid(json)) SafetensorsException.Throw(file, "its header is not UTF-8: it is damaged or another kind of file.", offset: PrefixBytes);
        if (json[0] != (byte)'{') SafetensorsException.Throw(file, "its header does not begin with '{': it is damaged or another kind of file.", offset: PrefixBytes);

        var dataOffset = PrefixBytes + json.Length;
        var entries = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        Dictionary<string, string>? metadata = null;
        var fields = new Fields(new Utf8JsonReader(json, ReaderOptions), file);
        try
        {
            fields.Expect(JsonTokenType.StartObject, null);
            while (fields.NextKey(null) is { } name)
            {
                if (name == MetadataKey)
                {
                    if (metadata is not null) fields.Refuse("it is there twice.", name);
                    metadata = fields.ReadMetadata();
                }
                else if (!entries.TryAdd(name, fields.ReadEntry(name, dataOffset, fileBytes)))
                {
                    fields.Refuse("it is there twice.", name);
                }
            }

            fields.ExpectEnd();
        }
        catch (JsonException error)
        {
            throw new SafetensorsException(file, $"its header is not valid JSON: {error.Message}", innerException: error);
        }

        var ordered = entries.Values.ToArray();
        // Empty tensors share their offset with the next one: sorted by their end too, they come first.
        Array.Sort(ordered, static (a, b) => (a.Offset, a.Offset + a.Bytes).CompareTo((b.Offset, b.Offset + b.Bytes)));
        CheckCoverage(ordered, dataOffset, fileBytes, file);
        return new SafetensorsHeader(entries, ordered, metadata ?? [], dataOffset);
    }

    static void CheckCoverage(SafetensorsEntry[] ordered, long dataOffset, long fileBytes, string file)
    {
        var end = dataOffset;
        foreach (var entry in ordered)
        {
            if (entry.Offset < end) SafetensorsException.Throw(file, $"its bytes overlap those before them by {end - entry.Offset}.", entry.Name, entry.Offset);
            if (entry.Offset > end) SafetensorsException.Throw(file, $"{entry.Offset - end} bytes before it belong to no tensor.", entry.Name, end);
            end = entry.Offset + entry.Bytes;
        }

        if (end != fileBytes) SafetensorsException.Throw(file, $"{fileBytes - end} bytes at its end belong to no tensor: the tensors end at {end}, the file at {fileBytes}.", offset: end);
    }

    /// <summary>The JSON's tokens with the checks of the format. A ref struct: the reader lives on the stack.</summary>
    ref struct Fields(Utf8JsonReader reader, string file)
    {
        Utf8JsonReader _reader = reader;

        public void Expect(JsonTokenType type, string? key)
        {
            _reader.Read();
            if (_reader.TokenType != type) Refuse($"found {_reader.TokenType}, expected {type}.", key);
        }

        public void ExpectEnd()
        {
            if (_reader.Read()) Refuse("its header goes on after its end.", null);
        }

        /// <summary>The next property name, or none at the object's end.</summary>
        public string? NextKey(string? parent)
        {
            _reader.Read();
            if (_reader.TokenType == JsonTokenType.EndObject) return null;
            return Text(parent);
        }

        public Dictionary<string, string> ReadMetadata()
        {
            var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
            Expect(JsonTokenType.StartObject, MetadataKey);
            while (NextKey(MetadataKey) is { } key)
            {
                Expect(JsonTokenType.String, MetadataKey);
                if (!metadata.TryAdd(key, Text(MetadataKey))) Refuse($"its key \"{key}\" is there twice.", MetadataKey);
            }

            return metadata;
        }

        public SafetensorsEntry ReadEntry(string name, long dataOffset, long fileBytes)
        {
            string? dtype = null;
            long[]? shape = null, offsets = null;
            Expect(JsonTokenType.StartObject, name);
            while (NextKey(name) is { } field)
            {
                switch (field)
                {
                    case "dtype" when dtype is null:
                        Expect(JsonTokenType.String, name);
                        dtype = Text(name);
                        break;
                    case "shape" when shape is null:
                        shape = ReadNumbers(name, field, MaxDimensions);
                        break;
                    case "data_offsets" when offsets is null:
                        offsets = ReadNumbers(name, field, 2);
                        break;
                    default:
                        Refuse($"its field \"{field}\" is unknown or there twice; expected are dtype, shape and data_offsets, once each.", name);
                        break;
                }
            }

            if (dtype is null || shape is null || offsets is not [var begin, var end])
            {
                Refuse("it needs dtype, shape and data_offsets with a begin and an end.", name);
                return null;
            }

            var size = SafetensorsDtype.ElementBytes(dtype);
            if (size == 0) Refuse($"its dtype \"{dtype}\" is unknown; known are BOOL, U8 to U64, I8 to I64, F8_*, F16, BF16, F32, F64 and C64.", name);
            var bytes = Bytes(shape, size, name);
            var dataBytes = fileBytes - dataOffset;
            if (begin > end || end > dataBytes) Refuse($"its data_offsets [{begin}, {end}] are not inside the {dataBytes} bytes of data: the file is truncated or damaged.", name);
            if (end - begin != bytes) Refuse($"its data_offsets [{begin}, {end}] span {end - begin} bytes, but [{string.Join(", ", shape)}] {dtype} takes {bytes}.", name);
            return new SafetensorsEntry(name, dtype, shape, dataOffset + begin, bytes);
        }

        long[] ReadNumbers(string name, string field, int most)
        {
            Expect(JsonTokenType.StartArray, name);
            Span<long> numbers = stackalloc long[most];
            var count = 0;
            while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
            {
                if (count == most) Refuse($"its {field} has more than {most} numbers.", name);
                if (_reader.TokenType != JsonTokenType.Number || !_reader.TryGetInt64(out var number) || number < 0)
                {
                    Refuse($"its {field} holds something else than whole numbers from 0 to {long.MaxValue}.", name);
                    break;
                }

                numbers[count++] = number;
            }

            return numbers[..count].ToArray();
        }

        readonly long Bytes(long[] shape, int elementBytes, string name)
        {
            // The product of the other dimensions must be representable even when one is 0: libtorch multiplies strides.
            UInt128 bytes = (UInt128)elementBytes;
            var empty = false;
            foreach (var size in shape)
            {
                empty |= size == 0;
                bytes *= (UInt128)Math.Max(size, 1);
                if (bytes > (UInt128)long.MaxValue) Refuse($"its shape [{string.Join(", ", shape)}] is larger than any file.", name);
            }

            return empty ? 0 : (long)bytes;
        }

        readonly string Text(string? key)
        {
            try
            {
                return _reader.GetString()!;
            }
            catch (InvalidOperationException error)
            {
                // An escaped half of a surrogate pair: valid JSON, no text.
                throw new SafetensorsException(file, $"a text in its header is not Unicode: {error.Message}", key, Position, error);
            }
        }

        readonly long Position => PrefixBytes + _reader.TokenStartIndex;

        [DoesNotReturn, StackTraceHidden]
        public readonly void Refuse(string problem, string? key) => SafetensorsException.Throw(file, problem, key, Position);
    }
}
