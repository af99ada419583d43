using Raijin.DeepSpeed;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>An optimizer by DeepSpeed's name and parameters.</summary>
public sealed record DeepSpeedOptimizer
{
    // torch.optim's own, which DeepSpeed takes by name.
    static readonly string[] Names =
        ["Adam", "AdamW", "Adagrad", "Lamb", "Lion", "Muon", "SGD", "RMSprop", "NAdam", "RAdam", "Adamax", "Adadelta", "FusedAdam", "DeepSpeedCPUAdam", "FusedLamb", "OneBitAdam", "ZeroOneAdam", "OneBitLamb", "MuAdam", "MuAdamW", "MuSGD"];

    /// <summary>As the file has it.</summary>
    public required string Type { get; init; }

    /// <summary>The learning rate.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>β₁.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>What keeps a division from zero.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Weight decay.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Whether weight decay is decoupled from the gradient; of Adam.</summary>
    public bool Decoupled { get; init; } = true;

    /// <summary>Whether averages are corrected for the updates they have not seen yet; of Adam and Lamb.</summary>
    public bool BiasCorrection { get; init; } = true;

    /// <summary>The least scale of a parameter's step; of Lamb.</summary>
    public double LeastTrust { get; init; } = 0.01;

    /// <summary>The largest; of Lamb.</summary>
    public double MostTrust { get; init; } = 10;

    /// <summary>Momentum of SGD, RMSprop and Muon.</summary>
    public double Momentum { get; init; }

    /// <summary>Dampening of SGD.</summary>
    public double Dampening { get; init; }

    /// <summary>Whether SGD's momentum looks ahead.</summary>
    public bool Nesterov { get; init; }

    /// <summary>Decay of RMSprop's squares.</summary>
    public double Alpha { get; init; } = 0.99;

    /// <summary>Updates of 1-bit Adam before ranks send signs.</summary>
    public long FreezeSteps { get; init; } = 100_000;

    /// <summary>The name of DeepSpeed's that is meant, whatever its letters' case; null for none.</summary>
    internal static string? NameOf(string type) => Array.Find(Names, name => name.Equals(type, StringComparison.OrdinalIgnoreCase));

    internal static string? Nearest(string type) => NearestName.Of(type, Names);

    internal static IReadOnlyList<string> Known => Names;

    /// <summary>Whether a run can have it.</summary>
    internal bool IsAvailable => NameOf(Type) is not (null or "ZeroOneAdam" or "OneBitLamb" or "MuAdam" or "MuAdamW" or "MuSGD");

    /// <summary>Whether it brings gradients together itself, as signs.</summary>
    internal bool IsOneBit => NameOf(Type) == "OneBitAdam";

    /// <summary>What to use where a run can't have it.</summary>
    internal static string Instead(string name) => name switch
    {
        "ZeroOneAdam" or "OneBitLamb" => "OneBitAdam",
        _ => "AdamW, with groups of their own rates (OptimizerSetup.Group)",
    };

    /// <summary>The setup for all parameters of a module.</summary>
    /// <param name="module">Whose parameters are updated.</param>
    /// <param name="schedule">Its schedule, which may know the base rate better; null for none.</param>
    public OptimizerSetup For(Module module, DeepSpeedSchedule? schedule = null)
    {
        var rate = schedule?.BaseRate ?? LearningRate;
        var setup = NameOf(Type) switch
        {
            "Adam" or "AdamW" or "FusedAdam" or "DeepSpeedCPUAdam" when Decoupled => Optimizers.AdamW(module, rate, WeightDecay, Beta1, Beta2, Epsilon, BiasCorrection),
            "Adam" or "AdamW" or "FusedAdam" or "DeepSpeedCPUAdam" => Optimizers.Adam(module, rate, Beta1, Beta2, Epsilon, WeightDecay, BiasCorrection),
            "OneBitAdam" => Optimizers.OneBitAdam(module, rate, FreezeSteps, WeightDecay, Beta1, Beta2, Epsilon),
            "Adagrad" => Optimizers.Adagrad(module, rate, epsilon: Epsilon, weightDecay: WeightDecay),
            "Lamb" or "FusedLamb" => Optimizers.Lamb(module, rate, WeightDecay, Beta1, Beta2, Epsilon, biasCorrection: BiasCorrection, leastTrust: LeastTrust, mostTrust: MostTrust),
            "Lion" => Optimizers.Lion(module, rate, WeightDecay, Beta1, Beta2),
            // Its matrices' updates are scaled by √max(1, rows / columns).
            "Muon" => Optimizers.Muon(module, rate, WeightDecay, Momentum, matchAdamW: false),
            "SGD" => Optimizers.Sgd(module, rate, Momentum, Dampening, WeightDecay, Nesterov),
            "RMSprop" => Optimizers.RmsProp(module, rate, Alpha, Epsilon, Momentum, weightDecay: WeightDecay),
            "NAdam" => Optimizers.NAdam(module, rate, Beta1, Beta2, Epsilon, WeightDecay),
            "RAdam" => Optimizers.RAdam(module, rate, Beta1, Beta2, Epsilon, WeightDecay),
            "Adamax" => Optimizers.Adamax(module, rate, Beta1, Beta2, Epsilon, WeightDecay),
            "Adadelta" => Optimizers.Adadelta(module, rate, epsilon: Epsilon, weightDecay: WeightDecay),
            _ => throw new InvalidOptionsException([new("optimizer.type", $"= {Type} is not there; use {Instead(NameOf(Type) ?? "")}")]),
        };
        return schedule is null ? setup : setup.With(schedule.Schedule);
    }
}

/// <summary>A schedule by DeepSpeed's name.</summary>
/// <param name="Type">As the file has it.</param>
/// <param name="Schedule">Its rates, as shares of the base rate.</param>
/// <param name="BaseRate">The base rate it names; null for the optimizer's.</param>
public sealed record DeepSpeedSchedule(string Type, LearningRateSchedule Schedule, double? BaseRate);
