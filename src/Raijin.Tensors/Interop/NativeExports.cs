using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>
/// Finds exported symbols of the native libraries that the process already runs on. A symbol that a platform does not export is zero,
/// and its user falls back; nothing here throws for a missing one.
/// </summary>
static class NativeExports
{
    static readonly nint TorchCpu = Open("torch_cpu");
    static readonly nint TorchCuda = Open("torch_cuda");
    static readonly nint C10 = Open("c10");
    static readonly nint Binding = Open("LibTorchSharp");
    static readonly nint StdCxx = OperatingSystem.IsLinux() ? Open("stdc++", "libstdc++.so.6") : 0;
    static readonly nint C = OperatingSystem.IsLinux() ? Open("c", "libc.so.6") : 0;

    /// <summary>A symbol of libtorch_cpu (torch_cpu.dll, libtorch_cpu.dylib), or zero.</summary>
    public static nint OfTorch(string symbol) => Find(TorchCpu, symbol);

    /// <summary>A symbol of libtorch_cuda, or zero (always zero with the CPU's libtorch).</summary>
    public static nint OfTorchCuda(string symbol) => Find(TorchCuda, symbol);

    /// <summary>A symbol of libc10, or zero.</summary>
    public static nint OfC10(string symbol) => Find(C10, symbol);

    /// <summary>A symbol of TorchSharp's own native library, or zero.</summary>
    public static nint OfTorchSharp(string symbol) => Find(Binding, symbol);

    /// <summary>A symbol of the GNU C++ runtime, or zero (always zero off Linux).</summary>
    public static nint OfStdCxx(string symbol) => Find(StdCxx, symbol);

    /// <summary>A symbol of the GNU C library, or zero (always zero off Linux).</summary>
    public static nint OfC(string symbol) => Find(C, symbol);

    static nint Find(nint library, string symbol) =>
        library != 0 && NativeLibrary.TryGetExport(library, symbol, out var address) ? address : 0;

    // TorchSharp loads libtorch by its own search. Asking the loader for the bare name afterwards gives that same copy, never a second one.
    static nint Open(string name, string? linuxName = null)
    {
        LibTorch.EnsureLoaded();
        var file = OperatingSystem.IsWindows() ? name + ".dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : linuxName ?? $"lib{name}.so";
        return NativeLibrary.TryLoad(file, out var library) ? library : 0;
    }
}
