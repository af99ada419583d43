using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Raijin;

/// <summary>A pickled file was refused: it is damaged, truncated, larger than allowed, or asks for what only a running Python could do.</summary>
public sealed class PickleException : Exception
{
    /// <summary>Refuses a file.</summary>
    /// <param name="file">Path of the file.</param>
    /// <param name="problem">What was found, what was expected and what to do.</param>
    /// <param name="offset">Where in the file, in bytes from its start, when that is known.</param>
    /// <param name="innerException">The reader's own complaint, if any.</param>
    public PickleException(string file, string problem, long? offset = null, Exception? innerException = null)
        : base(offset is null ? $"{file}: {problem}" : $"{file} (at byte {offset}): {problem}", innerException)
    {
        File = file;
        Offset = offset;
    }

    /// <summary>Path of the file.</summary>
    public string File { get; }

    /// <summary>Where in the file, in bytes from its start.</summary>
    public long? Offset { get; }

    [DoesNotReturn, StackTraceHidden]
    internal static void Throw(string file, string problem, long? offset = null) => throw new PickleException(file, problem, offset);
}
