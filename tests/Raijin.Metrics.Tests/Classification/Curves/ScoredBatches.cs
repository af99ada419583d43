using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Curves;

/// <summary>Small random batches with many equal scores, some ignored labels and, half of the time, weights.</summary>
/// <param name="Scores">[n · W] multiples of 1/16 in [0, 1]; logits: four times as much, around 0; multiclass probabilities: rows of sum 1.</param>
/// <param name="Labels">[n] or [n · L]; -1 is ignored.</param>
/// <param name="Weights">[n] multiples of 1/4, or null.</param>
sealed record ScoredSamples(Classification Task, int Count, double[] Scores, long[] Labels, double[]? Weights)
{
    public static Gen<ScoredSamples> Of(Classification task, int most = 40, bool weighted = true) =>
        from count in Gen.Int[0, most]
        from raw in Gen.Int[0, 16].Array[count * task.Width]
        from labels in Gen.Int[task.IgnoreIndex is null ? 0 : -1, task.Classes - 1 - (task.Kind == ClassificationKind.Multilabel ? task.Classes - 2 : 0)].Array[task.Kind == ClassificationKind.Multilabel ? count * task.Classes : count]
        from weights in Gen.Int[0, 8].Array[count]
        from weighs in Gen.Bool
        select new ScoredSamples(task, count, Scored(task, raw), Array.ConvertAll(labels, l => (long)l), weighted && weighs ? Array.ConvertAll(weights, w => w / 4.0) : null);

    static double[] Scored(Classification task, int[] raw)
    {
        if (task.Logits) return Array.ConvertAll(raw, r => (r - 8) / 4.0);
        if (task.Kind != ClassificationKind.Multiclass) return Array.ConvertAll(raw, r => r / 16.0);
        return [.. raw.Chunk(task.Classes).SelectMany(row => row.Select(r => (r + 1.0) / (row.Sum() + task.Classes)))];
    }

    public ScoredSamples Pick(IEnumerable<int> rows)
    {
        var (chosen, width, labels) = (rows.ToArray(), Task.Width, Labels.Length / Math.Max(1, Count));
        return this with
        {
            Count = chosen.Length,
            Scores = [.. chosen.SelectMany(r => Scores.Skip(r * width).Take(width))],
            Labels = [.. chosen.SelectMany(r => Labels.Skip(r * labels).Take(labels))],
            Weights = Weights is null ? null : [.. chosen.Select(r => Weights[r])],
        };
    }

    /// <summary>The batch; dispose its tensors with <see cref="Use"/>.</summary>
    public T Use<T>(Func<Comparison, T> use, ScalarType dtype = ScalarType.Float32)
    {
        using var scope = NewDisposeScope();
        var shape = Task.Kind == ClassificationKind.Binary ? [Count] : new long[] { Count, Task.Width };
        var targets = Task.Kind == ClassificationKind.Multilabel ? new long[] { Count, Task.Classes } : [Count];
        return use(new(tensor(Scores).reshape(shape).to(dtype), tensor(Labels).reshape(targets), Weights is null ? null : tensor(Weights)));
    }

    public void Use(Action<Comparison> use, ScalarType dtype = ScalarType.Float32) => Use(batch =>
    {
        use(batch);
        return 0;
    }, dtype);
}

/// <summary>Every metric of scores for a task.</summary>
static class ScoreMetrics
{
    public static readonly Classification[] Tasks =
    [
        Classification.Binary(ignoreIndex: -1), Classification.Binary(logits: true, ignoreIndex: -1),
        Classification.Multiclass(3, ignoreIndex: -1), Classification.Multiclass(3, logits: true, ignoreIndex: -1),
        Classification.Multilabel(3, ignoreIndex: -1), Classification.Multilabel(3, logits: true, ignoreIndex: -1),
    ];

    public static IEnumerable<Metric> All(Classification task)
    {
        foreach (var thresholds in (Thresholds?[])[null, 9, Thresholds.Of(0.2, 0.5, 0.75)])
        {
            yield return new Roc(task, thresholds: thresholds);
            yield return new PrecisionRecallCurve(task, thresholds: thresholds);
            yield return new Roc(task, Average.Macro, thresholds);
            yield return new Auroc(task, thresholds: thresholds);
            yield return new Auroc(task, Average.Weighted, 0.3, thresholds: thresholds);
            yield return new AveragePrecision(task, Average.Micro, thresholds);
            yield return new Eer(task, thresholds: thresholds);
            yield return new LogAuc(task, 0.1, 0.9, thresholds: thresholds);
            yield return new PrecisionAtFixedRecall(task, 0.5, thresholds: thresholds);
            yield return new RecallAtFixedPrecision(task, 0.5, thresholds: thresholds);
            yield return new SensitivityAtSpecificity(task, 0.5, thresholds: thresholds);
            yield return new SpecificityAtSensitivity(task, 0.5, thresholds: thresholds);
        }
        yield return new HingeLoss(task);
        yield return new LogLoss(task);
        yield return new BrierScore(task);
        if (task.Kind == ClassificationKind.Multiclass)
        {
            yield return new Auroc(task, versus: OneVersus.One);
            yield return new Auroc(task, Average.Weighted, versus: OneVersus.One);
            yield return new HingeLoss(task, true, MulticlassHinge.OneVersusAll);
        }
        if (task.Kind == ClassificationKind.Multilabel)
        {
            yield return new CoverageError(task);
            yield return new LabelRankingAveragePrecision(task);
            yield return new LabelRankingLoss(task);
        }
        else
        {
            yield return new CalibrationError(task, 5);
            yield return new CalibrationError(task, 4, CalibrationNorm.L2, equalMass: true);
        }
    }
}
