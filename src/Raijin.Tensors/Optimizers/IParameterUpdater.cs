namespace Raijin.Tensors;

/// <summary>Updates parameters by their gradients: all of them here (<see cref="FusedOptimizer"/>), or this rank's share of them.</summary>
/// <remarks>Every rank makes the same calls in the same order: an updater that shares its work with others meets them in each call but <see cref="ClearGradients"/> and <see cref="IDisposable.Dispose"/>.</remarks>
public interface IParameterUpdater : IDisposable
{
    /// <summary>What is done to each parameter.</summary>
    OptimizerAlgorithm Algorithm { get; }

    /// <summary>The parameter groups as they were given; their learning rates and weight decays may be set between steps.</summary>
    IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>How many calls of <see cref="Step"/> updated at least one parameter.</summary>
    long Updates { get; }

    /// <summary>Bytes of state held in memory here: slots and masters. What lies in files is not counted.</summary>
    long StateBytes { get; }

    /// <summary>Updates every parameter that has a gradient, with clamp(gradient × <paramref name="gradientScale"/>, ±<paramref name="clipValue"/>) in its gradient's place.</summary>
    /// <param name="gradientScale">Finite.</param>
    /// <param name="clipValue">Positive; infinite for no clamp.</param>
    void Step(double gradientScale = 1.0, double clipValue = double.PositiveInfinity);

    /// <summary>Reads all gradients once. The norm is that of all parameters on all ranks, the same on each.</summary>
    GradientNorm MeasureGradients();

    /// <summary>Sets every gradient to none.</summary>
    void ClearGradients();

    /// <summary>The state held here: live tensors, borrowed until the next step or load.</summary>
    OptimizerState CaptureState();

    /// <summary>Takes over a state by parameter and group names.</summary>
    /// <param name="state">Borrowed.</param>
    /// <param name="strict">Refuse a state that does not fit in every name and shape; otherwise what fits is taken.</param>
    /// <returns>What did not fit.</returns>
    OptimizerStateDifference LoadState(OptimizerState state, bool strict = true);

    /// <summary>Puts the weights to evaluate into the parameters, where the algorithm has others than those in training.</summary>
    void UseEvaluationWeights();

    /// <summary>Puts the training weights back.</summary>
    void UseTrainingWeights();
}
