using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin checkpoint import PATH FOLDER</c>: a checkpoint of DeepSpeed, Lightning or PyTorch as one of Raijin. Nothing in it is run.</summary>
sealed class CheckpointImportCommand : CliCommand
{
    readonly Argument<string> _path = new("PATH") { Description = "A .pt, .pth, .bin or .ckpt file, or a folder that DeepSpeed saved" };
    readonly Argument<string> _folder = new("FOLDER") { Description = "The checkpoint's folder to make; what is there is replaced" };
    readonly Option<bool> _weightsOnly = new("--weights-only") { Description = "Leave the optimizer's state out" };

    /// <summary>Makes the command.</summary>
    public CheckpointImportCommand() : base("import", "Reads a checkpoint of DeepSpeed, Lightning or PyTorch")
    {
        Arguments.Add(_path);
        Arguments.Add(_folder);
        Options.Add(_weightsOnly);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin checkpoint import model.pt weights", "raijin checkpoint import checkpoints/global_step1000 weights --weights-only"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        invocation.ThrowIfFaulty();
        var folder = invocation.Get(_folder)!;
        if (Directory.Exists(folder) && !File.Exists(Path.Combine(folder, Tensors.CheckpointManifest.FileName)) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new InvalidOptionsException([new($"FOLDER = {folder}", "is there and is no checkpoint: give another name")]);
        if (Path.GetDirectoryName(Path.GetFullPath(folder)) is { Length: > 0 } parent) Directory.CreateDirectory(parent);
        using var imported = ImportedCheckpoint.Open(invocation.Get(_path)!);
        var info = imported.Write(folder, withOptimizer: !invocation.Get(_weightsOnly));
        var console = invocation.Terminal.Human;
        console.Write(string.Create(CultureInfo.InvariantCulture, $"{imported.Format}, step {imported.Step}: wrote {imported.Model.Count} weights{(imported.Optimizer.Count > 0 && !invocation.Get(_weightsOnly) ? $" and {imported.Optimizer.Count} tensors of the optimizer" : "")} to {folder}, {info.Bytes:N0} bytes.\n"));
        foreach (var note in imported.Notes) console.Write(note + "\n");
        JsonReport.Write(invocation.Terminal, "checkpoint import", ExitCodes.Success, json =>
        {
            json.WriteString("source", imported.Path);
            json.WriteString("format", imported.Format);
            json.WriteString("checkpoint", info.Path);
            json.WriteNumber("step", imported.Step);
            json.WriteNumber("tensors", imported.Model.Count);
            json.WriteNumber("bytes", info.Bytes);
            json.WriteStartArray("notes");
            foreach (var note in imported.Notes) json.WriteStringValue(note);
            json.WriteEndArray();
        });
        return ExitCodes.Success;
    }
}
