using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Serialization;
using Raijin.Training;

namespace Raijin;

/// <summary>How gradients are clipped before an optimizer step. As text: <c>none</c>, <c>norm 1.0</c>, <c>value 0.5</c>.</summary>
/// <remarks>Answers to Lightning's <c>gradient_clip_val</c> and <c>gradient_clip_algorithm</c>, DeepSpeed's <c>gradient_clipping</c>.</remarks>
[JsonConverter(typeof(ScalarTextConverter<Clip>))]
public readonly record struct Clip : IParsable<Clip>
{
    Clip(double maxNorm, double maxValue) => (_maxNorm, _maxValue) = (maxNorm, maxValue);

    readonly double _maxNorm;
    readonly double _maxValue;

    /// <summary>No clipping.</summary>
    public static Clip None => default;

    /// <summary>Scales all gradients by max / (‖g‖₂ + 1e-6) when the norm over all of them exceeds <paramref name="max"/>.</summary>
    public static Clip Norm(double max)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(max);
        return new(max, 0);
    }

    /// <summary>Clamps each gradient element to [-max, max].</summary>
    public static Clip Value(double max)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(max);
        return new(0, max);
    }

    /// <summary>Whether it needs the gradients' norm.</summary>
    public bool ByNorm => _maxNorm > 0;

    /// <summary>The largest magnitude an element may have; infinite when not clipped by value.</summary>
    public double ElementLimit => _maxValue > 0 ? _maxValue : double.PositiveInfinity;

    /// <summary>The factor that all gradients are scaled by, given their norm: 1 when it is within bounds.</summary>
    public double ScaleFor(double norm) => _maxNorm > 0 && norm > _maxNorm ? Math.Min(1.0, _maxNorm / (norm + 1e-6)) : 1.0;

    /// <inheritdoc/>
    public override string ToString() =>
        _maxNorm > 0 ? string.Create(CultureInfo.InvariantCulture, $"norm {_maxNorm:R}")
        : _maxValue > 0 ? string.Create(CultureInfo.InvariantCulture, $"value {_maxValue:R}") : "none";

    /// <inheritdoc/>
    public static Clip Parse(string s, IFormatProvider? provider) => TryParse(s, provider, out var result)
        ? result
        : throw new FormatException($"\"{s}\" is not a way to clip: write none, norm 1.0 or value 0.5 (above zero).");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Clip result)
    {
        result = default;
        var words = (s ?? "").Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is ["none"]) return true;
        if (words is not [var kind, var number] || !double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var max)) return false;
        if (!(max > 0) || !double.IsFinite(max)) return false;
        if (kind == "norm") result = Norm(max);
        else if (kind == "value") result = Value(max);
        else return false;
        return true;
    }
}
