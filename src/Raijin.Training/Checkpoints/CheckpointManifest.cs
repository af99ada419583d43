using System.Globalization;
using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Serialization;
using Raijin.Tensors;

namespace Raijin.Training;

/// <summary>A file of a checkpoint as it was written.</summary>
/// <param name="Bytes">Its length.</param>
/// <param name="Xxh3">XxHash3 of its bytes, 16 hexadecimal digits.</param>
sealed record ManifestFile(long Bytes, string Xxh3);

/// <summary>
/// <c>manifest.json</c>, written last: what the checkpoint is, and the length and hash of every file in it. It carries its own hash too, so that no
/// bit of a checkpoint can change unseen.
/// </summary>
sealed record CheckpointManifest
{
    public const string FileName = "manifest.json";
    public const string FormatName = "raijin-checkpoint";
    public const int CurrentVersion = 1;

    /// <summary>A manifest is a few hundred bytes a file; nothing larger is read.</summary>
    const int MaxBytes = 16 << 20;

    public required string Format { get; init; }

    public required int Version { get; init; }

    public required long Sequence { get; init; }

    public required long Step { get; init; }

    public double? Score { get; init; }

    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required IReadOnlyDictionary<string, ManifestFile> Files { get; init; }

    /// <summary>XxHash3 of this document without this line.</summary>
    public string? Xxh3 { get; init; }

    public static string Hex(ulong hash) => hash.ToString("x16", CultureInfo.InvariantCulture);

    public CheckpointInfo Describe(string folder) =>
        new(Path.GetFileName(folder), folder, Step, Score, Metrics, Created, Files.Values.Sum(f => f.Bytes), Sequence);

    /// <summary>The document, with its hash.</summary>
    public byte[] Write() => Serialize(this with { Xxh3 = Hex(OwnHash()) });

    /// <summary>Reads and checks a folder's manifest, not yet the files it lists.</summary>
    /// <exception cref="CheckpointException">It is missing, damaged or of a later version.</exception>
    public static CheckpointManifest Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        CheckpointManifest? manifest;
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > MaxBytes) throw new CheckpointException(path, $"it has {stream.Length} bytes, a manifest has at most {MaxBytes}: it is damaged.");
            manifest = JsonSerializer.Deserialize(stream, ManifestJson.Default.CheckpointManifest);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException(path, "it is missing: this is no checkpoint, or not a whole one.", innerException: error);
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, $"it cannot be read: {error.Message}", innerException: error);
        }

        if (manifest is not { Format: FormatName }) throw new CheckpointException(path, $"it is not the manifest of a checkpoint (its format is \"{manifest?.Format}\", expected \"{FormatName}\").");
        if (manifest.Version != CurrentVersion) throw new CheckpointException(path, $"it has version {manifest.Version}, this program reads version {CurrentVersion}: use the program that wrote it.");
        if (manifest.Xxh3 != Hex(manifest.OwnHash())) throw new CheckpointException(path, "it does not have the hash it carries: it was damaged, or edited by hand.");
        foreach (var name in manifest.Files.Keys)
            if (name != Path.GetFileName(name) || name is "" or "." or "..") throw new CheckpointException(path, $"it lists \"{name}\", which is not a file name.");
        return manifest;
    }

    /// <summary>Compares every file with the manifest: its length always, its hash on request (files in parallel).</summary>
    /// <exception cref="CheckpointException">A file is missing, or has another length or hash.</exception>
    public void Check(string folder, bool hashes)
    {
        foreach (var (name, file) in Files)
        {
            var found = new FileInfo(Path.Combine(folder, name));
            if (!found.Exists) throw new CheckpointException(found.FullName, "it is missing, but the checkpoint's manifest lists it.");
            if (found.Length != file.Bytes) throw new CheckpointException(found.FullName, $"it has {found.Length} bytes, the manifest says {file.Bytes}: it is {(found.Length < file.Bytes ? "truncated" : "not the one that was saved")}.");
        }

        if (!hashes) return;
        var damaged = Files.AsParallel().AsOrdered().WithDegreeOfParallelism(Math.Min(4, Environment.ProcessorCount))
            .Select(file => (file.Key, Expected: file.Value.Xxh3, Found: HashOf(Path.Combine(folder, file.Key))))
            .FirstOrDefault(file => file.Expected != file.Found);
        if (damaged.Key is not null)
            throw new CheckpointException(Path.Combine(folder, damaged.Key), $"its content has the hash {damaged.Found}, the manifest says {damaged.Expected}: it was damaged after it was saved.");
    }

    static string HashOf(string path)
    {
        try
        {
            return Hex(DurableFile.HashOf(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SafetensorsException)
        {
            return $"({error.Message})";
        }
    }

    ulong OwnHash() => XxHash3.HashToUInt64(Serialize(this with { Xxh3 = null }));

    static byte[] Serialize(CheckpointManifest manifest) => JsonSerializer.SerializeToUtf8Bytes(manifest, ManifestJson.Default.CheckpointManifest);
}

/// <summary><c>index.json</c>: the same facts of all checkpoints in one place, for people and tools. Derived from the manifests, never read for decisions.</summary>
/// <param name="Format">Always <see cref="FormatName"/>.</param>
/// <param name="Version">Of the document.</param>
/// <param name="Last">Name of the newest checkpoint.</param>
/// <param name="Checkpoints">All of them, oldest first; paths are their names, relative to the index.</param>
sealed record CheckpointIndex(string Format, int Version, string? Last, IReadOnlyList<CheckpointInfo> Checkpoints)
{
    public const string FileName = "index.json";
    public const string FormatName = "raijin-checkpoints";

    public static byte[] Write(IReadOnlyList<CheckpointInfo> checkpoints)
    {
        var index = new CheckpointIndex(FormatName, CheckpointManifest.CurrentVersion, checkpoints.Count == 0 ? null : checkpoints[^1].Name, [.. checkpoints.Select(c => c with { Path = c.Name })]);
        return JsonSerializer.SerializeToUtf8Bytes(index, ManifestJson.Default.CheckpointIndex);
    }
}

/// <summary>Serialization generated at compile time: no reflection on the way to a checkpoint. NaN and infinite metrics are kept as text.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    AllowDuplicateProperties = false,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(CheckpointManifest))]
[JsonSerializable(typeof(CheckpointIndex))]
sealed partial class ManifestJson : JsonSerializerContext;
