using Raijin.Tensors;
using static TorchSharp.torch.nn;

namespace Raijin;

// Optimizers that look at a tensor as a whole: its norm, its rows and columns, its singular values.
public static partial class Optimizers
{
    /// <summary>LAMB: Adam's step at a length of lr times the parameter's, for large batches (You et al. 2020). Each parameter's scale stays from <paramref name="leastTrust"/> to <paramref name="mostTrust"/>.</summary>
    public static OptimizerSetup Lamb(
        Module module, double learningRate = 1e-3, double weightDecay = 1e-2, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-6, bool scaleUndecayed = true,
        bool biasCorrection = true, double leastTrust = 0, double? mostTrust = null) =>
        Of(module, new Lamb(beta1, beta2, epsilon, scaleUndecayed, biasCorrection, leastTrust, mostTrust), learningRate, weightDecay);

    /// <summary>LARS: momentum of gradients scaled by the parameter's norm over the gradient's, for large batches (You et al. 2017).</summary>
    public static OptimizerSetup Lars(
        Module module, double learningRate, double momentum = 0.9, double weightDecay = 0, double trustCoefficient = 1e-3, bool scaleUndecayed = true) =>
        Of(module, new Lars(momentum, trustCoefficient, scaleUndecayed), learningRate, weightDecay);

    /// <summary>Adafactor: second moments by row and column, relative steps, clipped updates (Shazeer and Stern 2018). The learning rate bounds the relative step.</summary>
    public static OptimizerSetup Adafactor(
        Module module, double learningRate = 1e-2, double weightDecay = 0, double decayExponent = 0.8, double clipThreshold = 1, bool relativeStep = true, bool scaleByParameter = true) =>
        Of(module, new Adafactor(decayExponent, ClipThreshold: clipThreshold, RelativeStep: relativeStep, ScaleByParameter: scaleByParameter), learningRate, weightDecay);

    /// <summary>
    /// Muon for matrices, AdamW for the rest (Jordan et al. 2024). Matrices whose names match <paramref name="adamWOn"/>, embeddings and the last layer, count to the rest.
    /// </summary>
    /// <param name="module">Whose parameters.</param>
    /// <param name="learningRate">Of both: the matrices' updates have the size of AdamW's, unless <paramref name="matchAdamW"/> is off.</param>
    /// <param name="weightDecay">Of both, decoupled.</param>
    /// <param name="momentum">Of the matrices.</param>
    /// <param name="nesterov">Whether they look ahead.</param>
    /// <param name="matchAdamW">Scale by 0.2·√max(rows, columns) (Liu et al. 2025), else by √max(1, rows/columns) as Jordan.</param>
    /// <param name="adamWOn">Name patterns, separated by commas; case is ignored.</param>
    public static OptimizerSetup Muon(
        Module module, double learningRate = 1e-3, double weightDecay = 0.1, double momentum = 0.95, bool nesterov = true, bool matchAdamW = true, string adamWOn = "*embed*,*head*") =>
        Of(module, new Muon(momentum, nesterov, MatchAdamW: matchAdamW, AdamWOn: adamWOn), learningRate, weightDecay);
}
