using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Raijin.Tensors;

/// <summary>Which libtorch this process runs on, and its loading.</summary>
/// <remarks>
/// libtorch comes from the program's own folder, or from <c>RAIJIN_LIBTORCH</c>. A folder's libraries are loaded first, by absolute path; TorchSharp's
/// native library then finds them by name among those already loaded.
/// </remarks>
public static class LibTorch
{
    /// <summary>The version TorchSharp's native library was compiled against: another minor version has another layout of its classes.</summary>
    public static Version BoundVersion { get; } = new(2, 10);

    static readonly Lazy<string?> Source = new(Load);

    /// <summary>Loads libtorch if it is not loaded. Cheap afterwards, from any thread; everything in Raijin that needs libtorch calls it.</summary>
    /// <exception cref="NativeLibraryException">It is missing, of another version, or for another platform. Thrown again at each call.</exception>
    public static void EnsureLoaded() => _ = Source.Value;

    /// <summary>The folder named by <c>RAIJIN_LIBTORCH</c> that libtorch was loaded from, or null: it came with the program.</summary>
    /// <exception cref="NativeLibraryException">As <see cref="EnsureLoaded"/>.</exception>
    public static string? Folder => Source.Value;

    /// <summary>Version of the loaded libtorch's stable ABI: major and minor.</summary>
    /// <exception cref="NativeLibraryException">As <see cref="EnsureLoaded"/>.</exception>
    public static unsafe Version LoadedVersion
    {
        get
        {
            EnsureLoaded();
            return AbiVersion(NativeExports.OfTorch("aoti_torch_abi_version"));
        }
    }

    internal static unsafe Version AbiVersion(nint export)
    {
        if (export == 0) return new Version(0, 0);
        var packed = ((delegate* unmanaged[Cdecl]<ulong>)export)();
        return new Version((int)(packed >> 56), (int)(packed >> 48 & 0xff));
    }

    static string? Load()
    {
        RepairState.WarnOnce();
        OpenMpWaiting.BoundSpinning();
        var folder = RaijinEnvironment.LibTorchFolder;
        if (folder is not null)
        {
            if (!RepairState.IsRepaired)
                throw new NativeLibraryException("TorchSharp.dll", "an unrepaired TorchSharp cannot use a libtorch from elsewhere (RAIJIN_LIBTORCH)", RepairState.Remedy);
            LibTorchFolder.Load(folder);
        }
        LoadTorchSharp(folder);
        if (RaijinEnvironment.KeepFreedMemory) NativeHeap.KeepFreedMemory();
        return folder;
    }

    static void LoadTorchSharp(string? folder)
    {
        var assembly = typeof(torch).Assembly;
        // Windows looks for a library's dependencies among the loaded ones, not in the folder of the native assets.
        if (folder is null) _ = NativeLibrary.TryLoad("torch_cpu", assembly, null, out _);
        try
        {
            _ = NativeLibrary.Load("LibTorchSharp", assembly, null);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw LoadFailure.Explain(e, folder);
        }
        // TorchSharp would look in the program's folder first and, with one there, load a second libtorch beside the first.
        if (folder is not null) NativeLibrariesLoaded(null) = true;
        torch.InitializeDeviceType(DeviceType.CPU);
    }

    [UnsafeAccessor(UnsafeAccessorKind.StaticField, Name = "NativeLibrariesLoaded")]
    static extern ref bool NativeLibrariesLoaded([UnsafeAccessorType(RepairState.Marker + ", TorchSharp")] object? type);

    /// <summary>
    /// A program may call TorchSharp before anything of Raijin's; a folder named by the environment must then be loaded already. Without
    /// the variable this does nothing.
    /// </summary>
#pragma warning disable CA2255 // It must run before the user's first tensor, whichever line that is on.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void LoadNamedFolderFirst()
    {
        if (RaijinEnvironment.LibTorchFolder is null) return;
        try
        {
            EnsureLoaded();
        }
        catch (NativeLibraryException)
        {
            // Out of a module initializer it would come wrapped and unreadable; EnsureLoaded throws it again.
        }
    }
}
