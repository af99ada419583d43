namespace Raijin.Training;

/// <summary>
/// A density on [0, 1] around observed places: the mean of a normal at each, cut off at the ends, and of one wide normal for what was not observed yet. Each is as wide as the gap to the
/// farther of its neighbours (the ends of the range included), within bounds.
/// </summary>
sealed class ParzenDensity
{
    readonly double[] _centers;
    readonly double[] _widths;
    readonly double[] _inside;

    /// <summary>Places the normals.</summary>
    /// <param name="places">In [0, 1], in any order; may be empty.</param>
    public ParzenDensity(IReadOnlyCollection<double> places)
    {
        _centers = [.. places.Order(), 0.5];
        _widths = new double[_centers.Length];
        var observed = _centers.Length - 1;
        var least = 1.0 / Math.Min(100, _centers.Length + 1);
        for (var i = 0; i < observed; i++)
        {
            var left = _centers[i] - (i > 0 ? _centers[i - 1] : 0);
            var right = (i + 1 < observed ? _centers[i + 1] : 1) - _centers[i];
            _widths[i] = Math.Clamp(Math.Max(left, right), least, 1);
        }
        _widths[^1] = 1;
        _inside = [.. _centers.Select((center, i) => NormalShare(center, _widths[i]))];
    }

    /// <summary>The density at a place.</summary>
    public double At(double place)
    {
        double sum = 0;
        for (var i = 0; i < _centers.Length; i++)
        {
            var distance = (place - _centers[i]) / _widths[i];
            sum += Math.Exp(-0.5 * distance * distance) / (_widths[i] * Math.Sqrt(2 * Math.PI) * _inside[i]);
        }
        return sum / _centers.Length;
    }

    /// <summary>A place drawn from the density.</summary>
    public double Draw(RandomStream random)
    {
        var component = random.NextInt64(_centers.Length);
        while (true)
        {
            // Box and Muller 1958; what falls outside is drawn again, so that the cut normal keeps its shape. More than a third falls inside.
            var radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            var place = _centers[component] + _widths[component] * radius * Math.Cos(2 * Math.PI * random.NextDouble());
            if (place is >= 0 and <= 1) return place;
        }
    }

    static double NormalShare(double center, double width) => Cumulative((1 - center) / width) - Cumulative(-center / width);

    // The normal's cumulative distribution by Zelen and Severo's approximation (Abramowitz and Stegun 26.2.17), to 7.5e-8.
    static double Cumulative(double z)
    {
        var t = 1 / (1 + 0.2316419 * Math.Abs(z));
        var tail = Math.Exp(-0.5 * z * z) / Math.Sqrt(2 * Math.PI)
            * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        return z >= 0 ? 1 - tail : tail;
    }
}
