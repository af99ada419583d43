using System.Runtime.InteropServices;

namespace Raijin.Collectives;

/// <summary>The functions of CUDA's driver that order streams, by pointer. It comes with the GPU's driver, whatever CUDA libtorch was built with.</summary>
sealed unsafe class CudaDriver
{
    const int NotReady = 600;
    const uint NonBlockingStream = 1;
    const uint EventWithoutTiming = 2;

    static readonly Lazy<CudaDriver> Loaded = new(Load);

    readonly delegate* unmanaged<int, byte**, int> _getErrorString;
    readonly delegate* unmanaged<nint*, int, int> _devicePrimaryCtxRetain;
    readonly delegate* unmanaged<nint, int> _ctxSetCurrent;
    readonly delegate* unmanaged<nint*, uint, int> _streamCreate;
    readonly delegate* unmanaged<nint, int> _streamDestroy;
    readonly delegate* unmanaged<nint, nint, uint, int> _streamWaitEvent;
    readonly delegate* unmanaged<nint*, uint, int> _eventCreate;
    readonly delegate* unmanaged<nint, nint, int> _eventRecord;
    readonly delegate* unmanaged<nint, int> _eventQuery;
    readonly delegate* unmanaged<nint, int> _eventDestroy;

    /// <param name="export">The address of a function; 0 for none.</param>
    internal CudaDriver(Func<string, nint> export)
    {
        _getErrorString = (delegate* unmanaged<int, byte**, int>)Export("cuGetErrorString");
        _devicePrimaryCtxRetain = (delegate* unmanaged<nint*, int, int>)Export("cuDevicePrimaryCtxRetain");
        _ctxSetCurrent = (delegate* unmanaged<nint, int>)Export("cuCtxSetCurrent");
        _streamCreate = (delegate* unmanaged<nint*, uint, int>)Export("cuStreamCreate");
        _streamDestroy = (delegate* unmanaged<nint, int>)Export("cuStreamDestroy_v2");
        _streamWaitEvent = (delegate* unmanaged<nint, nint, uint, int>)Export("cuStreamWaitEvent");
        _eventCreate = (delegate* unmanaged<nint*, uint, int>)Export("cuEventCreate");
        _eventRecord = (delegate* unmanaged<nint, nint, int>)Export("cuEventRecord");
        _eventQuery = (delegate* unmanaged<nint, int>)Export("cuEventQuery");
        _eventDestroy = (delegate* unmanaged<nint, int>)Export("cuEventDestroy_v2");
        Check(((delegate* unmanaged<uint, int>)Export("cuInit"))(0), "cuInit");

        nint Export(string function) => export(function) is var address and not 0
            ? address
            : throw new TransportUnavailableException(TransportKind.Nccl, $"CUDA's driver has no {function}.", "Install a driver of CUDA 11 or later.");
    }

    /// <exception cref="TransportUnavailableException">There is no driver.</exception>
    public static CudaDriver Default => Loaded.Value;

    /// <summary>Makes the GPU on which libtorch computes the calling thread's: NCCL takes that one.</summary>
    public void Use(int device)
    {
        nint context;
        Check(_devicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
        Check(_ctxSetCurrent(context), "cuCtxSetCurrent");
    }

    /// <summary>A stream that does not wait for the default one.</summary>
    public nint MakeStream()
    {
        nint stream;
        Check(_streamCreate(&stream, NonBlockingStream), "cuStreamCreate");
        return stream;
    }

    public void DestroyStream(nint stream) => Check(_streamDestroy(stream), "cuStreamDestroy");

    public nint MakeEvent()
    {
        nint made;
        Check(_eventCreate(&made, EventWithoutTiming), "cuEventCreate");
        return made;
    }

    public void DestroyEvent(nint made) => Check(_eventDestroy(made), "cuEventDestroy");

    /// <summary>The event is over when all is done that was given to the stream so far.</summary>
    public void Record(nint made, nint stream) => Check(_eventRecord(made, stream), "cuEventRecord");

    /// <summary>What is given to the stream from now on begins when the event is over.</summary>
    public void Wait(nint stream, nint made) => Check(_streamWaitEvent(stream, made, 0), "cuStreamWaitEvent");

    public bool IsOver(nint made)
    {
        var code = _eventQuery(made);
        if (code != NotReady) Check(code, "cuEventQuery");
        return code == 0;
    }

    static CudaDriver Load()
    {
        var file = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";
        if (!NativeLibrary.TryLoad(file, out var library))
            throw new TransportUnavailableException(TransportKind.Nccl, $"CUDA's driver is not present: {file} can't be loaded.", "Install the driver of the GPU, or choose another transport.");
        return new CudaDriver(function => NativeLibrary.TryGetExport(library, function, out var address) ? address : 0);
    }

    void Check(int code, string call)
    {
        if (code == 0) return;
        byte* text;
        var known = _getErrorString(code, &text) == 0;
        throw new CollectiveException($"{call} failed: {(known ? Marshal.PtrToStringUTF8((nint)text) : $"error {code}")}");
    }
}
