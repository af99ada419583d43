using System.Text;

namespace Raijin.App;

/// <summary>
/// Reads one configuration file into a <see cref="ConfigMap"/>. A file is data only: no anchors, no tags, no type names; its size and nesting are
/// bounded, so that a hostile file costs no more than an honest one.
/// </summary>
static class ConfigFile
{
    /// <summary>The largest file read.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>The deepest nesting of maps and lists read.</summary>
    public const int MaxDepth = 32;

    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads <paramref name="path"/>, as YAML or, when it ends in <c>.json</c>, as JSON with comments and trailing commas.</summary>
    /// <exception cref="InvalidOptionsException">The file cannot be read, is too large or too deep, or is not well formed.</exception>
    public static ConfigMap Read(string path)
    {
        var bytes = ReadBytes(path);
        string text;
        try
        {
            text = StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw ConfigFault.OfFile(path, 0, "is not UTF-8 text");
        }
        if (text.StartsWith('\uFEFF')) text = text[1..];
        return Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".JSON" or ".JSONC" => JsonTree.Parse(text, path),
            ".YAML" or ".YML" => YamlTree.Parse(text, path),
            var other => throw ConfigFault.OfFile(path, 0, $"expected a .yaml, .yml or .json file, not '{other.ToLowerInvariant()}'"),
        };
    }

    static byte[] ReadBytes(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > MaxBytes) throw ConfigFault.OfFile(path, 0, $"has {file.Length} bytes; a configuration file has at most {MaxBytes}");
            // Length is 0 for pipes and the like: read what comes, up to the limit and one byte to see that there is more.
            var buffer = new byte[MaxBytes + 1];
            var count = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (count > MaxBytes) throw ConfigFault.OfFile(path, 0, $"has more than the {MaxBytes} bytes a configuration file may have");
            return buffer.AsSpan(0, count).ToArray();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ConfigFault.OfFile(path, 0, error switch
            {
                FileNotFoundException or DirectoryNotFoundException => $"does not exist (looked in {Directory.GetCurrentDirectory()})",
                UnauthorizedAccessException when Directory.Exists(path) => "is a folder, not a file",
                _ => $"cannot be read: {error.Message}",
            });
        }
    }
}
