using System.Globalization;
using System.Text;

namespace Raijin;

/// <summary>What came out of a validation or a test.</summary>
public sealed record EvaluationResult
{
    /// <summary>Which kind of evaluation it was.</summary>
    public required EvalPhase Phase { get; init; }

    /// <summary>Everything logged, reduced over all batches, by key; with several loaders their names stand in the keys.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>Each loader's own part.</summary>
    public required IReadOnlyList<LoaderResult> Loaders { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>The checkpoint whose weights were evaluated; null where the module's own were.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Batches evaluated.</summary>
    public long Batches => Loaders.Sum(l => l.Batches);

    /// <summary>Samples evaluated.</summary>
    public long Samples => Loaders.Sum(l => l.Samples);

    internal IReadOnlyList<KeyValuePair<string, double>> Values { get; init; } = [];

    /// <summary>A logged value.</summary>
    /// <exception cref="KeyNotFoundException">Nothing was logged under that key; the message says what was.</exception>
    public double this[string key] => Metrics.TryGetValue(key, out var value)
        ? value
        : throw new KeyNotFoundException($"Nothing was logged under \"{key}\"; there is {string.Join(", ", Metrics.Keys.DefaultIfEmpty("nothing"))}.");

    /// <summary>A table, a line for each value.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Phase}: {Samples:N0} samples in {Elapsed.TotalSeconds:F1} s\n");
        var width = Math.Max(18, Metrics.Keys.Select(k => k.Length + 2).DefaultIfEmpty(0).Max());
        foreach (var (key, value) in Metrics) text.Append("  ").Append(key.PadRight(width)).Append(value.ToString("G5", CultureInfo.InvariantCulture)).Append('\n');
        return text.ToString().TrimEnd('\n');
    }
}

/// <summary>One loader's part of an evaluation.</summary>
/// <param name="Name">The loader's name; empty where it was the only one.</param>
/// <param name="Batches">Batches evaluated.</param>
/// <param name="Samples">Samples in them.</param>
/// <param name="Metrics">Its values, by the key they have among all results.</param>
public sealed record LoaderResult(string Name, long Batches, long Samples, IReadOnlyList<KeyValuePair<string, double>> Metrics);
