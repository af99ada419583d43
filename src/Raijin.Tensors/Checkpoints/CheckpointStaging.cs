namespace Raijin.Tensors;

/// <summary>A checkpoint's folder while it is written: its files lie under a temporary name, durable each, and get their final name together in one step.</summary>
/// <remarks>Files may come from several processes, which write into <see cref="Folder"/>; whoever made the staging hears of them through <see cref="Add"/>, and publishes.</remarks>
public sealed class CheckpointStaging : IDisposable
{
    /// <summary>Everything that is not a tensor.</summary>
    public const string StateFile = "state.json";

    /// <summary>What names of files of tensors end in.</summary>
    public const string TensorSuffix = ".safetensors";

    readonly SortedDictionary<string, ManifestFile> _files = new(StringComparer.Ordinal);
    bool _closed;

    CheckpointStaging(string path, string folder)
    {
        Path = path;
        Folder = folder;
    }

    /// <summary>Full path of the checkpoint to come.</summary>
    public string Path { get; }

    /// <summary>Full path of the folder that files are written into until then.</summary>
    public string Folder { get; }

    /// <summary>Makes the temporary folder.</summary>
    /// <param name="path">The checkpoint's folder; the one around it exists. What is there stays until <see cref="Publish"/>.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder around it is read-only.</exception>
    public static CheckpointStaging Create(string path)
    {
        path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        var parent = System.IO.Path.GetDirectoryName(path) ?? throw new IOException($"{path} is no place for a checkpoint.");
        if (!Directory.Exists(parent)) throw new DirectoryNotFoundException($"There is no folder {parent}.");
        var folder = DurableFile.TemporaryName(path);
        Directory.CreateDirectory(folder);
        return new CheckpointStaging(path, folder);
    }

    /// <summary>The error of a save that the system refused: with its reason and the space that is left.</summary>
    /// <param name="path">Where the checkpoint was to be.</param>
    /// <param name="error">What the system said.</param>
    public static CheckpointException Refused(string path, Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return new(path, $"it could not be saved: {error.Message} {Space(path)}What was there before is untouched.", innerException: error);
    }

    /// <summary>Lists a file that was written into <see cref="Folder"/>.</summary>
    public void Add(string name, WrittenFile file) => _files.Add(name, new ManifestFile(file.Bytes, CheckpointManifest.Hex(file.Hash)));

    /// <summary>Writes and lists a small file.</summary>
    /// <exception cref="IOException">The disk is full, or fails.</exception>
    public void Write(string name, ReadOnlySpan<byte> content)
    {
        using var file = DurableFile.CreateIn(Folder, name, content.Length);
        file.Write(content);
        file.Commit();
        Add(name, new WrittenFile(file.Bytes, file.Hash));
    }

    /// <summary>Writes the manifest of what was listed and gives the folder its name. When this returns the checkpoint is whole and durable.</summary>
    /// <param name="facts">What to say of it.</param>
    /// <param name="created">When the save began.</param>
    /// <param name="sequence">Its number among the saves of its store; 0 outside a store.</param>
    /// <exception cref="IOException">The disk is full, or fails; what was there before is untouched.</exception>
    public CheckpointInfo Publish(CheckpointFacts facts, DateTimeOffset created, long sequence = 0)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var manifest = new CheckpointManifest
        {
            Format = CheckpointManifest.FormatName,
            Version = CheckpointManifest.CurrentVersion,
            Sequence = sequence,
            Step = facts.Step,
            Score = facts.Score,
            Metrics = facts.Metrics ?? new Dictionary<string, double>(),
            Created = created,
            Files = new SortedDictionary<string, ManifestFile>(_files, StringComparer.Ordinal),
        };
        Write(CheckpointManifest.FileName, manifest.Write());
        DurableFolder.Publish(Folder, Path);
        _closed = true;
        return manifest.Describe(Path);
    }

    /// <summary>Removes what was written, unless it was published.</summary>
    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        try
        {
            if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The error that led here is the one to report; the next writer removes the rest.
        }
    }

    static string Space(string path)
    {
        try
        {
            return $"The disk has {new DriveInfo(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!).AvailableFreeSpace >> 20} MB free. ";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "";
        }
    }
}
