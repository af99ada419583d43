using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>Which device to compute on. As text: <c>auto</c>, <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>, <c>mps</c>.</summary>
/// <remarks>Answers to Lightning's <c>accelerator</c> and <c>devices</c> for one device.</remarks>
public readonly record struct DeviceChoice : IParsable<DeviceChoice>
{
    readonly DeviceType _type;
    readonly int _index;
    readonly bool _chosen;

    DeviceChoice(DeviceType type, int index) => (_type, _index, _chosen) = (type, index, true);

    /// <summary>The first accelerator that is there, else the CPU. The default.</summary>
    public static DeviceChoice Auto => default;

    /// <summary>The CPU.</summary>
    public static DeviceChoice Cpu => new(DeviceType.CPU, -1);

    /// <summary>A CUDA device by its number.</summary>
    public static DeviceChoice Cuda(int index = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return new(DeviceType.CUDA, index);
    }

    /// <summary>Apple's GPU.</summary>
    public static DeviceChoice Mps => new(DeviceType.MPS, 0);

    /// <summary>Devices that are there, in the order <see cref="Auto"/> prefers them.</summary>
    public static IReadOnlyList<string> Available
    {
        get
        {
            var found = new List<string>();
            if (cuda.is_available())
                for (var i = 0; i < cuda.device_count(); i++) found.Add(string.Create(CultureInfo.InvariantCulture, $"cuda:{i}"));
            if (mps_is_available()) found.Add("mps");
            found.Add("cpu");
            return found;
        }
    }

    /// <summary>The device itself.</summary>
    /// <exception cref="InvalidOptionsException">It is not there; lists what is.</exception>
    public Device Resolve()
    {
        if (!_chosen) return device(Available[0]);
        // The CPU is there without asking: loading a driver to find out costs start-up time.
        if (_type == DeviceType.CPU) return CPU;
        if (!Available.Contains(ToString()))
            InvalidOptionsException.ThrowIfAny([new("device", $"= {this}, but there is {string.Join(", ", Available)}; a CUDA build of libtorch comes with -p:LibTorch=cuda, or from a folder by RAIJIN_LIBTORCH")]);
        return device(ToString());
    }

    /// <inheritdoc/>
    public override string ToString() => !_chosen ? "auto" : _type switch
    {
        DeviceType.CPU => "cpu",
        DeviceType.MPS => "mps",
        _ => string.Create(CultureInfo.InvariantCulture, $"cuda:{_index}"),
    };

    /// <inheritdoc/>
    public static DeviceChoice Parse(string s, IFormatProvider? provider) => TryParse(s, provider, out var result)
        ? result
        : throw new FormatException($"\"{s}\" is not a device; allowed: auto, cpu, cuda, cuda:N, mps.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out DeviceChoice result)
    {
        (var known, result) = s?.Trim().ToLowerInvariant() switch
        {
            "auto" => (true, Auto),
            "cpu" => (true, Cpu),
            "cuda" => (true, Cuda()),
            "mps" => (true, Mps),
            ['c', 'u', 'd', 'a', ':', .. var number] when int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index) => (true, Cuda(index)),
            _ => (false, default),
        };
        return known;
    }
}
