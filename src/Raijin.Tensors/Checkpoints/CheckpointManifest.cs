using System.Globalization;
using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Raijin.Tensors;

/// <summary>A file of a checkpoint as it was written.</summary>
/// <param name="Bytes">Its length.</param>
/// <param name="Xxh3">XxHash3 of its bytes, 16 hexadecimal digits.</param>
public sealed record ManifestFile(long Bytes, string Xxh3);

/// <summary>
/// <c>manifest.json</c>, written last: what the checkpoint is, and the length and hash of every file in it. It carries its own hash too, so that no
/// bit of a checkpoint can change unseen.
/// </summary>
public sealed record CheckpointManifest
{
    /// <summary>The file's name.</summary>
    public const string FileName = "manifest.json";
    /// <summary>What <see cref="Format"/> says.</summary>
    public const string FormatName = "raijin-checkpoint";
    /// <summary>What <see cref="Version"/> says.</summary>
    public const int CurrentVersion = 1;

    /// <summary>A manifest is a few hundred bytes a file; nothing larger is read.</summary>
    const int MaxBytes = 16 << 20;

    /// <summary>Always <see cref="FormatName"/>.</summary>
    public required string Format { get; init; }

    /// <summary>Of the document.</summary>
    public required int Version { get; init; }

    /// <summary><inheritdoc cref="CheckpointInfo" path="/param[@name='Sequence']"/></summary>
    public required long Sequence { get; init; }

    /// <summary>Optimizer steps done.</summary>
    public required long Step { get; init; }

    /// <summary>The value it is ranked by in reports, if any.</summary>
    public double? Score { get; init; }

    /// <summary>The logged values at that step.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>When the save began.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Every other file of the folder by its name.</summary>
    public required IReadOnlyDictionary<string, ManifestFile> Files { get; init; }

    /// <summary>XxHash3 of this document without this line.</summary>
    public string? Xxh3 { get; init; }

    /// <summary>A hash as the document has it: 16 hexadecimal digits.</summary>
    public static string Hex(ulong hash) => hash.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>What is said of the checkpoint in that folder.</summary>
    public CheckpointInfo Describe(string folder) =>
        new(Path.GetFileName(folder), folder, Step, Score, Metrics, Created, Files.Values.Sum(f => f.Bytes), Sequence);

    /// <summary>The document, with its hash.</summary>
    public byte[] Write() => Serialize(this with { Xxh3 = Hex(OwnHash()) });

    /// <summary>Reads and checks a folder's manifest, not yet the files it lists.</summary>
    /// <exception cref="CheckpointException">It is missing, damaged or of a later version.</exception>
    public static CheckpointManifest Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        var manifest = CheckpointFiles.ReadDocument(path, "a manifest", MaxBytes, "it is missing: this is no checkpoint, or not a whole one.", ManifestJson.Default.CheckpointManifest);
        CheckpointFiles.CheckFormat(path, "the manifest of a checkpoint", (manifest?.Format, FormatName), (manifest?.Version, CurrentVersion));
        if (manifest!.Xxh3 != Hex(manifest.OwnHash())) throw new CheckpointException(path, "it does not have the hash it carries: it was damaged, or edited by hand.");
        if (manifest is not { Files: not null, Metrics: not null } || manifest.Files.Values.Any(f => f is not { Bytes: >= 0, Xxh3: not null })) throw new CheckpointException(path, "it needs metrics, and files with a length and a hash each: it is damaged, or was edited by hand.");
        foreach (var name in manifest.Files.Keys)
            if (name != Path.GetFileName(name) || name is "" or "." or "..") throw new CheckpointException(path, $"it lists \"{name}\", which is not a file name.");
        return manifest;
    }

    /// <summary>Compares every file with the manifest: its length always, its hash on request (files in parallel).</summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <param name="hashes">Whether the content is compared too.</param>
    /// <param name="part">Which of the <paramref name="parts"/> of the files has its content compared: ranks share the work.</param>
    /// <param name="parts">Into how many parts the files are divided.</param>
    /// <exception cref="CheckpointException">A file is missing, or has another length or hash.</exception>
    public void Check(string folder, bool hashes, int part = 0, int parts = 1)
    {
        foreach (var (name, file) in Files)
        {
            var found = new FileInfo(Path.Combine(folder, name));
            if (!found.Exists) throw new CheckpointException(found.FullName, "it is missing, but the checkpoint's manifest lists it.");
            if (found.Length != file.Bytes) throw new CheckpointException(found.FullName, $"it has {found.Length} bytes, the manifest says {file.Bytes}: it is {(found.Length < file.Bytes ? "truncated" : "not the one that was saved")}.");
        }

        if (!hashes) return;
        var damaged = Files.OrderBy(f => f.Key, StringComparer.Ordinal).Where((_, i) => i % parts == part).ToArray().AsParallel().AsOrdered().WithDegreeOfParallelism(Math.Min(4, Environment.ProcessorCount))
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

/// <summary>Serialization generated at compile time: no reflection on the way to a checkpoint. NaN and infinite metrics are kept as text.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    AllowDuplicateProperties = false,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(CheckpointManifest))]
sealed partial class ManifestJson : JsonSerializerContext;
