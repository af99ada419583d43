namespace Raijin.Parallel.Tests.Tiers;

/// <summary>The files this process holds open, those without a name too, as another process of the same user reaches them.</summary>
static class OpenFiles
{
    /// <summary>Cuts the files in a folder that have no name any more.</summary>
    public static void CutShort(string folder, long bytes)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere a file without a name cannot be reached.");
        var cut = 0;
        foreach (var link in Directory.GetFiles("/proc/self/fd"))
        {
            if (new FileInfo(link).LinkTarget is not { } target || !target.StartsWith(folder, StringComparison.Ordinal)) continue;
            using var handle = File.OpenHandle(link, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            RandomAccess.SetLength(handle, bytes);
            cut++;
        }
        Assert.True(cut > 0, $"no file of {folder} is open");
    }
}
