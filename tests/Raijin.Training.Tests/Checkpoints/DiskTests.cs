using System.Diagnostics;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Checkpoints;

/// <summary>Disks that are full, read-only or not there.</summary>
public sealed class DiskTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_full_disk_is_a_clear_error_and_the_last_checkpoint_stays()
    {
        using var scope = NewDisposeScope();
        using var disk = SmallDisk.Mount(_folder["disk"], megabytes: 4);
        using var store = new CheckpointStore(_folder["disk"]);
        store.Save("small", CheckpointStoreTests.Content(1), new(1));

        var error = Assert.Throws<CheckpointException>(() => store.Save("large", CheckpointStoreTests.Content(2, 2_000_000), new(2)));
        Assert.Contains("MB free", error.Message, StringComparison.Ordinal);
        Assert.Contains("untouched", error.Message, StringComparison.Ordinal);
        Assert.Equal(["small"], Directory.EnumerateDirectories(_folder["disk"]).Select(Path.GetFileName));

        Assert.Throws<CheckpointException>(() => store.SaveInBackground("large", CheckpointStoreTests.Content(2, 2_000_000), new(2)).Wait(TestContext.Current.CancellationToken));
        using var good = store.OpenLastGood(out var skipped);
        Assert.Equal("small", good?.Info.Name);
        Assert.Empty(skipped);
        store.Save("next", CheckpointStoreTests.Content(3), new(3));
    }

    [Fact]
    public async Task A_file_that_may_not_grow_is_a_clear_error_and_the_last_checkpoint_stays()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "limits file sizes with ulimit");
        using var scope = NewDisposeScope();
        using (var store = new CheckpointStore(_folder.Path)) store.Save("step-00000001", CheckpointStoreTests.Content(1), new(1));

        // 512-byte blocks; the signal that a write past the limit sends is ignored, so that the write fails instead.
        // The runtime keeps its own code in a file in memory unless it is told not to, and the limit would hold for that too.
        var start = new ProcessStartInfo("sh") { RedirectStandardOutput = true, Environment = { ["DOTNET_EnableWriteXorExecute"] = "0" } };
        foreach (var argument in new[] { "-c", "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\"", SaveHost.Path, _folder.Path, "1000000" }) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("refused", output, StringComparison.Ordinal);
        Assert.Contains("could not be saved", output, StringComparison.Ordinal);

        using var after = new CheckpointStore(_folder.Path);
        using var good = after.OpenLastGood(out var skipped);
        Assert.Equal(1, good?.Info.Step);
        Assert.Empty(skipped);
        Assert.Single(Directory.EnumerateDirectories(_folder.Path));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_a_clear_error()
    {
        using var scope = NewDisposeScope();
        File.WriteAllText(_folder["file"], "");
        using var store = new CheckpointStore(_folder["file/checkpoints"]);
        var error = Assert.Throws<CheckpointException>(() => store.Save("a", CheckpointStoreTests.Content(1), new(1)));
        Assert.Contains("cannot be saved here", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_only_folder_is_a_clear_error_and_its_checkpoints_stay_readable()
    {
        using var scope = NewDisposeScope();
        using (var writer = new CheckpointStore(_folder["run"])) writer.Save("a", CheckpointStoreTests.Content(1), new(1));
        using var readOnly = ReadOnlyFolder.Make(_folder["run"]);
        using var store = new CheckpointStore(_folder["run"]);
        Assert.Throws<CheckpointException>(() => store.Save("b", CheckpointStoreTests.Content(2), new(2)));
        using var good = store.OpenLastGood(out _);
        Assert.Equal(1, good?.Info.Step);
    }

    [Fact]
    public void A_missing_parent_of_a_single_checkpoint_is_a_clear_error()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<CheckpointException>(() => CheckpointFolder.Write(_folder["none/a"], CheckpointStoreTests.Content(1), new(1)));
        Assert.Contains("There is no folder", error.Message, StringComparison.Ordinal);
    }
}
