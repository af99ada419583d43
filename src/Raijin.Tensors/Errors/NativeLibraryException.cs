using System.Runtime.InteropServices;

namespace Raijin;

/// <summary>libtorch cannot be loaded. Names the platform, the file, why, and what to do.</summary>
public sealed class NativeLibraryException : Exception
{
    /// <summary>Names the file, the reason and the remedy.</summary>
    public NativeLibraryException(string file, string reason, string remedy, Exception? inner = null)
        : base($"libtorch cannot be loaded on {RuntimeInformation.RuntimeIdentifier} ({RuntimeInformation.OSDescription}).\n  file      {file}\n  reason    {reason}\n  remedy    {remedy}", inner)
    {
        File = file;
        Remedy = remedy;
    }

    /// <summary>The file or folder that could not be used.</summary>
    public string File { get; }

    /// <summary>What to do.</summary>
    public string Remedy { get; }
}
