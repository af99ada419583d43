namespace Raijin;

/// <summary>Seconds by size, as measured at some sizes: between them on the straight line of logarithms, below the smallest its seconds (latency), above the largest in proportion.</summary>
/// <param name="Sizes">At least one, rising, above 0.</param>
/// <param name="Seconds">As many, above 0.</param>
public sealed record CostCurve(IReadOnlyList<double> Sizes, IReadOnlyList<double> Seconds)
{
    /// <summary>Seconds for a size.</summary>
    public double At(double size)
    {
        if (size <= Sizes[0]) return Seconds[0];
        if (size >= Sizes[^1]) return Seconds[^1] * size / Sizes[^1];
        var right = 1;
        while (Sizes[right] < size) right++;
        var share = Math.Log(size / Sizes[right - 1]) / Math.Log(Sizes[right] / Sizes[right - 1]);
        return Seconds[right - 1] * Math.Pow(Seconds[right] / Seconds[right - 1], share);
    }

    /// <summary>What makes it no curve; null where it is one.</summary>
    internal string? Problem() =>
        Sizes is null || Seconds is null || Sizes.Count == 0 || Sizes.Count != Seconds.Count ? "needs as many seconds as sizes, and at least one"
        : Sizes.Concat(Seconds).Any(number => !(number > 0 && double.IsFinite(number))) ? "has a size or a time that is not above 0"
        : Sizes.Zip(Sizes.Skip(1)).Any(pair => pair.First >= pair.Second) ? "has sizes that do not rise"
        : null;
}

/// <summary>How fast matrices are multiplied: the time of the arithmetic, and on top of it that of the matrices' bytes, which are read from memory and packed.</summary>
/// <param name="Arithmetic">Seconds of the arithmetic of two square matrices, by their side.</param>
/// <param name="ByteSeconds">Seconds of each byte of the operands and the result; 0 and more.</param>
public sealed record ProductSpeed(CostCurve Arithmetic, double ByteSeconds);
