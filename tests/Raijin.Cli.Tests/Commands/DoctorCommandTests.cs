using System.Text.Json;
using Raijin.App;
using Raijin.Collectives;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class DoctorCommandTests
{
    [Fact]
    public void A_machine_that_runs_these_tests_is_ready_to_train()
    {
        using var folder = new TemporaryFolder();
        var call = Call.Run("doctor", "--output", folder["runs"], "--json");
        Assert.Equal(0, call.ExitCode);
        Assert.Contains("Ready to train.", call.Error, StringComparison.Ordinal);
        var findings = JsonDocument.Parse(call.Out).RootElement.GetProperty("findings").EnumerateArray().ToDictionary(f => f.GetProperty("name").GetString()!, f => f.GetProperty("value").GetString()!);
        Assert.StartsWith("2.10", findings["version"], StringComparison.Ordinal);
        Assert.Equal(folder["runs"], findings["output"]);
        Assert.Equal("yes", findings["writable"]);
        Assert.Equal("ranks as threads", findings["inProcess"]);
        Assert.Equal("nobody", findings["started by"]);
        Assert.True(findings.ContainsKey("instructions"));
        Assert.Equal(Raijin.Tensors.OpRecorder.Unavailable is null, findings["op recording"] == "traces and FLOPs see every op");
        Assert.Equal(Raijin.Tensors.GradientHooks.FiresDuringBackward, findings["gradient hooks"].StartsWith("libtorch's own", StringComparison.Ordinal));
        Assert.Contains(System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? "512 bits" : "at a time", findings["optimizers"], StringComparison.Ordinal);
        foreach (var transport in TransportStatus.OfHost()) Assert.Equal(transport.Description, findings[RecordShape.CamelCase(transport.Kind.ToString())]);
        if (File.Exists("/usr/bin/mpirun")) Assert.Equal("/usr/bin/mpirun", findings["mpirun"]);
        if (Directory.Exists("/dev/shm")) Assert.Contains(" GB free", findings["/dev/shm"], StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void What_ranks_were_started_by_and_told_is_found()
    {
        var findings = RankExamination.Of(new Dictionary<string, string> { ["PATH"] = "", ["RANK"] = "1", ["WORLD_SIZE"] = "2", ["MASTER_ADDR"] = "localhost", ["MASTER_PORT"] = "1", ["OMP_NUM_THREADS"] = "3", ["HOME"] = "/" }).ToDictionary(f => f.Name, f => f.Value);
        Assert.Equal("torchrun's variables, as rank 1 of 2", findings["started by"]);
        Assert.Equal(("3", "not in PATH", false), (findings["OMP_NUM_THREADS"], findings["mpirun"], findings.ContainsKey("HOME")));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_exit_code_1_with_the_remedy()
    {
        // A kernel's file system, writable by nobody, not even by root.
        Assert.SkipUnless(Directory.Exists("/proc/self"), "needs a folder nobody can write");
        var call = Call.Run("doctor", "--output", "/proc/self/runs");
        Assert.Equal(1, call.ExitCode);
        Assert.Contains("Give a folder that can be written with --output.", call.Out, StringComparison.Ordinal);
        Assert.Contains("1 thing to repair before training.", call.Out, StringComparison.Ordinal);
    }
}
