using Raijin.Tensors;

namespace Raijin;

/// <summary>
/// Averages the weights exponentially, avg ← avg + (1 - decay)(w - avg), after each optimizer step, in one pass over memory (Polyak and Juditsky 1992; as generative and speech models are
/// evaluated): <c>new ExponentialMovingAverage(0.999)</c>.
/// </summary>
/// <remarks>Lightning's <c>EMAWeightAveraging</c>.</remarks>
public sealed class ExponentialMovingAverage : WeightAveraging
{
    readonly double _decay;

    /// <summary>Makes the callback.</summary>
    /// <param name="decay">The share of the average that stays, in [0, 1).</param>
    /// <param name="warmUp">Whether to begin with less, min(decay, (1 + n)/(10 + n)) after n updates, so that the first weights are soon forgotten.</param>
    public ExponentialMovingAverage(double decay = 0.999, bool warmUp = false) : base(new ExponentialAveraging(decay, warmUp)) => _decay = decay;

    /// <summary>After how many optimizer steps the average takes the weights in; 1 and more.</summary>
    /// <value>Default 1: after each. Lightning's <c>update_every_n_steps</c>.</value>
    public int EverySteps { get; init; } = 1;

    /// <summary>Optimizer steps before the first that is taken in; until then evaluations use the weights themselves.</summary>
    /// <value>Default 0. Lightning's <c>update_starting_at_step</c>.</value>
    public long StartAtStep { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults()
    {
        if (!(_decay >= 0 && _decay < 1)) yield return new("exponentialMovingAverage.decay", $"= {_decay}; allowed: 0 up to, but not, 1");
        if (EverySteps < 1) yield return new("exponentialMovingAverage.everySteps", $"= {EverySteps}; allowed: 1 and more");
        if (StartAtStep < 0) yield return new("exponentialMovingAverage.startAtStep", $"= {StartAtStep}; allowed: 0 and more");
    }

    /// <inheritdoc/>
    public override void OnTrainStepEnd(TrainStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.Run.Step > StartAtStep && step.Run.Step % EverySteps == 0) Update();
    }
}
