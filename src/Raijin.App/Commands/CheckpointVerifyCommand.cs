using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin checkpoint verify PATH</c>: compares every byte with the hashes that were kept when it was saved, and the index with the files.</summary>
sealed class CheckpointVerifyCommand : CliCommand
{
    readonly Argument<string> _path = new("PATH") { Description = "A checkpoint's folder, or a run's folder (its newest checkpoint)" };

    /// <summary>Makes the command.</summary>
    public CheckpointVerifyCommand() : base("verify", "Compares a checkpoint with its hashes; exit code 1 when it is damaged") => Arguments.Add(_path);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples => ["raijin checkpoint verify runs/digits/1"];

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        invocation.ThrowIfFaulty();
        var folder = CheckpointInspectCommand.FolderOf(invocation.Get(_path)!);
        var problems = Problems(folder, out var summary);
        var console = invocation.Terminal.Human;
        if (problems.Count == 0) console.MarkupLine($"{RunFolders.Shown(folder).In(Palette.Heading)}  {$"whole: {summary}".In(Palette.Quiet)}");
        else foreach (var problem in problems) console.Write(problem + "\n");
        var code = problems.Count == 0 ? ExitCodes.Success : ExitCodes.Failure;
        JsonReport.Write(invocation.Terminal, "checkpoint verify", code, json =>
        {
            json.WriteString("checkpoint", folder);
            json.WriteBoolean("whole", problems.Count == 0);
            json.WriteStartArray("problems");
            foreach (var problem in problems) json.WriteStringValue(problem);
            json.WriteEndArray();
        });
        return code;
    }

    static List<string> Problems(string folder, out string summary)
    {
        summary = "";
        var problems = new List<string>();
        try
        {
            using var checkpoint = ShardedCheckpoint.Open(folder);
            summary = string.Create(CultureInfo.InvariantCulture, $"step {checkpoint.Info.Step}, {checkpoint.Tensors.Count} tensors, {checkpoint.Info.Bytes:N0} bytes, written by {checkpoint.WorldSize} {(checkpoint.WorldSize == 1 ? "rank" : "ranks")}");
            problems.AddRange(checkpoint.Verify().Select(problem => problem.Message).Distinct());
        }
        catch (CheckpointException error)
        {
            problems.Add(error.Message);
            problems.AddRange(DamagedTensors(folder));
        }
        return problems;
    }

    // Which tensors a damaged file takes with it, where the index is still to be read.
    static List<string> DamagedTensors(string folder)
    {
        try
        {
            using var checkpoint = ShardedCheckpoint.Open(folder, verify: false);
            return [.. checkpoint.Verify().Select(problem => problem.Message).Distinct()];
        }
        catch (CheckpointException)
        {
            // The problem that led here says it already.
            return [];
        }
    }
}
