using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Raijin;

/// <summary>A safetensors file was refused: it is damaged, truncated, not one, or asked for something it does not hold.</summary>
public sealed class SafetensorsException : Exception
{
    /// <summary>Refuses a file.</summary>
    /// <param name="file">Path of the file.</param>
    /// <param name="problem">What was found, what was expected and what to do.</param>
    /// <param name="key">The tensor or metadata key the problem is about; none when it is about the file as a whole.</param>
    /// <param name="offset">Where in the file, in bytes from its start, when that is known.</param>
    /// <param name="innerException">The reader's own complaint, if any.</param>
    public SafetensorsException(string file, string problem, string? key = null, long? offset = null, Exception? innerException = null)
        : base(Describe(file, problem, key, offset), innerException)
    {
        File = file;
        Key = key;
        Offset = offset;
    }

    /// <summary>Path of the file.</summary>
    public string File { get; }

    /// <summary>The tensor or metadata key the problem is about.</summary>
    public string? Key { get; }

    /// <summary>Where in the file, in bytes from its start.</summary>
    public long? Offset { get; }

    [DoesNotReturn, StackTraceHidden]
    internal static void Throw(string file, string problem, string? key = null, long? offset = null) =>
        throw new SafetensorsException(file, problem, key, offset);

    static string Describe(string file, string problem, string? key, long? offset)
    {
        var where = (key, offset) switch
        {
            (null, null) => "",
            (null, _) => $" (at byte {offset})",
            (_, null) => $", \"{Shorten(key)}\"",
            _ => $", \"{Shorten(key)}\" (at byte {offset})",
        };
        return $"{file}{where}: {problem}";
    }

    // A damaged header can hold a key of megabytes.
    static string Shorten(string key) => key.Length <= 120 ? key : key[..120] + "…";
}
