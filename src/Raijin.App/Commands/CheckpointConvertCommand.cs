using System.CommandLine;
using System.Globalization;
using Raijin.Tensors;
using Raijin.Training;
using Spectre.Console;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary><c>raijin checkpoint convert PATH --to FILE</c>: a checkpoint's weights alone, as one safetensors file, in another precision if wanted.</summary>
sealed class CheckpointConvertCommand : CliCommand
{
    static readonly Dictionary<string, ScalarType> Types = new() { ["f32"] = ScalarType.Float32, ["f16"] = ScalarType.Float16, ["bf16"] = ScalarType.BFloat16 };

    readonly Argument<string> _path = new("PATH") { Description = "A checkpoint's folder, a run's folder (its newest checkpoint) or a .safetensors file" };
    readonly Option<string> _to = new("--to") { Description = "The file to write (default: model.safetensors)", HelpName = "FILE" };
    readonly Option<string> _type = new("--dtype") { Description = "f32, f16 or bf16 for all floating-point weights (default: as they are)", HelpName = "TYPE" };

    /// <summary>Makes the command.</summary>
    public CheckpointConvertCommand() : base("convert", "Writes a checkpoint's weights alone as one safetensors file")
    {
        Arguments.Add(_path);
        Options.Add(_to);
        Options.Add(_type);
        _type.CompletionSources.Add([.. Types.Keys]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin checkpoint convert runs/1 --to model.safetensors", "raijin checkpoint convert runs/1 --dtype bf16"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var type = invocation.Text(_type);
        if (type is not null && !Types.ContainsKey(type)) invocation = invocation.WithFault(new($"--dtype = {type}", $"allowed: {string.Join(", ", Types.Keys)}"));
        invocation.ThrowIfFaulty();
        var path = invocation.Get(_path)!;
        var to = invocation.Text(_to) ?? "model.safetensors";

        var source = Weights(path);
        if (Path.GetFullPath(source) == Path.GetFullPath(to)) throw new InvalidOptionsException([new($"--to = {to}", "is the file that is read: give another name")]);
        if (Path.GetDirectoryName(to) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        using var scope = TensorScope.Open();
        using var file = SafetensorsFile.Open(source);
        List<KeyValuePair<string, Tensor>> tensors = [.. file.Names.Select(name => KeyValuePair.Create(name, As(file.Tensor(name), type)))];
        var written = SafetensorsWriter.Write(to, tensors, new Dictionary<string, string> { ["format"] = "pt" });

        invocation.Terminal.Human.Write(string.Create(CultureInfo.InvariantCulture, $"Wrote {tensors.Count} tensors of {RunFolders.Shown(source)} to {to}, {written.Bytes:N0} bytes.\n"));
        JsonReport.Write(invocation.Terminal, "checkpoint convert", ExitCodes.Success, json =>
        {
            json.WriteString("source", Path.GetFullPath(source));
            json.WriteString("file", Path.GetFullPath(to));
            json.WriteNumber("tensors", tensors.Count);
            json.WriteNumber("bytes", written.Bytes);
        });
        return ExitCodes.Success;
    }

    static Tensor As(Tensor tensor, string? type) => type is null || !tensor.is_floating_point() ? tensor : tensor.to(Types[type]);

    static string Weights(string path)
    {
        if (File.Exists(path)) return path;
        var folder = CheckpointInspectCommand.FolderOf(path);
        if (File.Exists(Path.Combine(folder, ShardedCheckpoint.IndexFile)))
            throw new InvalidOptionsException([new($"PATH = {path}", "was written by several ranks: merge it first (raijin checkpoint merge), then convert the file")]);
        using var checkpoint = LoadedCheckpoint.Open(folder);
        return checkpoint.File("model").Path;
    }
}
