using System.Globalization;

namespace Raijin.Data;

/// <summary>One part of a divided set: what a dataset type needs to make a smaller one of its kind.</summary>
public sealed class DatasetPart
{
    internal DatasetPart(long[] rows, string name) => (Rows, Name) = (rows, name);

    // Indices into the whole set.
    internal long[] Rows { get; }

    // Which part of which division it is.
    internal string Name { get; }

    internal static DatasetPart Of(IEnumerable<long> samples, long count)
    {
        ArgumentNullException.ThrowIfNull(samples);
        long[] rows = [.. samples];
        foreach (var row in rows)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(row, nameof(samples));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, count, nameof(samples));
        }
        return new(rows, string.Create(CultureInfo.InvariantCulture, $"subset {Sampler.Digest<long>(rows)} of {count}"));
    }

    internal static DatasetPart First(long part, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(part, nameof(count));
        var rows = new long[Math.Min(part, count)];
        DatasetOrder.Instance.Fill(0, rows);
        return new(rows, string.Create(CultureInfo.InvariantCulture, $"first {rows.Length} of {count}"));
    }

    // What tells the part from others, for fingerprints, given what tells the whole set from others.
    internal string IdentityIn(string whole) => whole.Length == 0 ? Name : $"{Name} of the {whole}";
}
