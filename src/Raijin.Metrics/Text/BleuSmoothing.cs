// m matches and t n-grams of order n, p = m / t, c words of the predictions. Chen and Cherry 2014, "A systematic comparison of smoothing
// techniques for sentence-level BLEU", numbers the kinds; nltk's SmoothingFunction and sacreBLEU name them after it.

namespace Raijin;

/// <summary>What <see cref="Bleu"/> does about orders of which no n-gram matches: unsmoothed, one of them makes the score 0.</summary>
/// <remarks>Whatever the kind, predictions that share no word with their references score 0, and an order longer than every prediction counts as one n-gram that did not match.</remarks>
public sealed record BleuSmoothing
{
    enum Method
    {
        None,
        Floor,
        AddK,
        Geometric,
        ByLength,
        Average,
        Interpolate,
        AverageByLength,
    }

    readonly Method _method;
    readonly double _value;

    BleuSmoothing(Method method, double value = 0) => (_method, _value) = (method, value);

    /// <summary>p as it is (nltk's <c>method0</c>).</summary>
    public static BleuSmoothing None { get; } = new(Method.None);

    /// <summary>1 / (2ᵏ·t) for the k-th order without a match, as mteval (nltk's <c>method3</c>, sacreBLEU's <c>exp</c>).</summary>
    public static BleuSmoothing Geometric { get; } = new(Method.Geometric);

    /// <summary>The mean of the smoothed p of order n - 1, and p of n and n + 1; it starts from p of 1, plus 1 (nltk's <c>method5</c>).</summary>
    public static BleuSmoothing Average { get; } = new(Method.Average);

    /// <summary>ε / t where nothing matches (nltk's <c>method1</c>, sacreBLEU's <c>floor</c>).</summary>
    public static BleuSmoothing Floor(double epsilon = 0.1) => new(Method.Floor, Positive(epsilon, nameof(epsilon)));

    /// <summary>(m + k) / (t + k) from order 2 on (Lin and Och 2004; nltk's <c>method2</c>, sacreBLEU's <c>add-k</c>, torchmetrics' <c>smooth</c>, which scores 0 all the same where an order has no match).</summary>
    public static BleuSmoothing AddK(double k = 1) => new(Method.AddK, Positive(k, nameof(k)));

    /// <summary>ln c / (k·2ⁱ·t) for the i-th order without a match: less for short predictions (nltk's <c>method4</c>).</summary>
    public static BleuSmoothing ByLength(double k = 5) => new(Method.ByLength, Positive(k, nameof(k)));

    /// <summary>(m + α·π) / (t + α) from order 3 on, where π continues the ratio of the two orders before (Gao and He 2013; nltk's <c>method6</c>).</summary>
    public static BleuSmoothing Interpolate(double alpha = 5) => new(Method.Interpolate, Positive(alpha, nameof(alpha)));

    /// <summary><see cref="ByLength"/>, then <see cref="Average"/> (nltk's <c>method7</c>).</summary>
    public static BleuSmoothing AverageByLength(double k = 5) => new(Method.AverageByLength, Positive(k, nameof(k)));

    /// <summary>How many orders beyond the score's own have to be counted.</summary>
    internal int ExtraOrders => _method is Method.Average or Method.AverageByLength ? 1 : 0;

    /// <summary>The precisions that enter the score.</summary>
    /// <param name="matches">For each order, and those beyond.</param>
    /// <param name="totals">The same.</param>
    /// <param name="words">Words of the predictions.</param>
    /// <param name="precisions">[order]: where they go.</param>
    internal void Apply(ReadOnlySpan<double> matches, ReadOnlySpan<double> totals, double words, Span<double> precisions)
    {
        var missed = 0;
        for (var i = 0; i < precisions.Length; i++)
        {
            var (m, t) = (matches[i], Math.Max(1, totals[i]));
            if (m == 0) missed++;
            precisions[i] = _method switch
            {
                Method.Floor when m == 0 => _value / t,
                Method.AddK when i > 0 => (m + _value) / (t + _value),
                Method.Geometric when m == 0 => Math.ScaleB(1, -missed) / t,
                Method.ByLength or Method.AverageByLength when m == 0 && words > 1 => Math.Log(words) * Math.ScaleB(1, -missed) / (_value * t),
                Method.Interpolate when i > 1 => (m + _value * Continued(precisions[i - 2], precisions[i - 1])) / (totals[i] + _value),
                _ => m / t,
            };
        }
        if (ExtraOrders > 0) Smoothen(precisions, matches[precisions.Length] / Math.Max(1, totals[precisions.Length]));
    }

    static void Smoothen(Span<double> precisions, double beyond)
    {
        var before = precisions[0] + 1;
        for (var i = 0; i < precisions.Length; i++)
            before = precisions[i] = (before + precisions[i] + (i + 1 < precisions.Length ? precisions[i + 1] : beyond)) / 3;
    }

    static double Continued(double first, double second) => first == 0 ? 0 : second * second / first;

    static double Positive(double value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        return value;
    }
}
