// C classes

using Raijin.Metrics;

namespace Raijin;

/// <summary>How much a confusion of two classes weighs in <see cref="CohenKappa"/>.</summary>
public enum KappaWeights
{
    /// <summary>1, whichever they are.</summary>
    None,

    /// <summary>|i - j|: for classes in an order.</summary>
    Linear,

    /// <summary>(i - j)²: for classes in an order, far ones punished harder.</summary>
    Quadratic,
}

/// <summary>
/// Agreement of predictions and labels beyond chance: 1 - Σ w·observed / Σ w·expected, where labels and predictions drawn apart at their own rates are what is
/// expected. At most 1, 0 for chance, higher is better.
/// </summary>
/// <remarks>
/// Cohen 1960, 1968; <c>cohen_kappa_score</c> of scikit-learn. NaN where labels and predictions are all of one and the same class, or nothing was counted.
/// Binary and multiclass. With weights of confusions a matrix [C, C] is kept. See <see cref="Classification"/> for shapes.
/// </remarks>
public sealed class CohenKappa : ScalarMetric<Comparison>
{
    readonly KappaWeights _weights;

    /// <summary>The agreement.</summary>
    /// <param name="task">What is classified; not multilabel.</param>
    /// <param name="weights">How much a confusion of two classes weighs.</param>
    public CohenKappa(Classification task, KappaWeights weights = KappaWeights.None)
        : base(task is { Kind: ClassificationKind.Multilabel }
            ? throw new ArgumentException("Cohen's kappa is of one label a sample: it takes binary or multiclass, not multilabel.", nameof(task))
            : weights == KappaWeights.None ? ConfusionCounts.OrClassCounts(task) : ConfusionCounts.Of(task))
        => _weights = weights;

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states)
    {
        var classes = Outcomes.ReadClasses(Accumulation, states);
        var samples = classes.Sum(c => c.Support);
        if (_weights == KappaWeights.None)
        {
            var (observed, expected) = (0.0, 0.0);
            foreach (var counts in classes)
            {
                observed += counts.FalseNegatives;
                expected += counts.Support * (samples - counts.Predicted);
            }
            return 1 - (observed / (expected / samples));
        }

        var matrix = states[0].ToArray<double>();                                                                           // [C, C]
        var (found, chance) = (0.0, 0.0);
        for (var label = 0; label < classes.Length; label++)
        {
            for (var predicted = 0; predicted < classes.Length; predicted++)
            {
                double apart = Math.Abs(label - predicted);
                var weight = _weights == KappaWeights.Linear ? apart : apart * apart;
                found += weight * matrix[(label * classes.Length) + predicted];
                chance += weight * classes[label].Support * classes[predicted].Predicted;
            }
        }
        return 1 - (found / (chance / samples));
    }
}
