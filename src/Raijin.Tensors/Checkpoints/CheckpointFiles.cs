using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Raijin.Tensors;

/// <summary>Opens the files of a checkpoint. Whatever stands in the way, a file that is missing, damaged or hostile, is a <see cref="CheckpointException"/> that names it.</summary>
public static class CheckpointFiles
{
    static readonly JsonDocumentOptions StateOptions = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a document, not yet what it says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it should be: <c>a manifest</c>.</param>
    /// <param name="maxBytes">Such a document is smaller; nothing larger is read.</param>
    /// <param name="missing">What it means when there is no such file.</param>
    /// <param name="type">Its fields.</param>
    /// <returns>Null for a document that says <c>null</c>.</returns>
    /// <exception cref="CheckpointException">It is missing, too large or no such document.</exception>
    public static T? ReadDocument<T>(string path, string what, long maxBytes, string missing, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > maxBytes) throw new CheckpointException(path, $"it has {stream.Length} bytes, {what} has at most {maxBytes}: it is damaged.");
            return JsonSerializer.Deserialize(stream, type);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException(path, missing, innerException: error);
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }
    }

    /// <summary>Checks what every document of a checkpoint says first.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it should be: <c>the manifest of a checkpoint</c>.</param>
    /// <param name="format">What its format is, and must be.</param>
    /// <param name="version">What its version is, and must be.</param>
    /// <exception cref="CheckpointException">It is another document, or of a later version.</exception>
    public static void CheckFormat(string path, string what, (string? Found, string Expected) format, (int? Found, int Expected) version)
    {
        if (format.Found != format.Expected) throw new CheckpointException(path, $"it is not {what} (its format is \"{format.Found}\", expected \"{format.Expected}\").");
        if (version.Found != version.Expected) throw new CheckpointException(path, $"it has version {version.Found}, this program reads version {version.Expected}: use the program that wrote it.");
    }

    /// <summary>Reads what a checkpoint holds beside tensors.</summary>
    /// <exception cref="CheckpointException">It is missing, or no JSON object.</exception>
    public static JsonObject ReadState(string folder)
    {
        var path = Path.Combine(folder, CheckpointStaging.StateFile);
        try
        {
            return JsonNode.Parse(File.ReadAllBytes(path), null, StateOptions)?.AsObject() ?? throw new JsonException("it holds null");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }
    }

    /// <summary>Opens a file of tensors; the caller closes it.</summary>
    /// <exception cref="CheckpointException">It is missing or damaged.</exception>
    public static SafetensorsFile OpenTensors(string path)
    {
        try
        {
            return SafetensorsFile.Open(path);
        }
        catch (Exception error) when (error is SafetensorsException or IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }
    }

    static CheckpointException Unreadable(string path, Exception error) => new(path, $"it cannot be read: {error.Message}", innerException: error);
}
