namespace Raijin.Data;

/// <summary>Draws from Beta(α, α): X / (X + Y) of two Gamma(α) (Marsaglia and Tsang 2000).</summary>
static class BetaDistribution
{
    public static double Draw(double alpha, RandomStream random)
    {
        var (x, y) = (LogGamma(alpha, random), LogGamma(alpha, random));
        // By logarithms: for a small α both are often below the least double.
        return 1 / (1 + Math.Exp(y - x));
    }

    // The logarithm of a Gamma(α) variate; for α below 1: Gamma(α + 1) · U^(1/α).
    static double LogGamma(double alpha, RandomStream random)
    {
        if (alpha < 1) return LogGamma(alpha + 1, random) + Math.Log(1 - random.NextDouble()) / alpha;
        var d = alpha - 1.0 / 3;
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var normal = random.NextGaussian();
            var v = Math.Pow(1 + c * normal, 3);
            if (v > 0 && Math.Log(1 - random.NextDouble()) < 0.5 * normal * normal + d * (1 - v + Math.Log(v))) return Math.Log(d * v);
        }
    }
}
