using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>Looks at the machine, for <c>raijin doctor</c>.</summary>
static class Examination
{
    /// <summary>Below this a checkpoint of a small model may still fit; nothing more.</summary>
    const long LittleDisk = 1L << 30;

    const string DriverFile = "/proc/driver/nvidia/version", SharedFolder = "/dev/shm";

    static readonly (string Name, bool IsSupported)[] Instructions =
    [
        ("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported), ("AVX-512F", Avx512F.IsSupported), ("AVX-512BW", Avx512BW.IsSupported), ("AVX-512 VBMI", Avx512Vbmi.IsSupported), ("AVX-VNNI", AvxVnni.IsSupported),
        ("AVX10.1", Avx10v1.IsSupported), ("AdvSimd", AdvSimd.IsSupported), ("Dp", Dp.IsSupported),
    ];

    /// <summary>What .NET runs on.</summary>
    public static IEnumerable<Finding> OfPlatform()
    {
        const string area = "Platform";
        yield return new(area, "raijin", Versions.Raijin);
        yield return new(area, ".NET", RuntimeInformation.FrameworkDescription);
        yield return new(area, "system", $"{RuntimeInformation.OSDescription} ({RuntimeInformation.RuntimeIdentifier})");
        if (Processor() is { } processor) yield return new(area, "processor", processor);
        yield return new(area, "cores", CpuAffinity.OfThread().Count is var mine && mine < Environment.ProcessorCount ? $"{Number(mine)} of {Number(Environment.ProcessorCount)} are allowed" : Number(Environment.ProcessorCount));
        yield return (Vector512.IsHardwareAccelerated, Vector256.IsHardwareAccelerated, Vector128.IsHardwareAccelerated) switch
        {
            (true, _, _) => new(area, "SIMD", "512 bits", Verdict.Good),
            (_, true, _) => new(area, "SIMD", "256 bits", Verdict.Good),
            (_, _, true) => new(area, "SIMD", "128 bits", Verdict.Good),
            _ => new(area, "SIMD", "none", Verdict.Warn, "Optimizers run one number at a time."),
        };
        yield return new(area, "instructions", string.Join(", ", Instructions.Where(set => set.IsSupported).Select(set => set.Name).DefaultIfEmpty("none beyond the base")));
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

    /// <summary>Which of what is faster than its portable stand-in works here; nothing where libtorch does not load.</summary>
    public static IEnumerable<Finding> OfKernels()
    {
        const string area = "Kernels";
        if (LoadFailure() is not null) yield break;
        var width = Vector512.IsHardwareAccelerated ? "512 bits" : Vector256.IsHardwareAccelerated ? "256 bits" : null;
        yield return width is null
            ? new(area, "optimizers", "one number at a time", Verdict.Warn, "Updates are slow on this processor.")
            : new(area, "optimizers", $"fused, {width} at a time", Verdict.Good);
        yield return ProcessorFlags() is { } flags && flags.Any(flag => flag is "avx512_bf16" or "amx_bf16" or "bf16")
            ? new(area, "bf16", $"multiplied by the processor ({string.Join(", ", flags.Where(flag => flag.Contains("bf16", StringComparison.Ordinal)).Order(StringComparer.Ordinal))})", Verdict.Good)
            : new(area, "bf16", "no instructions for it are known: on this processor it saves memory, not time");
        yield return GradientHooks.FiresDuringBackward
            ? new(area, "gradient hooks", "libtorch's own: ranks reduce while backward goes on", Verdict.Good)
            : new(area, "gradient hooks", "a stand-in: gradients are reduced when backward is over", Verdict.Warn, "Ranks are slower; results are the same.");
        yield return OpRecorder.Unavailable is { } unseen ? new(area, "op recording", $"no: {unseen}") : new(area, "op recording", "traces and FLOPs see every op", Verdict.Good);
        yield return AllocationMeter.Unavailable is { } uncounted ? new(area, "allocations", $"not counted: {uncounted}") : new(area, "allocations", "the memory profiler sees every one", Verdict.Good);
    }

    /// <summary>The driver and what libtorch can do with it; nothing where there is neither.</summary>
    public static IEnumerable<Finding> OfGpus()
    {
        const string area = "GPU";
        var driver = File.Exists(DriverFile) ? File.ReadLines(DriverFile).FirstOrDefault()?.Trim() : null;
        if (driver is not null) yield return new(area, "driver", driver);
        if (LoadFailure() is not null) yield break;
        var count = cuda.is_available() ? cuda.device_count() : 0;
        if (count > 0)
        {
            yield return new(area, "CUDA", count == 1 ? "1 device" : $"{Number(count)} devices", Verdict.Good);
            yield return new(area, "cuDNN", cuda.is_cudnn_available() ? "yes" : "no", cuda.is_cudnn_available() ? Verdict.Good : Verdict.Warn, cuda.is_cudnn_available() ? null : "Convolutions and recurrent layers are slower without it.");
        }
        else
        {
            yield return driver is null
                ? new(area, "CUDA", "no device")
                : new(area, "CUDA", "a driver, but no device in libtorch", Verdict.Warn, "Build with -p:LibTorch=cuda, or point RAIJIN_LIBTORCH to a CUDA build of libtorch.");
        }
    }

    /// <summary>How much memory there is, and how much of it ranks can share by name.</summary>
    public static IEnumerable<Finding> OfMemory()
    {
        var memory = GC.GetGCMemoryInfo();
        if (Directory.Exists(SharedFolder))
        {
            var shared = new DriveInfo(SharedFolder);
            yield return new("Memory", SharedFolder, $"{Gigabytes(shared.AvailableFreeSpace)} of {Gigabytes(shared.TotalSize)} GB free; ranks only meet in it, their tensors are not counted to it");
        }
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

    // Intel and AMD say model name, some of Arm's nothing.
    static string? Processor() =>
        File.Exists("/proc/cpuinfo") && File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() : null;

    // Intel and AMD say flags, Arm says Features.
    static string[]? ProcessorFlags() =>
        File.Exists("/proc/cpuinfo") && File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal) || line.StartsWith("Features", StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries) : null;

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
