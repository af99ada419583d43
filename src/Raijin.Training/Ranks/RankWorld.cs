using Raijin.Collectives;
using Raijin.Training;
using TorchSharp;

namespace Raijin;

/// <summary>Finds the ranks that a program is one of: those a launcher started, or those that its options ask for.</summary>
public static class RankWorld
{
    static readonly Lock Gate = new();

    // A process is one rank of one world, from when it is first asked for to its end.
    static World? _ofProcess;

    /// <summary>
    /// The ranks that a trainer with these options trains with. Where <see cref="TrainerOptions.Devices"/> asks for several and nobody has started them, the program is run once
    /// for each from here, and this process ends with them. A trainer calls it when it is made; a program calls it first where it has something to do before that once only.
    /// </summary>
    /// <param name="options">How many ranks, and how they meet.</param>
    /// <param name="refine">Changes how they are started, where they are started from here.</param>
    /// <returns>The process's world, which stays until it ends; null where one rank trains alone.</returns>
    /// <exception cref="InvalidOptionsException">Other ranks were started than the options ask for, or the transport can't carry them.</exception>
    /// <exception cref="CollectiveTimeoutException">Ranks did not come; the message says which.</exception>
    public static World? Of(TrainerOptions options, Func<LaunchOptions, LaunchOptions>? refine = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Of(options.Ranks, null, options.Device, "trainer", refine);
    }

    /// <summary>How many ranks a trainer with these options trains with: those that were started, else those that it would start.</summary>
    public static int SizeOf(TrainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var started = ClusterEnvironment.OfProcess().Identity.WorldSize;
        return started > 1 || RankProcess.IsSupervised ? started : options.Devices;
    }

    internal static World? Of(RankOptions options, World? given, DeviceChoice device, string section, Func<LaunchOptions, LaunchOptions>? refine = null)
    {
        if (given is not null)
        {
            if (options.Devices > 1 && options.Devices != given.Size)
                InvalidOptionsException.ThrowIfAny([new($"{section}.devices", $"= {options.Devices}, but {given.Size} ranks are there: leave it out, or start as many")]);
            return given;
        }
        try
        {
            if (options.Devices <= 1 && ClusterEnvironment.OfProcess().Identity.WorldSize == 1) return null;
            lock (Gate)
            {
                if (_ofProcess is not null) return _ofProcess;
                var joining = new WorldOptions { Transport = options.Transport, Group = options.Group, RanksDriveGpus = device.Resolve().type == DeviceType.CUDA };
                LocalRanks.ReexecuteSelf(options.Devices, launch => Restarting(refine?.Invoke(launch) ?? launch, options), joining);
                return _ofProcess = World.Join(joining);
            }
        }
        catch (InvalidOptionsException error)
        {
            // An environment variable is nobody's option.
            throw new InvalidOptionsException([.. error.Faults.Select(f => char.IsAsciiLetterLower(f.Key[0]) ? f with { Key = $"{section}.{f.Key}" } : f)]);
        }
    }

    static LaunchOptions Restarting(LaunchOptions launch, RankOptions options) => launch with { MaxRestarts = options.MaxRestarts, ElasticRanks = options.MaxRestarts > 0 ? options.ElasticRanks : null };

    /// <summary>The device of a rank: where ranks drive GPUs, each its own of those of the machine.</summary>
    internal static TorchSharp.torch.Device DeviceOf(DeviceChoice choice, World? world)
    {
        var device = choice.Resolve();
        return device.type == DeviceType.CUDA && world is { Size: > 1 } ? TorchSharp.torch.device(FormattableString.Invariant($"cuda:{world.Identity.LocalRank}")) : device;
    }
}
