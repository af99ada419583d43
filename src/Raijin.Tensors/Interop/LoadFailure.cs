using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Raijin.Tensors;

/// <summary>Turns a loader's failure into one that names the file and what to do.</summary>
static partial class LoadFailure
{
    static readonly string[] Platforms = ["linux-x64", "win-x64", "osx-arm64"];

    /// <param name="failure">What the runtime threw; its message holds what the system's loader said of each place tried.</param>
    /// <param name="folder">The folder libtorch was to come from, or null: the program's own.</param>
    public static NativeLibraryException Explain(Exception failure, string? folder)
    {
        var torchSharp = LibTorchFolder.FileName("LibTorchSharp");
        var platform = Portable;
        if (!Platforms.Contains(platform))
            return new(torchSharp, "TorchSharp has no native library for this platform", $"run on one of {string.Join(", ", Platforms)}", failure);
        if (NativeSearch.Find(torchSharp) is not { } found)
            return new(torchSharp, $"not in any of {string.Join(", ", NativeSearch.Folders)}",
                "publish the whole output folder; build with the TorchSharp package referenced, not its assembly alone", failure);
        if (folder is null && NativeSearch.Find(LibTorchFolder.FileName("torch_cpu")) is null)
            return new(LibTorchFolder.FileName("torch_cpu"), "the program was built without libtorch",
                $"add <PackageReference Include=\"libtorch-cpu-{platform}\" Version=\"2.10.0\" />, or set RAIJIN_LIBTORCH to the folder of an installed one", failure);
        if (MissingVersion().Match(failure.Message) is { Success: true, Value: var version })
            return new(found, $"this system's C or C++ runtime is too old: it has no {version}", version == "GLIBCXX_3.4.32"
                ? "build the program as a project that references Raijin.Tensors: its build step removes this need of TorchSharp's"
                : "run on a newer system: Debian 12, Ubuntu 22.04, RHEL 9 or later", failure);
        // The runtime tries several spellings of the library's own name; what is missing is the other one.
        if (MissingFile().Matches(failure.Message).FirstOrDefault(m => !m.Value.Contains("LibTorchSharp", StringComparison.Ordinal)) is { } missing)
            return new(missing.Groups[1].Value, $"{found} needs it and the loader does not find it",
                OperatingSystem.IsWindows() ? "install the Microsoft Visual C++ runtime, 2022 or later" : "install the package that holds it, or publish the whole output folder", failure);
        return new(found, LoaderWords(failure), "what the system's loader says above", failure);
    }

    /// <summary>What the system's loader said, without the runtime's advice on how to find out.</summary>
    public static string LoaderWords(Exception failure)
    {
        var lines = failure.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var said = lines.Where(line => !line.Contains("LD_DEBUG", StringComparison.Ordinal) && !line.Contains("DYLD_PRINT", StringComparison.Ordinal)).Distinct().ToList();
        return said.Count > 0 ? string.Join("\n            ", said) : failure.Message;
    }

    static string Portable
    {
        get
        {
            var system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : OperatingSystem.IsLinux() ? "linux" : "unknown";
            return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    [GeneratedRegex(@"GLIBC(XX)?_[0-9.]+(?=' not found)")]
    private static partial Regex MissingVersion();

    [GeneratedRegex(@"(\S+): cannot open shared object file")]
    private static partial Regex MissingFile();
}
