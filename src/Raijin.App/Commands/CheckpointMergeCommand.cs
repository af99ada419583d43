using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin checkpoint merge PATH --to FILE</c>: the weights of a checkpoint that several ranks wrote, as one plain safetensors file.</summary>
sealed class CheckpointMergeCommand : CliCommand
{
    static readonly Dictionary<string, string> Metadata = new() { ["format"] = "pt" };

    readonly Argument<string> _path = new("PATH") { Description = "A checkpoint's folder, or a run's folder (its newest checkpoint)" };
    readonly Option<string> _to = new("--to") { Description = "The file to write (default: model.safetensors)", HelpName = "FILE" };
    readonly Option<string> _optimizer = new("--optimizer") { Description = "A second file, for the optimizer's state (default: not written)", HelpName = "FILE" };

    /// <summary>Makes the command.</summary>
    public CheckpointMergeCommand() : base("merge", "Writes the weights of a checkpoint of several ranks as one file")
    {
        Arguments.Add(_path);
        Options.Add(_to);
        Options.Add(_optimizer);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin checkpoint merge runs/1 --to model.safetensors", "raijin checkpoint merge runs/1 --optimizer optimizer.safetensors"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        invocation.ThrowIfFaulty();
        var folder = CheckpointInspectCommand.FolderOf(invocation.Get(_path)!);
        using var checkpoint = ShardedCheckpoint.Open(folder);
        var files = new List<(string Stem, string File, long Bytes)>();
        Merge("model", invocation.Text(_to) ?? "model.safetensors");
        if (invocation.Text(_optimizer) is { } optimizer) Merge("optimizer", optimizer);
        JsonReport.Write(invocation.Terminal, "checkpoint merge", ExitCodes.Success, json =>
        {
            json.WriteString("source", folder);
            json.WriteStartArray("files");
            foreach (var (stem, file, bytes) in files)
            {
                json.WriteStartObject();
                json.WriteString("stem", stem);
                json.WriteString("file", Path.GetFullPath(file));
                json.WriteNumber("bytes", bytes);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
        return ExitCodes.Success;

        void Merge(string stem, string file)
        {
            if (Path.GetDirectoryName(Path.GetFullPath(file)) == folder) throw new InvalidOptionsException([new($"FILE = {file}", "is inside the checkpoint, whose files its manifest lists: give another folder")]);
            if (Path.GetDirectoryName(file) is { Length: > 0 } parent) Directory.CreateDirectory(parent);
            var written = checkpoint.Merge(stem, file, Metadata);
            files.Add((stem, file, written.Bytes));
            invocation.Terminal.Human.Write(string.Create(CultureInfo.InvariantCulture, $"Wrote {checkpoint.Tensors.Count(t => t.Stem == stem)} tensors of {RunFolders.Shown(folder)} to {file}, {written.Bytes:N0} bytes.\n"));
        }
    }
}
