using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>What autocast is on a thread, to be it again later.</summary>
readonly struct AutocastState
{
    readonly (bool Enabled, ScalarType DType) _cpu;
    readonly (bool Enabled, ScalarType DType) _cuda;
    readonly bool _caches;
    readonly bool _isKnown;

    AutocastState((bool, ScalarType) cpu, (bool, ScalarType) cuda, bool caches) => (_cpu, _cuda, _caches, _isKnown) = (cpu, cuda, caches, true);

    /// <summary>Reads it; nothing where this libtorch has none to be switched.</summary>
    public static AutocastState Capture() => Autocast.IsSupported ? new(Autocast.Read(DeviceType.CPU), Autocast.Read(DeviceType.CUDA), Autocast.CachesCasts) : default;

    /// <summary>Autocast is as it was until the result is disposed.</summary>
    public Scopes Enter() => _isKnown
        ? new(Autocast.Enter(DeviceType.CPU, _cpu.DType, _cpu.Enabled, _caches), Autocast.Enter(DeviceType.CUDA, _cuda.DType, _cuda.Enabled, _caches))
        : default;

    /// <summary>One for each device.</summary>
    public readonly ref struct Scopes : IDisposable
    {
        readonly Autocast.Scope _cpu;
        readonly Autocast.Scope _cuda;
        readonly bool _isEntered;

        internal Scopes(Autocast.Scope cpu, Autocast.Scope cuda)
        {
            _cpu = cpu;
            _cuda = cuda;
            _isEntered = true;
        }

        public void Dispose()
        {
            if (!_isEntered) return;
            _cuda.Dispose();
            _cpu.Dispose();
        }
    }
}
