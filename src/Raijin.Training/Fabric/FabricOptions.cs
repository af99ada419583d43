using Microsoft.Extensions.Logging;
using Raijin.Collectives;
using Raijin.Training;

namespace Raijin;

/// <summary>The settings of a <see cref="Fabric"/>.</summary>
public sealed record FabricOptions
{
    /// <summary>Where to compute.</summary>
    /// <value>Default <c>auto</c>: the first accelerator, else the CPU.</value>
    public DeviceChoice Device { get; init; } = DeviceChoice.Auto;

    /// <summary>The arithmetic.</summary>
    /// <value>Default <see cref="Precision.Float32"/>.</value>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <inheritdoc cref="TrainerOptions.Devices"/>
    public int Devices { get; init; } = 1;

    /// <inheritdoc cref="TrainerOptions.Strategy"/>
    public Strategy? Strategy { get; init; }

    /// <inheritdoc cref="TrainerOptions.Recompute"/>
    public bool Recompute { get; init; }

    /// <inheritdoc cref="TrainerOptions.Transport"/>
    public TransportChoice Transport { get; init; } = TransportChoice.Auto;

    /// <inheritdoc cref="TrainerOptions.CollectiveDeadline"/>
    public TimeSpan CollectiveDeadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <inheritdoc cref="TrainerOptions.CheckCollectives"/>
    public bool CheckCollectives { get; init; }

    /// <summary>
    /// The ranks this fabric is one of, where they are there already: those of <see cref="Collectives.World.Run{T}"/>, or a world you joined. It stays yours to dispose.
    /// Ranks as threads share libtorch's default generators: what draws from them (dropout, a fresh model's weights) comes in no fixed order.
    /// </summary>
    /// <value>Default null: those a launcher started, else <see cref="Devices"/> of them.</value>
    public World? World { get; init; }

    /// <summary>The seed of everything random, set at launch; null leaves the generators as they are.</summary>
    /// <value>Default 0.</value>
    public long? Seed { get; init; } = 0;

    /// <inheritdoc cref="TrainerOptions.LossScale"/>
    public LossScalerOptions? LossScale { get; init; }

    /// <summary>How gradients are clipped before each optimizer step.</summary>
    /// <value>Default <see cref="Clip.None"/>.</value>
    public Clip ClipGradients { get; init; } = Clip.None;

    /// <summary>Optimizer steps of the whole run, for schedules that need to know.</summary>
    /// <value>Default null: unknown.</value>
    public long? TotalSteps { get; init; }

    /// <summary>Optimizer steps of an epoch, for schedules that count epochs.</summary>
    /// <value>Default null: unknown.</value>
    public long? StepsPerEpoch { get; init; }

    /// <summary>Where messages go.</summary>
    /// <value>Default null: nowhere.</value>
    public ILogger? Logger { get; init; }

    /// <summary>Where <see cref="Fabric.Print"/> prints.</summary>
    /// <value>Default null: the terminal's standard output.</value>
    public Spectre.Console.IAnsiConsole? Console { get; init; }

    /// <summary>What is wrong with the settings on their own, by their keys (<c>fabric.devices</c>).</summary>
    public IReadOnlyList<OptionFault> Faults()
    {
        var faults = new List<OptionFault>();
        if (Devices < 1) faults.Add(new("fabric.devices", $"= {Devices}; allowed: 1 and more"));
        if (CollectiveDeadline <= TimeSpan.Zero) faults.Add(new("fabric.collectiveDeadline", $"= {CollectiveDeadline:c}; allowed: above zero"));
        if (Strategy is { } strategy) faults.AddRange(strategy.Faults(World?.Size ?? (Devices > 1 ? Devices : null)).Select(f => f with { Key = $"fabric.{f.Key}" }));
        return faults;
    }

    internal RankOptions Ranks => new() { Devices = Devices, Strategy = Strategy, Transport = Transport, Deadline = CollectiveDeadline, CheckCalls = CheckCollectives };
}
