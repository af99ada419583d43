namespace Raijin.Tensors;

/// <summary>How libtorch chooses among several algorithms for one op; process-wide. Where this libtorch does not export a switch, it is not supported and says so.</summary>
public static unsafe class AlgorithmChoice
{
    static readonly delegate* unmanaged[Cdecl]<nint> Context = (delegate* unmanaged[Cdecl]<nint>)NativeExports.OfTorch("_ZN2at13globalContextEv");

    static readonly delegate* unmanaged[Cdecl]<nint, byte, byte, void> SetDeterministic =
        (delegate* unmanaged[Cdecl]<nint, byte, byte, void>)NativeExports.OfTorch("_ZN2at7Context26setDeterministicAlgorithmsEbb");

    static readonly delegate* unmanaged[Cdecl]<nint, byte> GetDeterministic =
        (delegate* unmanaged[Cdecl]<nint, byte>)NativeExports.OfTorch("_ZNK2at7Context23deterministicAlgorithmsEv");

    static readonly delegate* unmanaged[Cdecl]<nint, byte> GetWarnOnly =
        (delegate* unmanaged[Cdecl]<nint, byte>)NativeExports.OfTorch("_ZNK2at7Context31deterministicAlgorithmsWarnOnlyEv");

    static readonly delegate* unmanaged[Cdecl]<nint, byte, void> SetBenchmark =
        (delegate* unmanaged[Cdecl]<nint, byte, void>)NativeExports.OfTorch("_ZN2at7Context17setBenchmarkCuDNNEb");

    static readonly delegate* unmanaged[Cdecl]<nint, byte> GetBenchmark =
        (delegate* unmanaged[Cdecl]<nint, byte>)NativeExports.OfTorch("_ZNK2at7Context14benchmarkCuDNNEv");

    /// <summary>Whether the switches are there.</summary>
    public static bool IsSupported =>
        Context != null && SetDeterministic != null && GetDeterministic != null && GetWarnOnly != null && SetBenchmark != null && GetBenchmark != null;

    /// <summary>Sets the choices until the result is disposed.</summary>
    /// <param name="deterministic">Only algorithms that give the same bits each time: an op that has none throws, or warns.</param>
    /// <param name="warnOnly">Such an op warns.</param>
    /// <param name="benchmark">cuDNN tries its algorithms on each new input shape.</param>
    /// <exception cref="PlatformNotSupportedException"><see cref="IsSupported"/> is false.</exception>
    public static IDisposable Set(bool deterministic, bool warnOnly, bool benchmark)
    {
        if (!IsSupported) throw new PlatformNotSupportedException("This libtorch does not export the switches of its algorithms: leave deterministic and benchmark off.");
        var context = Context();
        var before = new Restored(GetDeterministic(context), GetWarnOnly(context), GetBenchmark(context));
        SetDeterministic(context, deterministic ? (byte)1 : (byte)0, warnOnly ? (byte)1 : (byte)0);
        SetBenchmark(context, benchmark ? (byte)1 : (byte)0);
        return before;
    }

    sealed class Restored(byte deterministic, byte warnOnly, byte benchmark) : IDisposable
    {
        public void Dispose()
        {
            SetDeterministic(Context(), deterministic, warnOnly);
            SetBenchmark(Context(), benchmark);
        }
    }
}
