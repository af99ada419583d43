using System.Runtime.CompilerServices;
using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests;

/// <summary>What a reference implementation gave: JSON in the folder <c>Recordings</c> beside the test, made by a script of eng/recordings.</summary>
static class Recording
{
    /// <summary>The recording <paramref name="name"/> (without .json).</summary>
    public static JsonElement Open(string name, [CallerFilePath] string testFile = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(testFile)!, "Recordings", name + ".json");
        using var file = File.OpenRead(path);
        // Python writes NaN and infinities bare, which JSON has not: scripts write them as strings.
        return JsonDocument.Parse(file).RootElement.Clone();
    }

    /// <summary>A number; the strings "nan", "inf" and "-inf" are what they say.</summary>
    public static double Number(this JsonElement value) => value.ValueKind == JsonValueKind.String
        ? value.GetString() switch
        {
            "nan" => double.NaN,
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            var other => throw new FormatException($"\"{other}\" is no number."),
        }
        : value.GetDouble();

    /// <summary>Numbers of a list of any depth, flattened.</summary>
    public static double[] Numbers(this JsonElement value) => value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().SelectMany(Numbers)] : [value.Number()];

    /// <summary>A list of any depth as a tensor of its shape; the caller frees it.</summary>
    public static Tensor Tensor(this JsonElement value, ScalarType dtype = ScalarType.Float64)
    {
        var shape = new List<long>();
        for (var at = value; at.ValueKind == JsonValueKind.Array; at = at[0])
        {
            shape.Add(at.GetArrayLength());
            if (at.GetArrayLength() == 0) break;
        }
        using var flat = tensor(value.Numbers());
        using var shaped = flat.reshape([.. shape]);
        return dtype == ScalarType.Float64 ? shaped.clone() : shaped.to(dtype);
    }

    /// <summary>Asserts equality to a stated tolerance, relative to the larger of |expected| and 1; NaN equals NaN.</summary>
    public static void Near(double expected, double actual, double tolerance = 1e-6, string what = "")
    {
        if (double.IsNaN(expected) && double.IsNaN(actual)) return;
        if (expected == actual) return;
        Assert.True(Math.Abs(expected - actual) <= tolerance * Math.Max(1, Math.Abs(expected)), $"{what} expected {expected:r}, but it is {actual:r}");
    }

    /// <summary>The same for lists, element by element.</summary>
    public static void Near(IReadOnlyList<double> expected, IReadOnlyList<double> actual, double tolerance = 1e-6, string what = "")
    {
        Assert.True(expected.Count == actual.Count, $"{what} expected {expected.Count} numbers, but there are {actual.Count}");
        for (var i = 0; i < expected.Count; i++) Near(expected[i], actual[i], tolerance, $"{what}[{i}]");
    }
}
