namespace Raijin.Data;

/// <summary>One part of a divided set: what a dataset type needs to make a smaller one of its kind.</summary>
public sealed class DatasetPart
{
    internal DatasetPart(long[] rows, string name) => (Rows, Name) = (rows, name);

    // Indices into the whole set.
    internal long[] Rows { get; }

    // Which part of which division it is, for fingerprints.
    internal string Name { get; }
}
