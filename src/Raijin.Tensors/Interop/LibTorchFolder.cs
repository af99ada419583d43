using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Raijin.Tensors;

/// <summary>Loads an installed libtorch from the folder <c>RAIJIN_LIBTORCH</c> names, after checking that it is the one TorchSharp was compiled against.</summary>
static partial class LibTorchFolder
{
    const string Variable = "RAIJIN_LIBTORCH";

    // In the order of their dependencies. The CUDA ones are there in a CUDA build only.
    static readonly string[] Libraries = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];

    static readonly string Bound = LibTorch.BoundVersion.ToString(2);

    /// <exception cref="NativeLibraryException">The folder has no libtorch, or not this version, or one that lacks what TorchSharp needs.</exception>
    public static void Load(string folder)
    {
        folder = Path.GetFullPath(folder);
        var library = Path.Combine(folder, FileName("torch_cpu"));
        if (!File.Exists(library))
            throw new NativeLibraryException(library, $"there is no such file in the folder that {Variable} names",
                $"name the folder that holds {FileName("torch_cpu")}, such as torch/lib of a Python installation, or unset {Variable}");
        if (StatedVersion(folder) is { } stated)
            RequireBound(stated, folder);

        var loaded = Libraries.Select(name => Path.Combine(folder, FileName(name))).Where(File.Exists).Select(LoadLibrary).ToList();
        var abi = loaded.Select(handle => NativeLibrary.TryGetExport(handle, "aoti_torch_abi_version", out var export) ? export : 0).FirstOrDefault(e => e != 0);
        RequireBound(LibTorch.AbiVersion(abi), folder);
        RequireSymbols(loaded, library);
    }

    /// <summary>The version a folder's neighbours state: <c>version.py</c> in a Python package, <c>build-version</c> in a libtorch archive; null when neither does.</summary>
    public static Version? StatedVersion(string folder)
    {
        foreach (var name in (string[])["version.py", "build-version"])
        {
            var file = Path.Combine(folder, "..", name);
            if (File.Exists(file) && VersionNumber().Match(File.ReadAllText(file)) is { Success: true } match)
                return Version.Parse(match.ValueSpan);
        }
        return null;
    }

    static void RequireBound(Version found, string folder)
    {
        if (found.Major == LibTorch.BoundVersion.Major && found.Minor == LibTorch.BoundVersion.Minor) return;
        var version = found is { Major: 0, Minor: 0 } ? "older than 2.9" : found.ToString();
        throw new NativeLibraryException(folder, $"this libtorch is {version}; TorchSharp is compiled against {Bound}",
            $"install PyTorch or libtorch {Bound}, or unset {Variable} to use the one that comes with the program");
    }

    /// <summary>A build of the right version may still lack symbols: another C++ ABI, features left out. The loader would name the first one only.</summary>
    static void RequireSymbols(List<nint> loaded, string library)
    {
        if (!OperatingSystem.IsLinux() || NativeSearch.Find("libLibTorchSharp.so") is not { } torchSharp) return;
        var missing = ElfImage.Parse(File.ReadAllBytes(torchSharp)).UnversionedImports().Where(name => !loaded.Exists(handle => NativeLibrary.TryGetExport(handle, name, out _))).ToList();
        if (missing.Count == 0) return;
        const int shown = 10;
        var more = missing.Count > shown ? $"\n            … and {missing.Count - shown} more" : "";
        throw new NativeLibraryException(library,
            $"{missing.Count} symbols that {torchSharp} needs are missing:\n            {string.Join("\n            ", missing.Take(shown))}{more}",
            $"use an official build of PyTorch or libtorch {Bound} with the C++11 ABI");
    }

    static nint LoadLibrary(string file)
    {
        try
        {
            return NativeLibrary.Load(file);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new NativeLibraryException(file, LoadFailure.LoaderWords(e), $"check that the libtorch in this folder works by itself, or unset {Variable}", e);
        }
    }

    public static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    [GeneratedRegex(@"\d+\.\d+\.\d+")]
    private static partial Regex VersionNumber();
}
