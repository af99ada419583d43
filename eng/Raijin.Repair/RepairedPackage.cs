using System.Security.Cryptography;
using System.Text;

namespace Raijin.Repair;

/// <summary>
/// Repaired copies of a TorchSharp package's files, in a folder laid out like the package. A file that needs no cure has no copy.
/// Builds of several projects may ask for the same folder at once: one works, the others find its stamp.
/// </summary>
static class RepairedPackage
{
    /// <summary>Written last, so that it vouches for the rest.</summary>
    public const string Stamp = "repair.stamp";

    /// <param name="assembly">The package's <c>lib/&lt;framework&gt;/TorchSharp.dll</c>; its native libraries are found beside it.</param>
    /// <param name="output">The folder the repaired copies go to.</param>
    /// <param name="managed">Whether the managed assembly is cured too, or the native libraries alone.</param>
    /// <returns>One line for the build log.</returns>
    public static string Write(string assembly, string output, bool managed)
    {
        assembly = Path.GetFullPath(assembly);
        var package = Path.GetFullPath(Path.Combine(assembly, "..", "..", ".."));
        Directory.CreateDirectory(output);
        using var turn = WaitForTurn(Path.Combine(output, "repair.lock"));

        var stamp = Path.Combine(output, Stamp);
        var libraries = NativeLibraries(package);
        var key = Key([assembly, .. libraries], managed);
        if (File.Exists(stamp) && File.ReadAllText(stamp) is var found && found.StartsWith(key, StringComparison.Ordinal))
        {
            File.SetLastWriteTimeUtc(stamp, TimeProvider.System.GetUtcNow().UtcDateTime);
            return found[key.Length..].Trim();
        }

        List<string> done = [];
        if (managed)
        {
            var cured = KeepAliveRewriter.Cure(File.ReadAllBytes(assembly));
            Replace(Mirror(assembly), cured?.Assembly);
            if (cured is { Counts: var counts })
                done.Add($"{counts.Calls} native calls of {counts.Methods} methods keep their wrappers alive");
        }
        else
        {
            Replace(Mirror(assembly), null);
        }
        foreach (var library in libraries)
        {
            var cured = WeakVersion.Cure(File.ReadAllBytes(library));
            Replace(Mirror(library), cured);
            if (cured is not null)
                done.Add($"{Path.GetRelativePath(package, library)} loads without GCC 13's libstdc++");
        }

        var summary = done.Count == 0 ? "TorchSharp needs no repair" : $"TorchSharp repaired: {string.Join("; ", done)}";
        Replace(stamp, Encoding.UTF8.GetBytes($"{key}\n{summary}\n"));
        return summary;

        string Mirror(string file) => Path.Combine(output, Path.GetRelativePath(package, file));
    }

    static string[] NativeLibraries(string package)
    {
        var runtimes = Path.Combine(package, "runtimes");
        return Directory.Exists(runtimes) ? Directory.GetFiles(runtimes, "libLibTorchSharp.so", SearchOption.AllDirectories) : [];
    }

    /// <summary>What the result depends on: the package's files, this tool, and what is asked.</summary>
    static string Key(string[] files, bool managed)
    {
        var hashes = files.Select(file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))[..32]);
        return $"{string.Join(' ', hashes)} {typeof(RepairedPackage).Module.ModuleVersionId} {(managed ? "full" : "native-only")}";
    }

    /// <summary>Old or new, never half of it: outputs of earlier builds may be hard links to the old file and keep it.</summary>
    static void Replace(string path, byte[]? content)
    {
        if (content is null)
        {
            if (File.Exists(path))
                File.Delete(path);
            return;
        }
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = path + ".new";
        File.WriteAllBytes(temporary, content);
        File.Move(temporary, path, overwrite: true);
    }

    static FileStream WaitForTurn(string path)
    {
        var deadline = TimeProvider.System.GetTimestamp() + 60 * TimeProvider.System.TimestampFrequency;
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (TimeProvider.System.GetTimestamp() < deadline)
            {
                Thread.Sleep(50);
            }
        }
    }
}
