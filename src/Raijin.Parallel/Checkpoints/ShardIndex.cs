using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Raijin.Tensors;

namespace Raijin.Parallel;

// <name>/
//   shard-00000.safetensors …   what each rank wrote, one file a rank; a run of a logical tensor is the flat tensor "name@start" there
//   shards.json                 this: where the elements of each logical tensor are
//   state.json, manifest.json   as in every checkpoint: the manifest has length and hash of each file, the index among them
// Invariant: what Read returns covers each tensor's elements from the first to the last, in order, once.

/// <summary>A run of elements in a shard.</summary>
sealed record IndexedSlice(string File, long Start, long Count, string Xxh3);

/// <summary>A logical tensor as the index lists it.</summary>
sealed record IndexedTensor(string Dtype, IReadOnlyList<long> Shape, IReadOnlyList<IndexedSlice> Slices);

/// <summary><c>shards.json</c>: the logical tensors of a checkpoint that several ranks wrote.</summary>
sealed record ShardIndex(string Format, int Version, int WorldSize, IReadOnlyDictionary<string, IndexedTensor> Tensors)
{
    public const string FileName = "shards.json";
    const string FormatName = "raijin-shards";
    const int CurrentVersion = 1;
    const int MaxBytes = 512 << 20;
    const int MaxDimensions = 64;

    public static ShardIndex Of(int worldSize, IReadOnlyDictionary<string, IndexedTensor> tensors) => new(FormatName, CurrentVersion, worldSize, tensors);

    public static string ShardFile(int rank) => string.Create(CultureInfo.InvariantCulture, $"shard-{rank:D5}{CheckpointStaging.TensorSuffix}");

    public static string Key(string name, long start) => string.Create(CultureInfo.InvariantCulture, $"{name}@{start}");

    /// <summary>Whether a logical tensor may have that name: a stem that can be a file's name, a slash, and anything.</summary>
    public static bool IsName(string name) =>
        name.IndexOf('/', StringComparison.Ordinal) is var slash and > 0 && slash < name.Length - 1
        && name.AsSpan(0, slash).IndexOfAnyExcept(StemCharacters) < 0 && !name.StartsWith("shard-", StringComparison.Ordinal);

    static readonly System.Buffers.SearchValues<char> StemCharacters = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, ShardJson.Default.ShardIndex);

    /// <summary>Reads an index and checks every field of it.</summary>
    /// <param name="folder">The checkpoint's folder, its manifest compared.</param>
    /// <param name="files">The files that the manifest lists.</param>
    /// <exception cref="CheckpointException">It is damaged, of a later version, or does not cover each tensor exactly once.</exception>
    public static (int WorldSize, IReadOnlyList<LogicalTensor> Tensors) Read(string folder, IReadOnlyDictionary<string, ManifestFile> files)
    {
        var path = Path.Combine(folder, FileName);
        var index = CheckpointFiles.ReadDocument(path, "an index", MaxBytes, "it is missing: the checkpoint's shards cannot be told apart without it.", ShardJson.Default.ShardIndex);
        CheckpointFiles.CheckFormat(path, "the index of shards", (index?.Format, FormatName), (index?.Version, CurrentVersion));
        if (index!.WorldSize < 1 || index.Tensors is null) throw new CheckpointException(path, $"its worldSize is {index.WorldSize} and its tensors are {(index.Tensors is null ? "missing" : "there")}: it needs 1 or more, and tensors.");
        var tensors = new List<LogicalTensor>(index.Tensors.Count);
        foreach (var (name, tensor) in index.Tensors.OrderBy(t => t.Key, StringComparer.Ordinal)) tensors.Add(Check(path, name, tensor, files));
        return (index.WorldSize, tensors);
    }

    /// <summary>The number of elements of a shape, or -1 where no tensor can have it.</summary>
    public static long NumElements(IReadOnlyList<long> shape, int elementBytes)
    {
        if (shape.Count > MaxDimensions) return -1;
        UInt128 bytes = (UInt128)elementBytes;
        var empty = false;
        foreach (var size in shape)
        {
            if (size < 0) return -1;
            empty |= size == 0;
            bytes *= (UInt128)Math.Max(size, 1);
            if (bytes > (UInt128)long.MaxValue) return -1;
        }

        return empty ? 0 : (long)(bytes / (UInt128)elementBytes);
    }

    static LogicalTensor Check(string path, string name, IndexedTensor? tensor, IReadOnlyDictionary<string, ManifestFile> files)
    {
        if (!IsName(name)) Refuse($"it is not the name of a logical tensor, which is stem/name.");
        if (tensor is not { Dtype: not null, Shape: not null, Slices: not null }) return Refuse("it needs dtype, shape and slices.");
        var size = SafetensorsDtype.ElementBytes(tensor.Dtype);
        if (size == 0) Refuse($"its dtype \"{tensor.Dtype}\" is unknown.");
        var elements = NumElements(tensor.Shape, size);
        if (elements < 0) Refuse($"no tensor has the shape [{string.Join(", ", tensor.Shape)}].");
        var ranges = new StoredRange[tensor.Slices.Count];
        var end = 0L;
        for (var i = 0; i < ranges.Length; i++)
        {
            if (tensor.Slices[i] is not { File: not null, Xxh3: { Length: 16 } } slice) return Refuse($"its slice {i} needs file, start, count and a hash of 16 digits.");
            if (slice.Start < 0 || slice.Count <= 0 || slice.Count > elements - slice.Start) Refuse($"its slice {i} has {slice.Count} elements from {slice.Start}, which are not inside its {elements}.");
            if (slice.Start < end) Refuse($"its slice {i} begins at {slice.Start}, but the one before it ends at {end}: they overlap.");
            if (slice.Start > end) Refuse($"its elements {end} to {slice.Start} are in no slice.");
            if (!files.ContainsKey(slice.File)) Refuse($"its slice {i} is in the file \"{slice.File}\", which the checkpoint's manifest does not list.");
            end = slice.Start + slice.Count;
            ranges[i] = new StoredRange(slice.File, Key(name, slice.Start), slice.Start, slice.Count, slice.Xxh3);
        }

        if (end != elements) Refuse($"its elements {end} to {elements} are in no slice.");
        return new LogicalTensor(name, tensor.Dtype, tensor.Shape, ranges);

        LogicalTensor Refuse(string problem) => throw new CheckpointException(path, $"\"{(name.Length <= 120 ? name : name[..120] + "…")}\": {problem} The index is damaged, or was edited by hand.");
    }
}

/// <summary>Serialization generated at compile time.</summary>
[JsonSourceGenerationOptions(AllowDuplicateProperties = false, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ShardIndex))]
[JsonSerializable(typeof(SaveOffer))]
[JsonSerializable(typeof(SaveOutcome))]
[JsonSerializable(typeof(SaveEnd))]
[JsonSerializable(typeof(OpenOutcome))]
sealed partial class ShardJson : JsonSerializerContext;
