using Raijin.Tensors;
using static TorchSharp.torch.nn;

namespace Raijin;

// The optimizer that asks for the loss again and again within one step.
public static partial class Optimizers
{
    /// <summary>
    /// Limited-memory BFGS (Nocedal and Wright 2006): a step evaluates <c>TrainingStep</c> several times on its one batch, so that should be the whole data set, or a large part of it, and the step without
    /// dropout. Iterates and defaults of <c>torch.optim.LBFGS</c>.
    /// </summary>
    /// <param name="module">The model; its parameters are all float32 or all float64.</param>
    /// <param name="learningRate">The step along a direction; with a line search, where that begins.</param>
    /// <param name="maxIterations">Iterations of one step.</param>
    /// <param name="history">Pairs of steps and gradient changes kept; each costs twice the parameters' memory.</param>
    /// <param name="strongWolfe">Whether to search along each direction for a point that satisfies the strong Wolfe conditions.</param>
    public static OptimizerSetup Lbfgs(Module module, double learningRate = 1, int maxIterations = 20, int history = 100, bool strongWolfe = false) =>
        Of(module, new LbfgsOptions(maxIterations, History: history, StrongWolfe: strongWolfe), learningRate, weightDecay: 0);
}
