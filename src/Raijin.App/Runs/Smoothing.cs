namespace Raijin.App;

/// <summary>The exponential moving average TensorBoard draws: s ← w·s + (1 − w)·x, divided by 1 − wⁿ, so that the first values are not drawn towards zero.</summary>
static class Smoothing
{
    /// <param name="weight">w, 0 for none up to just below 1.</param>
    /// <returns>As many values; what is not finite stays as it is and enters no mean.</returns>
    public static double[] Smooth(IReadOnlyList<double> values, double weight)
    {
        var smoothed = new double[values.Count];
        var (mean, debias) = (0.0, 0.0);
        for (var i = 0; i < smoothed.Length; i++)
        {
            var x = values[i];
            if (!double.IsFinite(x))
            {
                smoothed[i] = x;
                continue;
            }
            mean = weight * mean + (1 - weight) * x;
            debias = weight * debias + (1 - weight);
            smoothed[i] = mean / debias;
        }
        return smoothed;
    }
}
