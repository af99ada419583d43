using Microsoft.Extensions.Logging;
using Raijin.Parallel;
using Spectre.Console;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>What is profiled, and where results go.</summary>
public sealed record ProfileTarget
{
    /// <summary>The model that is trained.</summary>
    public required Module Model { get; init; }

    /// <summary>The run's folder; results are written to <c>profile</c> below it.</summary>
    /// <value>Default null: nothing is written.</value>
    public string? Folder { get; init; }

    /// <summary>The books of the engine that divides the model among ranks, once there are any.</summary>
    /// <value>Default: none.</value>
    public Func<Ledger?> Ledger { get; init; } = () => null;

    /// <summary>Samples trained on so far, over all ranks; null where nobody counts them.</summary>
    /// <value>Default: none.</value>
    public Func<long?> Samples { get; init; } = () => null;

    /// <summary>How many ranks train; the first one profiles.</summary>
    /// <value>Default 1.</value>
    public int Ranks { get; init; } = 1;

    /// <summary>Where tables are printed.</summary>
    /// <value>Default null: nowhere.</value>
    public IAnsiConsole? Console { get; init; }

    /// <summary>Where messages go.</summary>
    /// <value>Default null: nowhere.</value>
    public ILogger? Logger { get; init; }

    /// <summary>The path of a result file, its folder made; null where nothing is to be written.</summary>
    public string? File(string name)
    {
        if (Folder is null) return null;
        var folder = Path.Combine(Folder, "profile");
        Directory.CreateDirectory(folder);
        return Path.Combine(folder, name);
    }
}
