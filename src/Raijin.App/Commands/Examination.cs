using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>Looks at the machine, for <c>raijin doctor</c>.</summary>
static class Examination
{
    /// <summary>Below this a checkpoint of a small model may still fit; nothing more.</summary>
    const long LittleDisk = 1L << 30;

    /// <summary>What .NET runs on.</summary>
    public static IEnumerable<Finding> OfPlatform()
    {
        const string area = "Platform";
        yield return new(area, "raijin", Versions.Raijin);
        yield return new(area, ".NET", RuntimeInformation.FrameworkDescription);
        yield return new(area, "system", $"{RuntimeInformation.OSDescription} ({RuntimeInformation.RuntimeIdentifier})");
        yield return new(area, "cores", Number(Environment.ProcessorCount));
        yield return (Vector512.IsHardwareAccelerated, Vector256.IsHardwareAccelerated, Vector128.IsHardwareAccelerated) switch
        {
            (true, _, _) => new(area, "SIMD", "512 bits", Verdict.Good),
            (_, true, _) => new(area, "SIMD", "256 bits", Verdict.Good),
            (_, _, true) => new(area, "SIMD", "128 bits", Verdict.Good),
            _ => new(area, "SIMD", "none", Verdict.Warn, "Optimizers run one number at a time."),
        };
    }

    /// <summary>Whether and from where libtorch loads, and what it computes on.</summary>
    public static IEnumerable<Finding> OfLibTorch()
    {
        const string area = "libtorch";
        if (LoadFailure() is { } failure)
        {
            yield return new(area, "load", "failed", Verdict.Bad, failure.Message);
            yield break;
        }
        yield return new(area, "version", $"{LibTorch.LoadedVersion} (TorchSharp is compiled against {LibTorch.BoundVersion})", Verdict.Good);
        yield return new(area, "from", LibTorch.Folder is { } folder ? $"{folder} (RAIJIN_LIBTORCH)" : AppContext.BaseDirectory);
        yield return new(area, "TorchSharp", typeof(Tensor).Assembly.GetName().Version!.ToString(3));
        yield return RepairState.IsRepaired
            ? new(area, "repair", "TorchSharp keeps what native code reads alive", Verdict.Good)
            : new(area, "repair", "missing: tensors may be freed while native code reads them", Verdict.Bad, RepairState.Remedy);
        yield return new(area, "threads", $"{Number(get_num_threads())} within an op, {Number(get_num_interop_threads())} between ops");
        foreach (var device in DeviceChoice.Available) yield return new(area, "device", device, Verdict.Good);
    }

    /// <summary>How much memory there is.</summary>
    public static IEnumerable<Finding> OfMemory()
    {
        var memory = GC.GetGCMemoryInfo();
        yield return new("Memory", "available", $"{Gigabytes(memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes)} of {Gigabytes(memory.TotalAvailableMemoryBytes)} GB");
    }

    /// <summary>Whether runs can be written to <paramref name="output"/>.</summary>
    public static IEnumerable<Finding> OfDisk(string output)
    {
        const string area = "Disk";
        var folder = new DirectoryInfo(Path.GetFullPath(output));
        yield return new(area, "output", folder.FullName);
        while (!folder.Exists) folder = folder.Parent!;
        var free = new DriveInfo(folder.FullName).AvailableFreeSpace;
        yield return new(area, "free", $"{Gigabytes(free)} GB", free < LittleDisk ? Verdict.Warn : Verdict.Good, free < LittleDisk ? "Checkpoints may not fit: give another disk with --output." : null);
        yield return WriteFailure(folder.FullName) is { } failure
            ? new(area, "writable", "no", Verdict.Bad, $"{failure} Give a folder that can be written with --output.")
            : new(area, "writable", "yes", Verdict.Good);
    }

    static NativeLibraryException? LoadFailure()
    {
        try
        {
            LibTorch.EnsureLoaded();
            return null;
        }
        catch (NativeLibraryException error)
        {
            return error;
        }
    }

    static string? WriteFailure(string folder)
    {
        try
        {
            using var probe = new FileStream(Path.Combine(folder, $".raijin-{Guid.NewGuid():N}"), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.DeleteOnClose });
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return error.Message;
        }
    }

    static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    static string Gigabytes(long bytes) => (bytes / 1e9).ToString("F1", CultureInfo.InvariantCulture);
}
