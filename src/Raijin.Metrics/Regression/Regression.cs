using static TorchSharp.torch;

namespace Raijin;

/// <summary>The metrics of real numbers as plain functions of predictions and targets; each is defined by the class it names.</summary>
public static class Regression
{
    /// <summary><see cref="Raijin.MeanSquaredError"/> of one batch.</summary>
    public static double MeanSquaredError(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1, bool root = false) =>
        Of(new MeanSquaredError(outputs, root), predictions, targets, weights);

    /// <summary><see cref="Raijin.MeanAbsoluteError"/> of one batch.</summary>
    public static double MeanAbsoluteError(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1) =>
        Of(new MeanAbsoluteError(outputs), predictions, targets, weights);

    /// <summary><see cref="Raijin.MeanAbsolutePercentageError"/> of one batch.</summary>
    public static double MeanAbsolutePercentageError(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1) =>
        Of(new MeanAbsolutePercentageError(outputs), predictions, targets, weights);

    /// <summary><see cref="Raijin.SymmetricMeanAbsolutePercentageError"/> of one batch.</summary>
    public static double SymmetricMeanAbsolutePercentageError(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1) =>
        Of(new SymmetricMeanAbsolutePercentageError(outputs), predictions, targets, weights);

    /// <summary><see cref="Raijin.WeightedMeanAbsolutePercentageError"/> of one batch.</summary>
    public static double WeightedMeanAbsolutePercentageError(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1) =>
        Of(new WeightedMeanAbsolutePercentageError(outputs), predictions, targets, weights);

    /// <summary><see cref="Raijin.MeanSquaredLogError"/> of one batch.</summary>
    public static double MeanSquaredLogError(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1, bool root = false) =>
        Of(new MeanSquaredLogError(outputs, root), predictions, targets, weights);

    /// <summary><see cref="Raijin.LogCoshError"/> of one batch.</summary>
    public static double LogCoshError(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1) =>
        Of(new LogCoshError(outputs), predictions, targets, weights);

    /// <summary><see cref="Raijin.MinkowskiDistance"/> of one batch.</summary>
    public static double MinkowskiDistance(Tensor predictions, Tensor targets, double power, Tensor? weights = null, int outputs = 1) =>
        Of(new MinkowskiDistance(power, outputs), predictions, targets, weights);

    /// <summary><see cref="Raijin.TweedieDevianceScore"/> of one batch.</summary>
    public static double TweedieDevianceScore(Tensor predictions, Tensor targets, double power = 0, Tensor? weights = null, int outputs = 1) =>
        Of(new TweedieDevianceScore(power, outputs), predictions, targets, weights);

    /// <summary><see cref="Raijin.R2Score"/> of one batch.</summary>
    public static double R2Score(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1, int adjusted = 0, OutputAverage average = OutputAverage.Uniform) =>
        Of(new R2Score(outputs, adjusted, average), predictions, targets, weights);

    /// <summary><see cref="Raijin.ExplainedVariance"/> of one batch.</summary>
    public static double ExplainedVariance(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1, OutputAverage average = OutputAverage.Uniform) =>
        Of(new ExplainedVariance(outputs, average), predictions, targets, weights);

    /// <summary><see cref="Raijin.RelativeSquaredError"/> of one batch.</summary>
    public static double RelativeSquaredError(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1, bool root = false) =>
        Of(new RelativeSquaredError(outputs, root), predictions, targets, weights);

    /// <summary><see cref="Raijin.NormalizedRootMeanSquaredError"/> of one batch.</summary>
    public static double NormalizedRootMeanSquaredError(Tensor predictions, Tensor targets, ErrorScale scale = ErrorScale.Mean, Tensor? weights = null, int outputs = 1) =>
        Of(new NormalizedRootMeanSquaredError(scale, outputs), predictions, targets, weights);

    /// <summary><see cref="Raijin.PearsonCorrCoef"/> of one batch.</summary>
    public static double PearsonCorrCoef(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1) =>
        Of(new PearsonCorrCoef(outputs), predictions, targets, weights);

    /// <summary><see cref="Raijin.SpearmanCorrCoef"/> of one batch.</summary>
    public static double SpearmanCorrCoef(Tensor predictions, Tensor targets, int outputs = 1) => Of(new SpearmanCorrCoef(outputs), predictions, targets);

    /// <summary><see cref="Raijin.KendallRankCorrCoef"/> of one batch.</summary>
    public static double KendallRankCorrCoef(Tensor predictions, Tensor targets, KendallTau tau = KendallTau.B, int outputs = 1) =>
        Of(new KendallRankCorrCoef(tau, outputs), predictions, targets);

    /// <summary><see cref="Raijin.ConcordanceCorrCoef"/> of one batch.</summary>
    public static double ConcordanceCorrCoef(Tensor predictions, Tensor targets, Tensor? weights = null, int outputs = 1, bool unbiased = false) =>
        Of(new ConcordanceCorrCoef(outputs, unbiased), predictions, targets, weights);

    /// <summary><see cref="Raijin.KLDivergence"/> of one batch, D(p ‖ q).</summary>
    public static double KLDivergence(Tensor p, Tensor q, Tensor? weights = null, bool logarithms = false, SampleReduction reduction = SampleReduction.Mean) =>
        Of(new KLDivergence(logarithms, reduction), p, q, weights);

    /// <summary><see cref="Raijin.JensenShannonDivergence"/> of one batch.</summary>
    public static double JensenShannonDivergence(Tensor p, Tensor q, Tensor? weights = null, bool logarithms = false, SampleReduction reduction = SampleReduction.Mean) =>
        Of(new JensenShannonDivergence(logarithms, reduction), p, q, weights);

    /// <summary><see cref="Raijin.CosineSimilarity"/> of one batch.</summary>
    public static double CosineSimilarity(Tensor predictions, Tensor targets, Tensor? weights = null, SampleReduction reduction = SampleReduction.Mean) =>
        Of(new CosineSimilarity(reduction), predictions, targets, weights);

    /// <summary><see cref="Raijin.CriticalSuccessIndex"/> of one batch.</summary>
    public static double CriticalSuccessIndex(Tensor predictions, Tensor targets, double threshold, int outputs = 1) =>
        Of(new CriticalSuccessIndex(threshold, outputs), predictions, targets);

    /// <summary><see cref="Raijin.ContinuousRankedProbabilityScore"/> of one batch.</summary>
    public static double ContinuousRankedProbabilityScore(Tensor predictions, Tensor targets, Tensor? weights = null, bool fair = false) =>
        Of(new ContinuousRankedProbabilityScore(fair), predictions, targets, weights);

    static double Of(Metric<Comparison, double> metric, Tensor predictions, Tensor targets, Tensor? weights = null)
    {
        using (metric) return metric.Of(predictions, targets, weights);
    }
}
