using System.IO.Hashing;
using Raijin.Testing;

namespace Raijin.Tensors.Tests;

public sealed class DurableFileTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(100, 0)]
    [InlineData(100, 1_000_000)]
    [InlineData(1 << 20, 1)]
    [InlineData((1 << 20) + 1, 100)]
    [InlineData(10_000_000, 10_000_000)]
    public void What_is_written_in_any_portions_arrives(int bytes, int expected)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        foreach (var portion in new[] { 1 << 24, 700_001, 4096 })
        {
            using var file = DurableFile.Replace(_folder["x"], expected);
            for (var at = 0; at < bytes; at += portion) file.Write(content.AsSpan(at, Math.Min(portion, bytes - at)));
            file.Commit();
            Assert.Equal(content, File.ReadAllBytes(_folder["x"]));
            Assert.Equal(XxHash3.HashToUInt64(content), file.Hash);
        }
    }

    [Fact]
    public void A_name_is_untouched_until_the_commit()
    {
        File.WriteAllText(_folder["x"], "old");
        using (var file = DurableFile.Replace(_folder["x"]))
        {
            file.Write("new"u8);
            Assert.Equal("old", File.ReadAllText(_folder["x"]));
        }

        Assert.Equal("old", File.ReadAllText(_folder["x"]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_published_folder_replaces_the_one_of_its_name()
    {
        foreach (var exchanges in new[] { true, false })
        {
            Directory.CreateDirectory(_folder["final"]);
            File.WriteAllText(_folder["final/old"], "");
            var temporary = DurableFile.TemporaryName(_folder["final"]);
            Directory.CreateDirectory(temporary);
            File.WriteAllText(Path.Combine(temporary, "new"), "");

            if (exchanges) DurableFolder.Publish(temporary, _folder["final"]);
            else DurableFolder.Publish(temporary, _folder["final"], (_, _) => false);

            Assert.Equal([_folder["final"]], Directory.GetFileSystemEntries(_folder.Path));
            Assert.Equal([_folder["final/new"]], Directory.GetFileSystemEntries(_folder["final"]));
            Directory.Delete(_folder["final"], recursive: true);
        }
    }

    [Fact]
    public void Syncing_a_folder_that_is_not_there_is_an_error()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such call");
        var error = Assert.Throws<IOException>(() => DurableFolder.Sync(_folder["none"]));
        Assert.Contains("No such file", error.Message, StringComparison.Ordinal);
    }
}
