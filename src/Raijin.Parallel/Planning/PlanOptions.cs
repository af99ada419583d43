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

    /// <summary>Whether the host computes: then nothing is copied while something else is computed, so one bucket is enough and no unit is fetched ahead.</summary>
    /// <value>Default false: an accelerator does.</value>
    public bool ComputesOnHost { get; init; }

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
        faults.AddRange(strategy.Faults(ranks));
        InvalidOptionsException.ThrowIfAny(faults);
    }
}
