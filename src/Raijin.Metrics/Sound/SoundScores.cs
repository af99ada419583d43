// B recordings, … further dimensions (speakers, channels), T samples

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>A score of each signal beside its target, averaged over all signals.</summary>
abstract record SoundScores : ComparisonScores
{
    /// <summary>The fewest dimensions a batch has.</summary>
    protected virtual int MinDims => 2;

    public override void Check(in Comparison batch)
    {
        SampleTensor.CheckReal(batch.Predictions, batch.Targets);
        var sizes = HostTensor.Sizes(batch.Predictions);
        if (sizes.Length < MinDims || sizes[^1] == 0)
            ShapeMismatchException.Throw("predictions", $"[B, {(MinDims > 2 ? "speakers" : "...")}, T], T at least 1", ShapeText.Of(batch.Predictions));
        SampleTensor.CheckWeights(batch.Weights, sizes[0]);
    }
}

/// <summary>Arithmetic of signals along their last dimension.</summary>
static class Signal
{
    /// <summary>A signal less its mean.</summary>
    public static Tensor Centred(Tensor signal) => signal - signal.mean([-1], keepdim: true);

    /// <summary>Σ a b over time.</summary>
    public static Tensor Dot(Tensor a, Tensor b, bool keepdim = false) => (a * b).sum(-1, keepdim);

    /// <summary>
    /// 10 log10(signal / noise) of two energies; the distance of 1 to the next number added to both keeps silence and perfection finite (equal silence is 0 dB).
    /// </summary>
    public static Tensor Decibels(Tensor signal, Tensor noise)
    {
        var epsilon = SampleTensor.Epsilon(signal);
        return ((signal + epsilon) / (noise + epsilon)).log10().mul(10);
    }
}
