using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Raijin.Tensors;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin checkpoint inspect PATH</c>: every tensor's name, dtype, shape and SHA-256, read from the files alone; of a checkpoint that several ranks wrote, its logical tensors and where their elements are.</summary>
sealed class CheckpointInspectCommand : CliCommand
{
    /// <summary>Hex digits of a hash shown where a terminal is too narrow for all 64.</summary>
    const int ShortHash = 16;

    readonly Argument<string> _path = new("PATH") { Description = "A checkpoint's folder, a run's folder (its newest checkpoint) or a .safetensors file" };

    /// <summary>Makes the command.</summary>
    public CheckpointInspectCommand() : base("inspect", "Lists a checkpoint's tensors: name, dtype, shape, SHA-256") => Arguments.Add(_path);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin checkpoint inspect runs/digits/1", "raijin checkpoint inspect model.safetensors --json"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        invocation.ThrowIfFaulty();
        var path = invocation.Get(_path)!;
        if (Directory.Exists(path) && FolderOf(path) is var folder && File.Exists(Path.Combine(folder, ShardedCheckpoint.IndexFile))) return ShowShards(invocation.Terminal, folder);
        var (root, files) = Find(path);
        var tensors = new List<ListedTensor>();
        foreach (var name in files)
        {
            using var file = SafetensorsFile.Open(name);
            tensors.AddRange(file.Entries.Select(entry => new ListedTensor(Path.GetRelativePath(root, name), entry, Convert.ToHexStringLower(file.Sha256(entry.Name)))));
        }
        Print(invocation.Terminal.Human, root, tensors);
        JsonReport.Write(invocation.Terminal, "checkpoint inspect", ExitCodes.Success, json => WriteJson(json, root, tensors));
        return ExitCodes.Success;
    }

    static int ShowShards(Terminal terminal, string folder)
    {
        using var checkpoint = ShardedCheckpoint.Open(folder, verify: false);
        var console = terminal.Human;
        var bytes = checkpoint.Tensors.Sum(tensor => tensor.Bytes);
        console.MarkupLine($"{RunFolders.Shown(folder).In(Palette.Heading)}  {string.Create(CultureInfo.InvariantCulture, $"step {checkpoint.Info.Step}, {checkpoint.Tensors.Count} tensors, {bytes:N0} bytes, written by {checkpoint.WorldSize} ranks").In(Palette.Quiet)}");
        console.Write("\n");
        var listing = new Listing(Palette.Typed, "", "", "", Palette.Quiet);
        foreach (var tensor in checkpoint.Tensors)
            listing.Add(tensor.Name, tensor.Dtype, $"[{string.Join(", ", tensor.Shape)}]", tensor.Bytes.ToString("N0", CultureInfo.InvariantCulture), tensor.Ranges is [var only] ? only.File : $"{tensor.Ranges.Count} slices");
        listing.Print(console);
        JsonReport.Write(terminal, "checkpoint inspect", ExitCodes.Success, json =>
        {
            json.WriteString("checkpoint", folder);
            json.WriteNumber("step", checkpoint.Info.Step);
            json.WriteNumber("worldSize", checkpoint.WorldSize);
            json.WriteStartArray("tensors");
            foreach (var tensor in checkpoint.Tensors) WriteShards(json, tensor);
            json.WriteEndArray();
        });
        return ExitCodes.Success;
    }

    static void WriteShards(Utf8JsonWriter json, LogicalTensor tensor)
    {
        json.WriteStartObject();
        json.WriteString("name", tensor.Name);
        json.WriteString("dtype", tensor.Dtype);
        json.WriteStartArray("shape");
        foreach (var size in tensor.Shape) json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteNumber("bytes", tensor.Bytes);
        json.WriteStartArray("slices");
        foreach (var range in tensor.Ranges)
        {
            json.WriteStartObject();
            json.WriteString("file", range.File);
            json.WriteNumber("start", range.Start);
            json.WriteNumber("count", range.Count);
            json.WriteString("xxh3", range.Xxh3);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static (string Root, IReadOnlyList<string> Files) Find(string path)
    {
        if (File.Exists(path)) return (Path.GetDirectoryName(Path.GetFullPath(path))!, [Path.GetFullPath(path)]);
        var folder = FolderOf(path);
        string[] files = [.. Directory.EnumerateFiles(folder, "*.safetensors", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        return files.Length > 0 ? (folder, files) : throw Refused(path, "holds no .safetensors files: neither a checkpoint nor a run");
    }

    /// <summary>The folder of a checkpoint, given itself or as the run whose newest it is.</summary>
    /// <exception cref="InvalidOptionsException">There is none.</exception>
    public static string FolderOf(string path)
    {
        if (!Directory.Exists(path)) throw Refused(path, File.Exists(path) ? "is a file: give the folder of a checkpoint or of a run" : "does not exist");
        var folder = Path.GetFullPath(path);
        if (!Directory.Exists(RunFolders.Checkpoints(folder))) return folder;
        using var store = new Raijin.Training.CheckpointStore(RunFolders.Checkpoints(folder));
        return store.Last()?.Path ?? throw Refused(path, "is a run without checkpoints");
    }

    static InvalidOptionsException Refused(string path, string problem) => new([new OptionFault($"PATH = {path}", problem)]);

    static void Print(IAnsiConsole console, string root, List<ListedTensor> tensors)
    {
        var bytes = tensors.Sum(tensor => tensor.Entry.Bytes);
        console.MarkupLine($"{RunFolders.Shown(root).In(Palette.Heading)}  {$"{tensors.Count} tensors, {bytes.ToString("N0", CultureInfo.InvariantCulture)} bytes".In(Palette.Quiet)}");
        foreach (var file in tensors.GroupBy(tensor => tensor.File))
        {
            console.Write("\n");
            console.MarkupLine(file.Key.In(Palette.Heading));
            var taken = 2 + file.Max(tensor => tensor.Entry.Name.Length) + 3 + file.Max(tensor => tensor.Entry.Dtype.Length) + 3 + file.Max(tensor => tensor.Shape.Length) + 3;
            var digits = taken + 64 <= console.Profile.Width ? 64 : ShortHash;
            var listing = new Listing(Palette.Typed, "", "", Palette.Quiet);
            foreach (var tensor in file) listing.Add(tensor.Entry.Name, tensor.Entry.Dtype, tensor.Shape, tensor.Sha256[..digits]);
            listing.Print(console);
        }
    }

    static void WriteJson(Utf8JsonWriter json, string root, List<ListedTensor> tensors)
    {
        json.WriteString("checkpoint", root);
        json.WriteStartArray("tensors");
        foreach (var (file, entry, sha256) in tensors)
        {
            json.WriteStartObject();
            json.WriteString("file", file);
            json.WriteString("name", entry.Name);
            json.WriteString("dtype", entry.Dtype);
            json.WriteStartArray("shape");
            foreach (var size in entry.Shape) json.WriteNumberValue(size);
            json.WriteEndArray();
            json.WriteNumber("bytes", entry.Bytes);
            json.WriteString("sha256", sha256);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    sealed record ListedTensor(string File, SafetensorsEntry Entry, string Sha256)
    {
        public string Shape => $"[{string.Join(", ", Entry.Shape)}]";
    }
}
