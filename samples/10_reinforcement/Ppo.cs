// B samples, D numbers observed, A actions

using static TorchSharp.torch;
using static TorchSharp.torch.nn;

/// <summary>Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347), its clipped objective.</summary>
static class Ppo
{
    /// <summary>−mean(min(r A, clip(r, 1 − ε, 1 + ε) A)), r = exp(log π − log π_old): what is gained by moving r beyond the clip does not count.</summary>
    public static Tensor PolicyLoss(Tensor logProbabilities, Tensor oldLogProbabilities, Tensor advantages, double epsilon)
    {
        var ratio = (logProbabilities - oldLogProbabilities).exp();
        return -minimum(ratio * advantages, ratio.clamp(1 - epsilon, 1 + epsilon) * advantages).mean();
    }

    /// <summary>The whole loss: of the policy on normalised advantages, of the values, less a little for indecision.</summary>
    /// <param name="batch">B samples.</param>
    /// <param name="logits">[B, A].</param>
    /// <param name="values">[B].</param>
    public static Tensor Loss(PpoBatch batch, Tensor logits, Tensor values, double epsilon, double entropyWeight)
    {
        var log = functional.log_softmax(logits, 1);
        var chosen = log.gather(1, batch.Actions.unsqueeze(1)).squeeze(1);
        var advantages = (batch.Advantages - batch.Advantages.mean()) / (batch.Advantages.std() + 1e-8);
        var loss = PolicyLoss(chosen, batch.LogProbabilities, advantages, epsilon) + 0.5 * functional.mse_loss(values, batch.Returns);
        return entropyWeight == 0 ? loss : loss + entropyWeight * (log.exp() * log).sum(1).mean();
    }
}
