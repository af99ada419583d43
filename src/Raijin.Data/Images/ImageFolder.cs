using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Raijin;

/// <summary>
/// Image files by class: <c>root/cat/….jpg</c>, <c>root/dog/….png</c>. A class is a folder; classes and files are in ordinal order, so that a
/// sample's number and label depend on the names alone.
/// </summary>
/// <remarks>Files are found once, here, and read when a batch needs them, on the loader's workers.</remarks>
public sealed class ImageFolder : Dataset<LabeledImage>
{
    static readonly HashSet<string> Extensions = new([".jpg", ".jpeg", ".png", ".webp", ".bmp"], StringComparer.OrdinalIgnoreCase);

    readonly ImageReadOptions? _options;
    readonly string[] _paths;
    readonly int[] _labels;

    /// <summary>Finds the files.</summary>
    /// <param name="root">The folder of the classes' folders; files are looked for in these and the folders below them.</param>
    /// <param name="options">How to read the files.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It has no folders, or one of them has no image.</exception>
    public ImageFolder(string root, ImageReadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(root);
        if (!Directory.Exists(root)) throw new DirectoryNotFoundException($"There is no folder '{root}': give the folder that holds one folder for each class.");
        Root = root;
        _options = options;
        var folders = Directory.GetDirectories(root);
        if (folders.Length == 0)
            throw new InvalidDataException($"'{root}' has no folders: the images of each class are expected in one of its own, '{Path.Combine(root, "class", "image.jpg")}'.");
        Array.Sort(folders, StringComparer.Ordinal);
        Classes = [.. folders.Select(folder => Path.GetFileName(folder))];

        var (paths, labels) = (new List<string>(), new List<int>());
        for (var label = 0; label < folders.Length; label++)
        {
            var files = Files(folders[label]);
            if (files.Count == 0)
                throw new InvalidDataException($"'{folders[label]}' has no image ({string.Join(", ", Extensions)}): a class needs at least one. Remove the folder or fill it.");
            paths.AddRange(files);
            labels.AddRange(Enumerable.Repeat(label, files.Count));
        }
        (_paths, _labels) = ([.. paths], [.. labels]);
    }

    /// <summary>The folder.</summary>
    public string Root { get; }

    /// <summary>Names of the classes, by label.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>The files, by sample.</summary>
    public IReadOnlyList<string> Paths => _paths;

    /// <summary>The classes, by sample: for samplers that balance them.</summary>
    public IReadOnlyList<int> Labels => _labels;

    /// <inheritdoc/>
    public override long Count => _paths.LongLength;

    /// <summary>A sample: its image is read when its size or its pixels are asked for.</summary>
    public override LabeledImage Get(SampleRequest request) => new(RgbImage.Open(_paths[request.Index], _options), _labels[request.Index]);

    // The names, not where they lie: a moved folder is the same set.
    /// <inheritdoc/>
    protected internal override string Identity => field ??= Identify();

    string Identify()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in _paths)
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetRelativePath(Root, path).Replace(Path.DirectorySeparatorChar, '/') + '\n'));
        return string.Create(CultureInfo.InvariantCulture, $"images of {Classes.Count} classes, names {Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8))}");
    }

    static List<string> Files(string folder)
    {
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(path => Extensions.Contains(Path.GetExtension(path))).ToList();
        files.Sort(StringComparer.Ordinal);
        return files;
    }
}
