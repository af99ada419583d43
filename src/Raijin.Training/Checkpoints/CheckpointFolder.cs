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
    internal const string StateFile = CheckpointStaging.StateFile;
    internal const string TensorSuffix = CheckpointStaging.TensorSuffix;

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
        try
        {
            using var staging = CheckpointStaging.Create(save.Path);
            foreach (var (stem, write) in tensors)
            {
                cancellation.ThrowIfCancellationRequested();
                staging.Add(stem + TensorSuffix, write(staging.Folder, stem + TensorSuffix));
            }

            cancellation.ThrowIfCancellationRequested();
            staging.Write(StateFile, save.State);
            return staging.Publish(save.Facts, save.Created, save.Sequence);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CheckpointStaging.Refused(save.Path, error);
        }
    }
}
