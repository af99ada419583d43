// B images, M scales

using Raijin.Metrics;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>How terms below zero are kept out of the powers of <see cref="MsSsim"/>.</summary>
public enum MsSsimTerms
{
    /// <summary>Terms below 0 become 0: an image with one is scored 0.</summary>
    Clamped,

    /// <summary>Terms t become (t + 1) / 2, which are in [0, 1]: a smoother loss, but another number.</summary>
    Shifted,

    /// <summary>As they are: NaN where one is below 0.</summary>
    Raw,
}

/// <summary>
/// Structural similarity at M scales, each half the one before: Π_j contrast_j^β_j over the first M - 1, times SSIM_M^β_M. Higher is better, 1 for equal images.
/// </summary>
/// <remarks>
/// Images [B, C, H, W] or volumes [B, C, D, H, W] of any real dtype, at least window · 2^(M-1) pixels wide (176 by default); halved by means of 2 × 2. The terms of an image are
/// means over its channels and positions, windows wholly inside only; the mean of each image's score. Wang, Simoncelli and Bovik 2003. torchmetrics mirrors
/// the border in the last scale's term but not in the others.
/// </remarks>
public sealed class MsSsim : ScalarMetric<Comparison>
{
    /// <summary>An empty similarity.</summary>
    /// <param name="dataRange">R, the largest minus the smallest value a pixel may have: 1 for [0, 1], 255 for bytes.</param>
    /// <param name="window">Over what the statistics are taken; null: Gaussian of σ = 1.5.</param>
    /// <param name="k1">Steadies the means.</param>
    /// <param name="k2">Steadies the variances.</param>
    /// <param name="terms">What happens to terms below zero.</param>
    /// <param name="betas">The scales' exponents, finest first; none: the paper's 0.0448, 0.2856, 0.3001, 0.2363, 0.1333.</param>
    public MsSsim(double dataRange = 1.0, ImageWindow? window = null, double k1 = 0.01, double k2 = 0.03, MsSsimTerms terms = MsSsimTerms.Clamped, params ReadOnlySpan<double> betas)
        : base(new MsSsimScores(new(dataRange, window, k1, k2, ImageBorder.Valid), terms, betas))
    {
    }

    /// <inheritdoc/>
    public override bool? HigherIsBetter => true;

    /// <inheritdoc/>
    protected override double Compute(MetricStates states) => MsSsimScores.Mean(states);
}

sealed record MsSsimScores : ImageScores
{
    readonly double[] _betas;

    public MsSsimScores(SsimFormula formula, MsSsimTerms terms, ReadOnlySpan<double> betas)
    {
        Formula = formula;
        Terms = terms;
        _betas = betas.Length == 0 ? [0.0448, 0.2856, 0.3001, 0.2363, 0.1333] : betas.ToArray();
        foreach (var beta in _betas) ArgumentOutOfRangeException.ThrowIfNegative(beta, nameof(betas));
    }

    public SsimFormula Formula { get; }

    public MsSsimTerms Terms { get; }

    public bool Equals(MsSsimScores? other) => other is not null && Formula == other.Formula && Terms == other.Terms && _betas.AsSpan().SequenceEqual(other._betas);

    public override int GetHashCode() => HashCode.Combine(Formula, Terms, _betas.Length, _betas[0]);

    protected override bool Volumes => true;

    protected override int MinSide(int axis) => Formula.MinSide(axis) << (_betas.Length - 1);

    public override void Check(in Comparison batch)
    {
        Formula.CheckAxes(batch.Predictions);
        base.Check(in batch);
    }

    protected override Tensor Scores(Tensor predictions, Tensor targets)
    {
        Tensor? score = null;
        for (var scale = 0; scale < _betas.Length; scale++)
        {
            if (scale > 0) (predictions, targets) = (Halve(predictions), Halve(targets));
            var maps = Formula.Maps(predictions, targets);
            var term = ImageTensor.MeanOfEach(scale == _betas.Length - 1 ? maps.Similarity : maps.Contrast);       // [B]
            var factor = Terms switch
            {
                MsSsimTerms.Clamped => SampleTensor.PositivePower(term, _betas[scale]),
                MsSsimTerms.Shifted => SampleTensor.PositivePower((term + 1) / 2, _betas[scale]),
                _ => term.pow(_betas[scale]),
            };
            score = score is null ? factor : score * factor;
        }
        return score!;
    }

    static Tensor Halve(Tensor images) => images.dim() == 4 ? functional.avg_pool2d(images, 2) : functional.avg_pool3d(images, [2, 2, 2]);
}
