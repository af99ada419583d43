using System.Text.Json.Nodes;
using Raijin.Tensors;

namespace Raijin.Training;

// <name>/                       published by one rename of a finished temporary folder
//   model.safetensors …         one file a stem, each fsynced
//   state.json                  everything that is not a tensor
//   manifest.json               last: length and hash of each file above
// <name>.tmp-<random>/          one being written, or what a dead writer left

/// <summary>One checkpoint on the disk: how it is written whole or not at all.</summary>
public static class CheckpointFolder
{
    internal const string StateFile = "state.json";
    internal const string TensorSuffix = ".safetensors";

    /// <summary>Writes a checkpoint at a path of its own, outside any store: no index, no lock. What was there is replaced in one step.</summary>
    /// <param name="path">The folder to make; the one around it exists.</param>
    /// <param name="content">Borrowed until this returns.</param>
    /// <param name="facts">What to say of it.</param>
    /// <param name="time">Where its date comes from; the system's clock when none is given.</param>
    /// <exception cref="CheckpointException">It could not be written; what was there before is untouched.</exception>
    public static CheckpointInfo Write(string path, CheckpointContent content, CheckpointFacts facts, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(facts);
        var files = content.Tensors.Select(stem => new TensorFile(stem.Key, (folder, name) => SafetensorsWriter.WriteIn(folder, name, stem.Value)));
        return Write(new Save(Path.GetFullPath(path), 0, facts, (time ?? TimeProvider.System).GetUtcNow(), StateBytes(content.State)), files, CancellationToken.None);
    }

    /// <summary>A file of tensors still to be written: its stem, and what writes it into a folder under a name.</summary>
    internal readonly record struct TensorFile(string Stem, Func<string, string, WrittenFile> Write);

    /// <summary>All of a checkpoint but its tensors.</summary>
    internal sealed record Save(string Path, long Sequence, CheckpointFacts Facts, DateTimeOffset Created, byte[] State);

    internal static byte[] StateBytes(JsonObject state) => System.Text.Encoding.UTF8.GetBytes(state.ToJsonString());

    internal static CheckpointInfo Write(Save save, IEnumerable<TensorFile> tensors, CancellationToken cancellation)
    {
        var path = save.Path;
        var temporary = DurableFile.TemporaryName(path);
        try
        {
            var parent = Path.GetDirectoryName(path)!;
            if (!Directory.Exists(parent)) throw new DirectoryNotFoundException($"There is no folder {parent}.");
            Directory.CreateDirectory(temporary);
            var files = new SortedDictionary<string, ManifestFile>(StringComparer.Ordinal);
            foreach (var (stem, write) in tensors)
            {
                cancellation.ThrowIfCancellationRequested();
                var written = write(temporary, stem + TensorSuffix);
                files[stem + TensorSuffix] = new ManifestFile(written.Bytes, CheckpointManifest.Hex(written.Hash));
            }

            cancellation.ThrowIfCancellationRequested();
            files[StateFile] = WriteBytes(temporary, StateFile, save.State);
            var manifest = new CheckpointManifest
            {
                Format = CheckpointManifest.FormatName,
                Version = CheckpointManifest.CurrentVersion,
                Sequence = save.Sequence,
                Step = save.Facts.Step,
                Score = save.Facts.Score,
                Metrics = save.Facts.Metrics ?? new Dictionary<string, double>(),
                Created = save.Created,
                Files = files,
            };
            WriteBytes(temporary, CheckpointManifest.FileName, manifest.Write());
            DurableFolder.Publish(temporary, path);
            return manifest.Describe(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            RemoveUnfinished(temporary);
            throw new CheckpointException(path, $"it could not be saved: {error.Message} {Space(path)}What was there before is untouched.", innerException: error);
        }
        catch
        {
            RemoveUnfinished(temporary);
            throw;
        }
    }

    static ManifestFile WriteBytes(string folder, string name, byte[] bytes)
    {
        using var file = DurableFile.CreateIn(folder, name, bytes.Length);
        file.Write(bytes);
        file.Commit();
        return new ManifestFile(file.Bytes, CheckpointManifest.Hex(file.Hash));
    }

    static void RemoveUnfinished(string temporary)
    {
        try
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
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
            return $"The disk has {new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace >> 20} MB free. ";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "";
        }
    }
}
