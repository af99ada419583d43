using System.Reflection;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>Makes this very program several ranks.</summary>
public static class LocalRanks
{
    /// <summary>
    /// The one call of a program that is to run as <paramref name="devices"/> ranks of this host. In a process that nobody started as a rank it starts the program that many times, with the same
    /// arguments, waits for them, and ends the process with their exit code: it does not return. In a rank it returns at once, and so it does for one device. After a restart there may be fewer ranks (<see cref="LaunchOptions.ElasticRanks"/>).
    /// </summary>
    /// <remarks>
    /// To be called before any work: what comes before it in <c>Main</c> is done by this process too, and by each rank again. A <c>Trainer</c> calls it when it is constructed.
    /// </remarks>
    /// <param name="devices">How many ranks.</param>
    /// <param name="refine">Changes the options they are started with.</param>
    /// <param name="joining">What each of them will give to <see cref="World.Join"/>: a transport that can't carry them is refused once, before any of them is started.</param>
    /// <exception cref="InvalidOptionsException">The process is a rank, but its host has another number of them, or the transport can't carry so many processes of one host.</exception>
    public static void ReexecuteSelf(int devices, Func<LaunchOptions, LaunchOptions>? refine = null, WorldOptions? joining = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(devices);
        var variables = RaijinEnvironment.All;
        var environment = ClusterEnvironment.Detect(variables);
        // One rank of another launcher (an interactive srun) may become several; a launch of our own was meant as it was.
        if (RankProcess.IsSupervised || environment.Identity.WorldSize > 1)
        {
            LifeLine.Start(variables);
            if (devices > 1 && environment.Identity.LocalWorldSize is var local && local != devices && environment.AskedRanks != devices)
                throw new InvalidOptionsException([new("devices", $"= {devices}, but {environment.Launcher} started {local} {(local == 1 ? "rank" : "ranks")} on this host: start {devices}, or leave it out to take what was started")]);
            return;
        }
        if (devices == 1) return;
        if (devices > LaunchOptions.MaxRanks) throw new InvalidOptionsException([new("devices", $"= {devices}; allowed: 1 to {LaunchOptions.MaxRanks}")]);
        if (joining is not null) _ = TransportChoice.Resolve(joining.Transport, new RankIdentity(0, devices, 0, devices, 0, 1), joining.RanksDriveGpus, underMpi: false);
        var options = new LaunchOptions { Command = ThisProgram(), Ranks = devices, Messages = Messages };
        Environment.Exit(Launcher.Run(refine?.Invoke(options) ?? options).ExitCode);
    }

    /// <summary>How this program was started, with its arguments: by <c>dotnet</c> and a file, or as an executable of its own.</summary>
    public static IReadOnlyList<string> ThisProgram()
    {
        var program = Environment.ProcessPath!;
        string[] start = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, Assembly.GetEntryAssembly()!.Location] : [program];
        return [.. start, .. Environment.GetCommandLineArgs().Skip(1)];
    }

#pragma warning disable RS0030 // The supervisor of a program that has said nothing of where it talks: standard error, as the runtime itself.
    static TextWriter Messages => Console.Error;
#pragma warning restore RS0030
}
