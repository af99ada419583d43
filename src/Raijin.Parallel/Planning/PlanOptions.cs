using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>What a training's bytes depend on beside the model and how it is divided.</summary>
public sealed record PlanOptions
{
    /// <summary>The arithmetic. Where it converts the weights, the optimizer holds float32 masters.</summary>
    /// <value>Default <see cref="Precision.Float32"/>, as of the trainer.</value>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Bytes an algorithm keeps for each trained parameter, masters not counted: 4 for each of its <see cref="OptimizerAlgorithm.Slots"/>.</summary>
    /// <value>Default 8, Adam's.</value>
    public long StateBytes { get; init; } = 8;

    /// <summary>Microbatches of a step.</summary>
    /// <value>Default 1.</value>
    public int Microbatches { get; init; } = 1;

    /// <summary>Bytes of a parameter and of its gradient.</summary>
    internal int ParameterBytes => Precision.ConvertsWeights ? BytesOf(Precision.Compute) : sizeof(float);

    /// <summary>Bytes of the optimizer's state for each parameter: masters and what the algorithm keeps.</summary>
    internal long OptimizerBytes => StateBytes + (Precision.ConvertsWeights ? sizeof(float) : 0);

    /// <summary>The options with the state of an algorithm that keeps the same for every parameter.</summary>
    /// <exception cref="ArgumentException">What the algorithm keeps depends on a parameter's shape: set <see cref="StateBytes"/>.</exception>
    public PlanOptions For(OptimizerAlgorithm algorithm)
    {
        ArgumentNullException.ThrowIfNull(algorithm);
        if (algorithm is Adafactor or Muon or LbfgsOptions) throw new ArgumentException($"What {algorithm.GetType().Name} keeps depends on the shapes of parameters: set StateBytes.", nameof(algorithm));
        return this with { StateBytes = sizeof(float) * algorithm.Slots.Count };
    }

    internal static int BytesOf(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float16 ? 2 : sizeof(float);

    /// <summary>How many ranks divide the state among them.</summary>
    internal static int ShardSize(Strategy strategy, int ranks) => strategy.ShardSize > 0 ? strategy.ShardSize : ranks;

    /// <exception cref="InvalidOptionsException">What is asked for can't be; lists every fault.</exception>
    internal void Check(Strategy strategy, int ranks)
    {
        var faults = new List<OptionFault>();
        if (ranks < 1) faults.Add(new("plan.ranks", $"is {ranks} (allowed: 1 and more)"));
        if (StateBytes < 0) faults.Add(new("plan.stateBytes", $"is {StateBytes} (allowed: 0 and more)"));
        if (Microbatches < 1) faults.Add(new("plan.microbatches", $"is {Microbatches} (allowed: 1 and more)"));
        if (strategy.Stage is < 0 or > 3) faults.Add(new("strategy.stage", $"is {strategy.Stage} (allowed: 0 to 3)"));
        if (strategy.ShardSize < 0 || (strategy.ShardSize > 0 && ranks >= 1 && ranks % strategy.ShardSize != 0)) faults.Add(new("strategy.shardSize", $"{strategy.ShardSize} does not divide the {ranks} ranks"));
        if (!(strategy.OffloadRatio is >= 0 and <= 1)) faults.Add(new("strategy.offloadRatio", $"is {strategy.OffloadRatio} (allowed: 0 to 1)"));
        if (strategy.OffloadParameters is not Tier.OnDevice && strategy.Stage != 3) faults.Add(new("strategy.offloadParameters", $"needs stage 3, not {strategy.Stage}: in the others every rank computes with all parameters at all times"));
        InvalidOptionsException.ThrowIfAny(faults);
    }
}
