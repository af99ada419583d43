namespace Raijin.Tensors;

/// <summary>The environment variables Raijin reads. No other file reads any.</summary>
public static class RaijinEnvironment
{
    /// <summary><c>RAIJIN_LIBTORCH</c>: the folder of an installed libtorch to use, such as a Python installation's <c>torch/lib</c>; null when unset or empty.</summary>
    public static string? LibTorchFolder => Read("RAIJIN_LIBTORCH");

    /// <summary><c>RAIJIN_MPI</c>: the file of the MPI library to use, such as <c>/opt/mpich/lib/libmpi.so.12</c>; null when unset or empty.</summary>
    public static string? MpiLibrary => Read("RAIJIN_MPI");

    /// <summary><c>RAIJIN_NCCL</c>: the file of the NCCL library to use, such as a Python installation's <c>nvidia/nccl/lib/libnccl.so.2</c>; null when unset or empty.</summary>
    public static string? NcclLibrary => Read("RAIJIN_NCCL");

    /// <summary>Whether <c>OMP_WAIT_POLICY</c> or <c>GOMP_SPINCOUNT</c> is set: then libtorch's threads wait as they say.</summary>
    public static bool SaysHowOpenMpWaits => Read("OMP_WAIT_POLICY") is not null || Read("GOMP_SPINCOUNT") is not null;

    /// <summary><c>RAIJIN_KEEP_FREED_MEMORY</c>: 1 to make the C library keep freed memory (<see cref="NativeHeap.KeepFreedMemory"/>); false when unset or anything else.</summary>
    public static bool KeepFreedMemory => Read("RAIJIN_KEEP_FREED_MEMORY") == "1";

    /// <summary>Whether <c>RAIJIN_KEEP_FREED_MEMORY</c>, a variable of glibc's (<c>MALLOC_MMAP_THRESHOLD_</c>, <c>MALLOC_TRIM_THRESHOLD_</c>) or its tunables (<c>GLIBC_TUNABLES</c>, of malloc) are set: then freed memory is kept as they say.</summary>
    public static bool SaysHowMallocWorks =>
        KeepFreedMemory || Read("MALLOC_MMAP_THRESHOLD_") is not null || Read("MALLOC_TRIM_THRESHOLD_") is not null || Read("GLIBC_TUNABLES")?.Contains("glibc.malloc.", StringComparison.Ordinal) == true;

    /// <summary><c>NO_COLOR</c>: whether the user wants no colours (https://no-color.org); true when set to anything but nothing.</summary>
    public static bool NoColor => Read("NO_COLOR") is not null;

    /// <summary>Every variable that begins with <c>RAIJIN__</c>, by the rest of its name: the configuration of a run, <c>TRAINER__MAXEPOCHS</c> = <c>3</c>.</summary>
    public static IReadOnlyDictionary<string, string> Settings => ReadAll("RAIJIN__");

    /// <summary><c>OMP_NUM_THREADS</c> or <c>MKL_NUM_THREADS</c>: whether the user has said how many threads an operator takes.</summary>
    public static bool SaysHowManyThreads => Read("OMP_NUM_THREADS") is not null || Read("MKL_NUM_THREADS") is not null;

    /// <summary>Every variable this process was started with: what a launcher says of ranks is found in it, and what a child process inherits.</summary>
    public static IReadOnlyDictionary<string, string> All => Everything().ToDictionary(StringComparer.Ordinal);

#pragma warning disable RS0030 // This is the one place.
    static string? Read(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    static Dictionary<string, string> ReadAll(string prefix) => Everything().Where(variable => variable.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        .ToDictionary(variable => variable.Key[prefix.Length..], variable => variable.Value, StringComparer.OrdinalIgnoreCase);

    static IEnumerable<KeyValuePair<string, string>> Everything() => Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
        .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value ?? ""));
#pragma warning restore RS0030
}
