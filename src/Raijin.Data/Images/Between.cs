namespace Raijin;

/// <summary>A range that something is drawn from, uniformly.</summary>
/// <param name="Least">The least.</param>
/// <param name="Most">The most.</param>
public readonly record struct Between(double Least, double Most)
{
    /// <summary>From the first to the second.</summary>
    public static implicit operator Between((double Least, double Most) range) => new(range.Least, range.Most);

    /// <summary>The same as the operator.</summary>
    public static Between FromValueTuple((double Least, double Most) range) => range;

    internal double Draw(RandomStream random) => Least + (Most - Least) * random.NextDouble();

    // For ratios: 3/4 and 4/3 are equally far from 1.
    internal double DrawLogarithmic(RandomStream random) => Math.Exp(new Between(Math.Log(Least), Math.Log(Most)).Draw(random));
}
