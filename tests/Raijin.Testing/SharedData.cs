using System.Runtime.CompilerServices;
using Xunit;

namespace Raijin.Testing;

/// <summary>Real data and small models that lie beside a developer's checkout in <c>../shared/data</c>, and are absent from a user's clone.</summary>
public static class SharedData
{
    /// <summary>The checkout this was compiled from.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>The path of a file or folder of the shared data; skips the test, with the reason, where it is absent.</summary>
    public static string Require(params string[] parts)
    {
        var path = Path.Combine([Repository, "..", "shared", "data", .. parts]);
        Assert.SkipUnless(File.Exists(path) || Directory.Exists(path), $"needs shared data that is not beside this checkout: {string.Join('/', parts)}");
        return Path.GetFullPath(path);
    }

    static string FindRepository([CallerFilePath] string here = "")
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(here)!);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Raijin.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"no Raijin.slnx above {here}");
    }
}
