using System.Diagnostics.CodeAnalysis;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Mixed precision by op: within the scope, matrix products and convolutions of a device compute in a 16-bit dtype, ops that need the range
/// (losses, norms) in Float32. libtorch casts the inputs of each op and keeps the casts of parameters for the length of the outermost scope.
/// </summary>
/// <remarks>
/// The state belongs to the thread; the scope is a stack-only type, so it cannot be held over an <c>await</c> or ended on another thread. Run the
/// forward pass and the loss in it, the backward pass outside: it follows the dtypes of the forward.
/// </remarks>
public static unsafe class Autocast
{
    static readonly delegate* unmanaged[Cdecl]<sbyte, byte> IsEnabledFor =
        (delegate* unmanaged[Cdecl]<sbyte, byte>)NativeExports.OfTorch("_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE");

    static readonly delegate* unmanaged[Cdecl]<sbyte, byte, void> SetEnabled =
        (delegate* unmanaged[Cdecl]<sbyte, byte, void>)NativeExports.OfTorch("_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb");

    static readonly delegate* unmanaged[Cdecl]<sbyte, sbyte> GetDType =
        (delegate* unmanaged[Cdecl]<sbyte, sbyte>)NativeExports.OfTorch("_ZN2at8autocast18get_autocast_dtypeEN3c1010DeviceTypeE");

    static readonly delegate* unmanaged[Cdecl]<sbyte, sbyte, void> SetDType =
        (delegate* unmanaged[Cdecl]<sbyte, sbyte, void>)NativeExports.OfTorch("_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE");

    static readonly delegate* unmanaged[Cdecl]<byte> IsCacheEnabled =
        (delegate* unmanaged[Cdecl]<byte>)NativeExports.OfTorch("_ZN2at8autocast25is_autocast_cache_enabledEv");

    static readonly delegate* unmanaged[Cdecl]<byte, void> SetCacheEnabled =
        (delegate* unmanaged[Cdecl]<byte, void>)NativeExports.OfTorch("_ZN2at8autocast26set_autocast_cache_enabledEb");

    static readonly delegate* unmanaged[Cdecl]<int> IncrementNesting =
        (delegate* unmanaged[Cdecl]<int>)NativeExports.OfTorch("_ZN2at8autocast17increment_nestingEv");

    static readonly delegate* unmanaged[Cdecl]<int> DecrementNesting =
        (delegate* unmanaged[Cdecl]<int>)NativeExports.OfTorch("_ZN2at8autocast17decrement_nestingEv");

    static readonly delegate* unmanaged[Cdecl]<void> ClearCache =
        (delegate* unmanaged[Cdecl]<void>)NativeExports.OfTorch("_ZN2at8autocast11clear_cacheEv");

    /// <summary>Whether this libtorch lets us switch autocast: every entry point is exported.</summary>
    public static bool IsSupported =>
        IsEnabledFor != null && SetEnabled != null && GetDType != null && SetDType != null && IsCacheEnabled != null && SetCacheEnabled != null &&
        IncrementNesting != null && DecrementNesting != null && ClearCache != null;

    /// <summary>Whether autocast is on for a device on this thread.</summary>
    /// <param name="device">The CPU or CUDA.</param>
    /// <exception cref="ArgumentException">Another device.</exception>
    /// <exception cref="PlatformNotSupportedException"><see cref="IsSupported"/> is false.</exception>
    public static bool IsEnabled(DeviceType device)
    {
        ThrowUnlessSupported(device);
        return IsEnabledFor((sbyte)device) != 0;
    }

    /// <summary>Switches autocast on (or off, inside another scope) until the result is disposed.</summary>
    /// <param name="device">The CPU or CUDA.</param>
    /// <param name="dtype">BFloat16 or Float16.</param>
    /// <param name="enabled">False to compute in full precision within an outer scope; true by default.</param>
    /// <param name="cacheCasts">Whether casts of parameters are kept and used again within the outermost scope; true by default.</param>
    /// <exception cref="ArgumentException">Another device or dtype.</exception>
    /// <exception cref="PlatformNotSupportedException"><see cref="IsSupported"/> is false.</exception>
    public static Scope Enter(DeviceType device, ScalarType dtype, bool enabled = true, bool cacheCasts = true)
    {
        ThrowUnlessSupported(device);
        if (dtype is not (ScalarType.BFloat16 or ScalarType.Float16)) throw new ArgumentException($"Autocast computes in BFloat16 or Float16, not in {dtype}.", nameof(dtype));
        var before = new Scope(device, IsEnabledFor((sbyte)device), GetDType((sbyte)device), IsCacheEnabled());
        SetEnabled((sbyte)device, enabled ? (byte)1 : (byte)0);
        SetDType((sbyte)device, (sbyte)dtype);
        SetCacheEnabled(cacheCasts ? (byte)1 : (byte)0);
        IncrementNesting();
        return before;
    }

    /// <summary>Whether it is on for a device on this thread, and the dtype it computes in then.</summary>
    internal static (bool Enabled, ScalarType DType) Read(DeviceType device) => (IsEnabled(device), (ScalarType)GetDType((sbyte)device));

    /// <summary>Whether casts of parameters are kept on this thread.</summary>
    internal static bool CachesCasts => IsCacheEnabled() != 0;

    static void ThrowUnlessSupported(DeviceType device)
    {
        if (!IsSupported) ThrowUnsupported();
        // libtorch throws a C++ exception for a device that has no autocast, which must not reach managed frames.
        if (device is not (DeviceType.CPU or DeviceType.CUDA)) throw new ArgumentException($"Autocast is for the CPU and CUDA, not for {device}.", nameof(device));
    }

    [DoesNotReturn]
    static void ThrowUnsupported() => throw new PlatformNotSupportedException(
        "This libtorch does not export at::autocast; convert the module's weights to BFloat16 instead.");

    /// <summary>What autocast was before; disposing it brings that back.</summary>
    public readonly ref struct Scope : IDisposable
    {
        readonly sbyte _device;
        readonly byte _enabled;
        readonly sbyte _dtype;
        readonly byte _cache;

        internal Scope(DeviceType device, byte enabled, sbyte dtype, byte cache) =>
            (_device, _enabled, _dtype, _cache) = ((sbyte)device, enabled, dtype, cache);

        /// <summary>Restores the state before the scope; the outermost scope also frees the kept casts.</summary>
        public void Dispose()
        {
            if (DecrementNesting() == 0) ClearCache();
            SetEnabled(_device, _enabled);
            SetDType(_device, _dtype);
            SetCacheEnabled(_cache);
        }
    }
}
