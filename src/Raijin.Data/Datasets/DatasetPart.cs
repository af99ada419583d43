namespace Raijin.Data;

/// <summary>One part of a divided set: what a dataset type needs to make a smaller one of its kind.</summary>
public sealed class DatasetPart
{
    internal DatasetPart(long[] rows, string name) => (Rows, Name) = (rows, name);

    // Indices into the whole set.
    internal long[] Rows { get; }

    // Which part of which division it is.
    internal string Name { get; }

    // What tells the part from others, for fingerprints, given what tells the whole set from others.
    internal string IdentityIn(string whole) => whole.Length == 0 ? Name : $"{Name} of the {whole}";
}
