using Microsoft.Extensions.Logging;

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

    /// <summary>The seed of everything random, set at launch; null leaves the generators as they are.</summary>
    /// <value>Default 0.</value>
    public long? Seed { get; init; } = 0;

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
}
