using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>Hands a launch over several hosts to those who reach them: <c>mpirun</c> and <c>srun</c>. They start, watch and end the ranks.</summary>
public static partial class MultiHost
{
    const int NoSuchFile = 2;

    // What says how a program computes; other variables are each host's own.
    static readonly string[] Told = ["RAIJIN_", "OMP_", "GOMP_", "MKL_", "DOTNET_"];

    // Of the SDK's commands, which no rank runs.
    static readonly string[] Untold = ["DOTNET_CLI_", "DOTNET_NOLOGO", "DOTNET_GENERATE_"];

    /// <summary>The command line of Open MPI's <c>mpirun</c> over the hosts of a file.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="hostFile">A host a line: <c>node-0 slots=4</c>.</param>
    /// <param name="ranks">How many ranks; null: as many as the file has slots.</param>
    /// <param name="bindCores">Whether each rank has cores of its own. The hosts are taken to have as many as this one.</param>
    /// <param name="variables">Names of this process's environment; those of it that say how to compute are told to the hosts.</param>
    /// <param name="restart">How often before.</param>
    public static IReadOnlyList<string> Mpirun(IReadOnlyList<string> command, string hostFile, int? ranks, bool bindCores, IEnumerable<string> variables, int restart = 0)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(variables);
        var line = new List<string> { "mpirun", "--hostfile", hostFile };
        if (ranks is { } count) line.AddRange(["-np", count.ToString(CultureInfo.InvariantCulture)]);
        // By default a rank would get one core, whatever the host has.
        var cores = bindCores ? CoresPerSlot(File.ReadAllLines(hostFile), CorePlan.OfHost()) : 0;
        line.AddRange(cores > 0 ? ["--map-by", string.Create(CultureInfo.InvariantCulture, $"slot:PE={cores}"), "--bind-to", "core"] : ["--map-by", "slot", "--bind-to", "none"]);
        var told = variables.Where(name => Told.Any(start => name.StartsWith(start, StringComparison.Ordinal)) && !Untold.Any(start => name.StartsWith(start, StringComparison.Ordinal)));
        foreach (var name in told.Concat(restart > 0 ? [LocalEnvironment.Restart] : []).Distinct().Order(StringComparer.Ordinal)) line.AddRange(["-x", name]);
        return [.. line, .. command];
    }

    /// <summary>The command line of Slurm's <c>srun</c>.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="ranks">How many ranks; null: as the allocation says.</param>
    /// <param name="bindCores">Whether each rank has cores of its own.</param>
    public static IReadOnlyList<string> Srun(IReadOnlyList<string> command, int? ranks, bool bindCores)
    {
        ArgumentNullException.ThrowIfNull(command);
        string[] count = ranks is { } n ? [string.Create(CultureInfo.InvariantCulture, $"--ntasks={n}")] : [];
        return ["srun", "--mpi=pmix", "--kill-on-bad-exit=1", bindCores ? "--cpu-bind=cores" : "--cpu-bind=none", .. count, .. command];
    }

    /// <summary>Runs such a command line to its end, at this process's terminal.</summary>
    /// <param name="line">As made here.</param>
    /// <param name="restart">How often before.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="IOException">It is not installed.</exception>
    public static ChildExit Run(IReadOnlyList<string> line, int restart)
    {
        ArgumentNullException.ThrowIfNull(line);
        var variables = new Dictionary<string, string>(RaijinEnvironment.All, StringComparer.Ordinal) { [LocalEnvironment.Restart] = restart.ToString(CultureInfo.InvariantCulture) };
        ChildProcess child;
        try
        {
            // In this process's group: a terminal's Ctrl-C reaches it by itself.
            child = ChildProcess.Start(new ChildStart { Command = line, Environment = variables, OwnGroup = false });
        }
        catch (IOException error) when (error.HResult == NoSuchFile)
        {
            throw new IOException($"{line[0]} is not installed on this host, or not in PATH: {(line[0] == "srun" ? "start on a host of the Slurm cluster" : "install Open MPI (openmpi-bin), or load the cluster's module")}.", error);
        }
        using var guard = RankGuard.OfLauncher();
        guard?.Watch(child);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            child.Signal(ChildSignal.Terminate);
        });
        return child.WaitForExit(() => guard?.Forget(child));
    }

    /// <summary>Whether a file names any host.</summary>
    public static bool NamesHosts(string hostFile) => File.ReadLines(hostFile).Any(line => line.Split('#')[0].Trim().Length > 0);

    /// <summary>Whole cores for each slot of the fullest host; 0 where there are fewer, or the file does not say how many slots a host has.</summary>
    internal static int CoresPerSlot(IEnumerable<string> hostFile, IReadOnlyList<LogicalCpu> host)
    {
        var hosts = hostFile.Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0).Select(line => Slots().Match(line)).ToList();
        if (hosts.Count == 0 || !hosts.TrueForAll(h => h.Success)) return 0;
        return host.Select(cpu => (cpu.Package, cpu.Core)).Distinct().Count() / hosts.Max(h => int.Parse(h.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"\bslots\s*=\s*([1-9]\d{0,5})\b")]
    private static partial Regex Slots();
}
