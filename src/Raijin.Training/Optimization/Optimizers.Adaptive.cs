using Raijin.Tensors;
using static TorchSharp.torch.nn;

namespace Raijin;

// Relatives of Adam and of plain gradient descent, with the defaults of torch.optim or of their papers.
public static partial class Optimizers
{
    /// <summary>Adam with Nesterov momentum (Dozat 2016).</summary>
    public static OptimizerSetup NAdam(
        Module module, double learningRate = 2e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0, double momentumDecay = 4e-3) =>
        Of(module, new NAdam(beta1, beta2, epsilon, momentumDecay), learningRate, weightDecay);

    /// <summary>Adam that rectifies the variance of its first steps (Liu et al. 2020).</summary>
    public static OptimizerSetup RAdam(Module module, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0) =>
        Of(module, new RAdam(beta1, beta2, epsilon), learningRate, weightDecay);

    /// <summary>Adam with the infinity norm (Kingma and Ba 2015, §7.1).</summary>
    public static OptimizerSetup Adamax(Module module, double learningRate = 2e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0) =>
        Of(module, new Adamax(beta1, beta2, epsilon), learningRate, weightDecay);

    /// <summary>Adadelta (Zeiler 2012).</summary>
    public static OptimizerSetup Adadelta(Module module, double learningRate = 1, double rho = 0.9, double epsilon = 1e-6, double weightDecay = 0) =>
        Of(module, new Adadelta(rho, epsilon), learningRate, weightDecay);

    /// <summary>Resilient backpropagation, for full batches (Riedmiller and Braun 1993); the learning rate is where the step sizes start.</summary>
    public static OptimizerSetup Rprop(
        Module module, double learningRate = 1e-2, double shrink = 0.5, double grow = 1.2, double smallestStep = 1e-6, double largestStep = 50) =>
        Of(module, new Rprop(shrink, grow, smallestStep, largestStep), learningRate, 0);

    /// <summary>Averaged stochastic gradient descent (Polyak and Juditsky 1992).</summary>
    public static OptimizerSetup Asgd(
        Module module, double learningRate = 1e-2, double lambda = 1e-4, double alpha = 0.75, double averageFrom = 1e6, double weightDecay = 0) =>
        Of(module, new Asgd(lambda, alpha, averageFrom), learningRate, weightDecay);

    /// <summary>
    /// 1-bit Adam (Tang et al. 2021): AdamW without bias correction that, after <paramref name="freezeSteps"/> updates, lets the second moment stand still and sends one bit a value between ranks, 1/32 of the bytes, with error
    /// feedback. Several ranks need stage 0; one rank sends nothing.
    /// </summary>
    /// <param name="module">Whose parameters.</param>
    /// <param name="learningRate">The base rate.</param>
    /// <param name="freezeSteps">Updates in full precision: some 15 % of the run, for the second moment must have settled. DeepSpeed's <c>freeze_step</c>.</param>
    /// <param name="weightDecay">Decoupled.</param>
    /// <param name="beta1">Decay of the gradient's average.</param>
    /// <param name="beta2">Decay of the squared gradient's average.</param>
    /// <param name="epsilon">Added to the root in the denominator.</param>
    public static OptimizerSetup OneBitAdam(
        Module module, double learningRate = 1e-3, long freezeSteps = 100_000, double weightDecay = 0, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8) =>
        Of(module, new OneBitAdam(beta1, beta2, epsilon, freezeSteps), learningRate, weightDecay);

    /// <summary>AdamW without a schedule (Defazio et al. 2024): put it on a warm-up or on nothing. Evaluated weights are not those in training (<see cref="FusedOptimizer.UseEvaluationWeights"/>).</summary>
    public static OptimizerSetup ScheduleFreeAdamW(
        Module module, double learningRate = 2.5e-3, double weightDecay = 0, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8) =>
        Of(module, new ScheduleFreeAdamW(beta1, beta2, epsilon), learningRate, weightDecay);
}
