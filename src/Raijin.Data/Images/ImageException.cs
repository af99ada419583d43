namespace Raijin;

/// <summary>A file is not an image that can be read: damaged, cut off, of an unknown format, or larger than allowed.</summary>
public sealed class ImageException : IOException
{
    /// <summary>Names the file and what is wrong with it.</summary>
    /// <param name="name">The file, or what else the bytes are known by.</param>
    /// <param name="fault">What was found, what was expected and what to do.</param>
    public ImageException(string name, string fault) : base($"{name}: {fault}") => Name = name;

    /// <summary>The file.</summary>
    public string Name { get; }
}
