using Raijin.Tensors;

namespace Raijin;

/// <summary>Copies checkpoints to a folder elsewhere: another disk, a mounted network share. A copy has its name when it is whole.</summary>
public sealed class FolderStorage : CheckpointStorage
{
    readonly string _folder;

    /// <summary>Says where; created when the first checkpoint comes.</summary>
    public FolderStorage(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        _folder = Path.GetFullPath(folder);
    }

    /// <inheritdoc/>
    public override string Location => _folder;

    /// <inheritdoc/>
    public override void Upload(string name, string folder, CancellationToken cancellationToken) => Copy(folder, Path.Combine(_folder, Named(name)), cancellationToken);

    /// <inheritdoc/>
    public override void Delete(string name, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_folder, Named(name));
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> List(CancellationToken cancellationToken) => !Directory.Exists(_folder)
        ? []
        : [.. Directory.EnumerateDirectories(_folder).Select(d => Path.GetFileName(d)!).Where(n => !n.Contains(DurableFile.TemporaryMark, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public override void Download(string name, string folder, CancellationToken cancellationToken) => Copy(Path.Combine(_folder, Named(name)), folder, cancellationToken);

    static void Copy(string from, string to, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        var temporary = DurableFile.TemporaryName(to);
        Directory.CreateDirectory(temporary);
        foreach (var file in Directory.EnumerateFiles(from))
        {
            cancellationToken.ThrowIfCancellationRequested();
            File.Copy(file, Path.Combine(temporary, Path.GetFileName(file)));
        }
        if (Directory.Exists(to)) Directory.Delete(to, recursive: true);
        Directory.Move(temporary, to);
    }

    static string Named(string name) => name == Path.GetFileName(name) && name is not ("" or "." or "..")
        ? name
        : throw new ArgumentException($"\"{name}\" can't name a checkpoint: it must be a folder's name.", nameof(name));
}
