using Raijin.Testing;

namespace Raijin.Tensors.Tests.Checkpoints;

/// <summary>A manifest that was made to deceive: its hash is right.</summary>
public sealed class CheckpointManifestTests
{
    static CheckpointManifest Whole => new()
    {
        Format = CheckpointManifest.FormatName,
        Version = CheckpointManifest.CurrentVersion,
        Sequence = 1,
        Step = 7,
        Metrics = new Dictionary<string, double> { ["loss"] = double.NaN },
        Created = DateTimeOffset.UnixEpoch,
        Files = new Dictionary<string, ManifestFile> { ["a.safetensors"] = new(10, CheckpointManifest.Hex(3)) },
    };

    public static TheoryData<string, Func<CheckpointManifest, CheckpointManifest>> Forged => new()
    {
        { "it needs metrics, and files", m => m with { Files = new Dictionary<string, ManifestFile> { ["a"] = null! } } },
        { "it needs metrics, and files", m => m with { Files = new Dictionary<string, ManifestFile> { ["a"] = new(1, null!) } } },
        { "it needs metrics, and files", m => m with { Files = new Dictionary<string, ManifestFile> { ["a"] = new(-1, CheckpointManifest.Hex(3)) } } },
        { "which is not a file name", m => m with { Files = new Dictionary<string, ManifestFile> { ["../a"] = new(1, CheckpointManifest.Hex(3)) } } },
        { "its format is \"zip\"", m => m with { Format = "zip" } },
        { "it has version 2", m => m with { Version = 2 } },
    };

    [Fact]
    public void What_was_written_is_read()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder[CheckpointManifest.FileName], Whole.Write());
        var read = CheckpointManifest.Read(folder.Path);
        Assert.Equal((7, 10, double.NaN), (read.Step, read.Files["a.safetensors"].Bytes, read.Metrics["loss"]));
    }

    [Theory]
    [InlineData("files")]
    [InlineData("metrics")]
    public void What_is_null_is_refused(string property)
    {
        using var folder = new TemporaryFolder();
        var without = property == "files" ? Whole with { Files = null! } : Whole with { Metrics = null! };
        // A null is not written, and does not count for the hash.
        File.WriteAllText(folder[CheckpointManifest.FileName], $"{{ \"{property}\": null, {System.Text.Encoding.UTF8.GetString(without.Write()).TrimStart()[1..]}");
        Assert.Contains("it needs metrics, and files", Assert.Throws<CheckpointException>(() => CheckpointManifest.Read(folder.Path)).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Forged))]
    public void What_is_forged_is_refused_by_name(string expected, Func<CheckpointManifest, CheckpointManifest> forge)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder[CheckpointManifest.FileName], forge(Whole).Write());
        var error = Assert.Throws<CheckpointException>(() => CheckpointManifest.Read(folder.Path));
        Assert.Equal(folder[CheckpointManifest.FileName], error.Path);
        Assert.Contains(expected, error.Problem, StringComparison.Ordinal);
    }
}
