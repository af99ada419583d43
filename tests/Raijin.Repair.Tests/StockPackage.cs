using System.Reflection;

namespace Raijin.Repair.Tests;

/// <summary>TorchSharp as published, in the package cache.</summary>
static class StockPackage
{
    public static string Folder { get; } = typeof(StockPackage).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "TorchSharpPackage").Value!;

    public static string AssemblyPath { get; } = Path.Combine(Folder, "lib", "net8.0", "TorchSharp.dll");

    public static string LibraryPath { get; } = Path.Combine(Folder, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    public static byte[] Assembly { get; } = File.ReadAllBytes(AssemblyPath);

    public static byte[] Library { get; } = File.ReadAllBytes(LibraryPath);

    /// <summary>A package of the same layout with other contents.</summary>
    public static string Imitate(string folder, byte[] assembly, byte[] library)
    {
        var path = Path.Combine(folder, "lib", "net8.0", "TorchSharp.dll");
        Write(path, assembly);
        Write(Path.Combine(folder, "runtimes", "linux-x64", "native", "libLibTorchSharp.so"), library);
        return path;
    }

    static void Write(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
    }
}
