using System.Text.Json;
using System.Text.Json.Serialization;
using Raijin.Tensors;

namespace Raijin.Training;

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
        return JsonSerializer.SerializeToUtf8Bytes(index, IndexJson.Default.CheckpointIndex);
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
[JsonSerializable(typeof(CheckpointIndex))]
sealed partial class IndexJson : JsonSerializerContext;
