using System.Text.Json;
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
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
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
