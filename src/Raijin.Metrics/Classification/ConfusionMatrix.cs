// C classes

using Raijin.Charts;
using Raijin.Metrics;

namespace Raijin;

/// <summary>How often each label met each prediction: [C, C], row the label, column the prediction. Its one number is the share on the diagonal.</summary>
/// <remarks>
/// <c>confusion_matrix</c> of scikit-learn. Sums of weights where the batches have weights. Shares of nothing are 0. Keeps 8·C² bytes.
/// Top k: a sample with its label among the k largest is on the diagonal. Multilabel has a matrix a label: <see cref="MultilabelConfusionMatrix"/>.
/// See <see cref="Classification"/> for shapes.
/// </remarks>
public sealed class ConfusionMatrix : Metric<Comparison, double[,]>, IPlot
{
    readonly Classification _task;
    readonly ConfusionShares _shares;

    /// <summary>The matrix.</summary>
    /// <param name="task">What is classified; not multilabel.</param>
    /// <param name="shares">What its cells are shares of.</param>
    public ConfusionMatrix(Classification task, ConfusionShares shares = ConfusionShares.None)
        : base(task is { Kind: ClassificationKind.Multilabel }
            ? throw new ArgumentException($"Labels of multilabel don't exclude each other, so each has a matrix of its own: {nameof(MultilabelConfusionMatrix)}.", nameof(task))
            : ConfusionCounts.Of(task))
        => (_task, _shares) = (task, shares);

    /// <summary>Names of the classes, for the picture.</summary>
    /// <value>Default null: their numbers.</value>
    public IReadOnlyList<string>? Names { get; init; }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The share of samples on the diagonal, which is the accuracy; NaN where nothing was counted.</summary>
    public override double ComputeScalar()
    {
        ThrowIfEmpty();
        var matrix = Confusion.Read(States, _task.Classes);
        var (right, all) = (0.0, 0.0);
        for (var label = 0; label < _task.Classes; label++)
        {
            right += matrix[label, label];
            for (var predicted = 0; predicted < _task.Classes; predicted++) all += matrix[label, predicted];
        }
        return right / all;
    }

    /// <inheritdoc/>
    public Chart Plot(string? title = null) => Confusion.Picture(Compute(), _shares, title ?? "Confusion", Names);

    /// <inheritdoc/>
    protected override double[,] Compute(MetricStates states) => Confusion.Share(Confusion.Read(states, _task.Classes), _shares);
}

/// <summary>For each label of multilabel, or each class against the rest, how often it was met: 2 × 2, row the label (0, 1), column the prediction: TN, FP; FN, TP.</summary>
/// <remarks>
/// <c>multilabel_confusion_matrix</c> of scikit-learn. Its one number is the share of right cells, which for multilabel is the accuracy.
/// Binary: one matrix. See <see cref="Classification"/> for shapes.
/// </remarks>
/// <param name="task">What is classified.</param>
/// <param name="shares">What cells are shares of, in the matrix they are in.</param>
public sealed class MultilabelConfusionMatrix(Classification task, ConfusionShares shares = ConfusionShares.None)
    : Metric<Comparison, IReadOnlyList<double[,]>>(ConfusionCounts.OrClassCounts(task)), IPlot
{
    /// <summary>Names of the labels, for the picture.</summary>
    /// <value>Default null: their numbers.</value>
    public IReadOnlyList<string>? Names { get; init; }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <summary>The share of right cells; NaN where nothing was counted.</summary>
    public override double ComputeScalar()
    {
        ThrowIfEmpty();
        var all = OutcomeCounts.Sum(Outcomes.Read(Accumulation, States));
        return (all.TruePositives + all.TrueNegatives) / all.Total;
    }

    /// <inheritdoc/>
    public Chart Plot(string? title = null)
    {
        var matrices = Compute();
        if (Names is not null && Names.Count != matrices.Count) throw new InvalidOperationException($"There are {Names.Count} names for {matrices.Count} labels: give one for each.");
        return new Panels
        {
            Title = title ?? "Confusion",
            Charts = [.. matrices.Select((m, i) => Confusion.Picture(m, shares, Names?[i] ?? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"label {i}"), null))],
        };
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<double[,]> Compute(MetricStates states) => Array.ConvertAll(
        Outcomes.Read(Accumulation, states),
        c => Confusion.Share(new[,] { { c.TrueNegatives, c.FalsePositives }, { c.FalseNegatives, c.TruePositives } }, shares));
}
