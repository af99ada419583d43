using Raijin.Tensors;

namespace Raijin;

/// <summary>
/// Averages the weights at the end of each of the last epochs, over which the learning rate goes to a constant one and stays there (Izmailov et al. 2018, arXiv:1803.05407): a flatter minimum for the
/// price of one more copy of the weights.
/// </summary>
/// <remarks>
/// The statistics of batch norms are averaged with the weights (<see cref="WeightAveraging.IncludeBuffers"/>), which needs no further pass over the data. Lightning's callback of the same name.
/// </remarks>
public sealed class StochasticWeightAveraging : WeightAveraging
{
    readonly double _rate;

    /// <summary>Makes the callback.</summary>
    /// <param name="rate">The constant learning rate, as a multiple of the base rate; above zero.</param>
    public StochasticWeightAveraging(double rate) : base(new MeanAveraging()) => _rate = rate;

    /// <summary>The first epoch (the first is 0) whose weights are averaged, and in which the rate begins to change.</summary>
    /// <value>Default null: after four fifths of the epochs.</value>
    public long? StartAtEpoch { get; init; }

    /// <summary>Epochs in which the rate reaches its constant value; 0 for at once.</summary>
    /// <value>Default 10.</value>
    public long AnnealEpochs { get; init; } = 10;

    /// <summary>How it gets there.</summary>
    /// <value>Default cosine.</value>
    public Anneal Anneal { get; init; } = Anneal.Cosine;

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults()
    {
        if (!(_rate > 0 && double.IsFinite(_rate))) yield return new("stochasticWeightAveraging.rate", $"= {_rate}; allowed: above zero");
        if (StartAtEpoch < 0) yield return new("stochasticWeightAveraging.startAtEpoch", $"= {StartAtEpoch}; allowed: 0 and more");
        if (AnnealEpochs < 0) yield return new("stochasticWeightAveraging.annealEpochs", $"= {AnnealEpochs}; allowed: 0 and more");
    }

    internal override OptimizerSetup Amend(OptimizerSetup setup, RunPlan plan)
    {
        var start = Start(plan);
        if (plan.StepsPerEpoch is not { } steps)
            throw new InvalidOptionsException([new("stochasticWeightAveraging", "counts epochs, and the training loader's length is unknown: give a loader of known length")]);
        return new([.. setup.Requests.Select(r => r with
        {
            Schedule = Tail(r.Schedule),
            Rules = [.. r.Rules.Select(rule => rule.Schedule is { } own ? rule with { Schedule = Tail(own) } : rule)],
        })]);

        LearningRateSchedule Tail(LearningRateSchedule before) => Schedules.Swa(before, Math.Max(0, start * steps - 1), _rate, AnnealEpochs * steps, Anneal);
    }

    /// <inheritdoc/>
    public override void OnTrainEpochEnd(TrainEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        if (epoch.Index >= Start(epoch.Run.Plan)) Update();
    }

    long Start(RunPlan plan) => StartAtEpoch ?? (plan.MaxEpochs is { } epochs
        ? epochs * 4 / 5
        : throw new InvalidOptionsException([new("stochasticWeightAveraging.startAtEpoch", "is not set, and four fifths of a run without maxEpochs are unknown: set one of them")]));
}
