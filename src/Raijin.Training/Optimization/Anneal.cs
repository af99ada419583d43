namespace Raijin;

/// <summary>How a rate goes from one value to another.</summary>
public enum Anneal
{
    /// <summary>By half a cosine wave: slow, fast, slow.</summary>
    Cosine,

    /// <summary>In equal steps.</summary>
    Linear,

    /// <summary>By the square root of the way: fast, then ever slower (Hägele et al. 2024, arXiv:2405.18392).</summary>
    SquareRoot,
}

static class AnnealCurve
{
    /// <summary>The value at <paramref name="progress"/> of the way from <paramref name="from"/> to <paramref name="to"/>; outside [0, 1] the nearer end.</summary>
    public static double Between(this Anneal anneal, double from, double to, double progress)
    {
        progress = Math.Clamp(progress, 0, 1);
        return anneal switch
        {
            Anneal.Cosine => to + (from - to) * (0.5 * (1 + Math.Cos(Math.PI * progress))),
            Anneal.Linear => from + (to - from) * progress,
            _ => from + (to - from) * Math.Sqrt(progress),
        };
    }
}
