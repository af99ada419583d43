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
    /// <param name="logFolder">Where the output of each rank goes, beside this terminal; at the same path on all hosts. Null for nowhere else.</param>
    public static IReadOnlyList<string> Mpirun(IReadOnlyList<string> command, string hostFile, int? ranks, bool bindCores, IEnumerable<string> variables, int restart = 0, string? logFolder = null)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(variables);
        string[] count = ranks is { } n ? ["-np", Number(n)] : [];
        var cores = bindCores ? CoresPerSlot(File.ReadAllLines(hostFile), CorePlan.OfHost()) : 0;
        return ["mpirun", .. Logs(logFolder), "--hostfile", hostFile, .. count, .. Places(cores), .. Exports(variables, restart), .. command];
    }

    /// <summary>The command line of Open MPI's <c>mpirun</c> over slots of hosts. Where they are not the first of a host, its ranks are told which GPUs are theirs by <c>CUDA_VISIBLE_DEVICES</c>.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="hosts">As <see cref="HostFile.Select"/> leaves them.</param>
    /// <param name="bindCores">As for a file of hosts.</param>
    /// <param name="variables">The same.</param>
    /// <param name="restart">The same.</param>
    /// <param name="logFolder">The same.</param>
    public static IReadOnlyList<string> Mpirun(IReadOnlyList<string> command, IReadOnlyList<HostSlots> hosts, bool bindCores, IEnumerable<string> variables, int restart = 0, string? logFolder = null)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(hosts);
        ArgumentNullException.ThrowIfNull(variables);
        var cores = bindCores ? NumCores(CorePlan.OfHost()) / hosts.Max(host => host.Slots.Count) : 0;
        string[] exports = [.. Exports(variables, restart)];
        string[] start = ["mpirun", .. Logs(logFolder), .. Places(cores)];
        if (hosts.All(host => host.AreFirst))
            return [.. start, "--host", string.Join(',', hosts.Select(host => $"{host.Name}:{Number(host.Slots.Count)}")), "-np", Number(hosts.Sum(host => host.Slots.Count)), .. exports, .. command];
        // A part for each host, since each has variables of its own; ranks are numbered through all parts.
        return [.. start, .. hosts.SelectMany((host, i) => (string[])
        [
            .. i > 0 ? (string[])[":"] : [], "--host", $"{host.Name}:{Number(host.Slots.Count)}", "-np", Number(host.Slots.Count), .. exports, "-x", $"CUDA_VISIBLE_DEVICES={string.Join(',', host.Slots.Select(Number))}", .. command,
        ])];
    }

    /// <summary>The command line of Slurm's <c>srun</c>.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="ranks">How many ranks; null: as the allocation says.</param>
    /// <param name="bindCores">Whether each rank has cores of its own.</param>
    /// <param name="options">What is asked of Slurm beyond that.</param>
    public static IReadOnlyList<string> Srun(IReadOnlyList<string> command, int? ranks, bool bindCores, SrunOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(command);
        options ??= new SrunOptions();
        string?[] line =
        [
            "srun", "--mpi=pmix", "--kill-on-bad-exit=1", bindCores ? "--cpu-bind=cores" : "--cpu-bind=none",
            ranks is { } n ? $"--ntasks={Number(n)}" : null,
            options.NumNodes is { } nodes ? $"--nodes={Number(nodes)}" : null,
            options.RanksPerNode is { } each ? $"--ntasks-per-node={Number(each)}" : null,
            options.Include is { } include ? $"--nodelist={string.Join(',', include)}" : null,
            options.Exclude is { } exclude ? $"--exclude={string.Join(',', exclude)}" : null,
            options.LogFolder is { } folder ? $"--output={Path.Combine(folder, "rank-%t.log")}" : null,
        ];
        return [.. line.OfType<string>(), .. command];
    }

    // By default a rank would get one core, whatever the host has.
    static string[] Places(int cores) => cores > 0 ? ["--map-by", $"slot:PE={Number(cores)}", "--bind-to", "core"] : ["--map-by", "slot", "--bind-to", "none"];

    static string[] Logs(string? folder) => folder is null ? [] : ["--output-filename", folder];

    static IEnumerable<string> Exports(IEnumerable<string> variables, int restart)
    {
        var told = variables.Where(name => Told.Any(start => name.StartsWith(start, StringComparison.Ordinal)) && !Untold.Any(start => name.StartsWith(start, StringComparison.Ordinal)));
        return told.Concat(restart > 0 ? [LocalEnvironment.Restart] : []).Distinct().Order(StringComparer.Ordinal).SelectMany(name => (string[])["-x", name]);
    }

    static int NumCores(IReadOnlyList<LogicalCpu> host) => host.Select(cpu => (cpu.Package, cpu.Core)).Distinct().Count();

    static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

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
        return NumCores(host) / hosts.Max(h => int.Parse(h.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"\bslots\s*=\s*([1-9]\d{0,5})\b")]
    private static partial Regex Slots();
}

/// <summary>What is asked of <c>srun</c>.</summary>
public sealed record SrunOptions
{
    /// <summary>How many hosts; null: as the allocation says.</summary>
    /// <value>Default null.</value>
    public int? NumNodes { get; init; }

    /// <summary>How many ranks on each; null: as the allocation says.</summary>
    /// <value>Default null.</value>
    public int? RanksPerNode { get; init; }

    /// <summary>These hosts of the allocation at least; null for any.</summary>
    /// <value>Default null.</value>
    public IReadOnlyList<string>? Include { get; init; }

    /// <summary>None of these; null for any.</summary>
    /// <value>Default null.</value>
    public IReadOnlyList<string>? Exclude { get; init; }

    /// <summary>Where the output of each rank goes, <c>rank-3.log</c>, instead of this terminal; at the same path on all hosts. Null: to this terminal.</summary>
    /// <value>Default null.</value>
    public string? LogFolder { get; init; }
}
