using System.Diagnostics.CodeAnalysis;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>The arithmetic of a run. As text: <c>float32</c>, <c>bfloat16</c>, <c>bfloat16-autocast</c>, <c>float16</c>.</summary>
public sealed record Precision : IParsable<Precision>
{
    Precision(string name, ScalarType compute, bool convertsWeights, bool scalesLoss)
    {
        Name = name;
        Compute = compute;
        ConvertsWeights = convertsWeights;
        ScalesLoss = scalesLoss;
    }

    /// <summary>Everything in float32. The default.</summary>
    public static Precision Float32 { get; } = new("float32", ScalarType.Float32, false, false);

    /// <summary>
    /// Weights, activations and gradients in bfloat16; the optimizer keeps float32 masters. The faster of the two bfloat16 routes wherever it was measured.
    /// Answers to Lightning's <c>bf16-true</c> (with masters) and DeepSpeed's <c>bf16.enabled</c>.
    /// </summary>
    public static Precision BFloat16 { get; } = new("bfloat16", ScalarType.BFloat16, true, false);

    /// <summary>Weights stay float32 and libtorch casts matmuls and convolutions to bfloat16. Answers to Lightning's <c>bf16-mixed</c>.</summary>
    public static Precision BFloat16Autocast { get; } = new("bfloat16-autocast", ScalarType.BFloat16, false, false);

    /// <summary>float32 weights, float16 matmuls under autocast, and a dynamic loss scale. Refused on the CPU, where float16 matmuls run at 0.4 GFLOP/s.</summary>
    public static Precision Float16 { get; } = new("float16", ScalarType.Float16, false, true);

    /// <summary>All of them, in the order of precision.</summary>
    public static IReadOnlyList<Precision> All { get; } = [Float32, BFloat16, BFloat16Autocast, Float16];

    /// <summary>Its name, as text.</summary>
    public string Name { get; }

    /// <summary>The dtype matmuls run in.</summary>
    public ScalarType Compute { get; }

    /// <summary>Whether the weights themselves are converted (the optimizer then holds float32 masters).</summary>
    public bool ConvertsWeights { get; }

    /// <summary>Whether the loss is scaled dynamically before backward.</summary>
    public bool ScalesLoss { get; }

    /// <summary>Whether the forward pass runs under libtorch's autocast.</summary>
    public bool UsesAutocast => Compute != ScalarType.Float32 && !ConvertsWeights;

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <inheritdoc/>
    public static Precision Parse(string s, IFormatProvider? provider) => TryParse(s, provider, out var result)
        ? result
        : throw new FormatException($"\"{s}\" is not a precision; allowed: {string.Join(", ", All)}.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out Precision result)
    {
        result = All.FirstOrDefault(p => p.Name.Equals(s?.Trim(), StringComparison.OrdinalIgnoreCase));
        return result is not null;
    }
}
