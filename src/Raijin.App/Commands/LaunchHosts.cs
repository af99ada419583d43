using System.CommandLine;
using Raijin.Collectives;

namespace Raijin.App;

/// <summary>Which hosts and slots <c>raijin launch</c> takes: those of a file through <c>mpirun</c>, those of Slurm through <c>srun</c>, or this host.</summary>
sealed class LaunchHosts
{
    readonly Option<string> _file = new("--hostfile") { Description = "Runs on the hosts of a file, worker-0 slots=4 a line, through Open MPI's mpirun", HelpName = "FILE" };
    readonly Option<bool> _srun = new("--srun") { Description = "Runs in a Slurm allocation, through srun" };
    readonly Option<string> _include = new("--include") { Description = "Only these hosts, and only these slots of them: worker-0@worker-1:0,2", HelpName = "HOSTS" };
    readonly Option<string> _exclude = new("--exclude") { Description = "All hosts and slots but these: worker-0:1@worker-1", HelpName = "HOSTS" };
    readonly Option<int?> _nodes = new("--num-nodes") { Description = "Only so many hosts, the first ones", HelpName = "N" };
    readonly Option<int?> _each = new("--num-ranks") { Description = "Only so many ranks on each host", HelpName = "N" };

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public LaunchHosts(Command command)
    {
        foreach (var option in (Option[])[_file, _srun, _include, _exclude, _nodes, _each]) command.Options.Add(option);
    }

    /// <summary>Whether ranks run on this host, under a supervisor of our own.</summary>
    public bool IsLocal(Invocation invocation) => invocation.Text(_file) is null && !invocation.Get(_srun);

    /// <summary>What is wrong with the choice.</summary>
    /// <param name="invocation">The call.</param>
    /// <param name="ranks">How many are asked for; null for all.</param>
    /// <param name="elastic">Whether hosts may be left out later, so that it must be known which there are.</param>
    /// <param name="faults">Gets it.</param>
    public void Check(Invocation invocation, int? ranks, bool elastic, List<OptionFault> faults)
    {
        var file = invocation.Text(_file);
        var srun = invocation.Get(_srun);
        if (file is not null && srun) faults.Add(new("--hostfile", "belongs to mpirun, --srun asks Slurm for hosts: give one of them"));
        if (IsLocal(invocation))
        {
            foreach (var option in (Option[])[_include, _exclude, _nodes, _each])
                if (invocation.Texts(option) is not null) faults.Add(new(option.Name, option == _each ? "says how many ranks each of several hosts has: give --ranks on this one" : "chooses among several hosts: give --hostfile or --srun"));
        }
        if (file is not null && !File.Exists(file)) faults.Add(new($"--hostfile = {file}", Directory.Exists(file) ? "is a folder: give a file of hosts" : "does not exist"));
        else if (file is not null && !srun && (elastic || IsSelected(invocation))) Try(() => Select(invocation, ranks), faults);
        else if (file is not null && !MultiHost.NamesHosts(file)) faults.Add(new($"--hostfile = {file}", "names no host: write one a line, such as node-0 slots=4"));
        if (!srun || file is not null) return;
        if (elastic) faults.Add(new("--srun", "asks Slurm for hosts, which knows those that are lost: leave out --elastic and --min-ranks"));
        foreach (var option in (Option<string>[])[_include, _exclude])
            if (invocation.Text(option) is { } text && text.Split('@').Any(host => host.Length == 0 || host.Contains(':', StringComparison.Ordinal))) faults.Add(new($"{option.Name} = {text}", "Slurm chooses the slots of a host: give hosts only, such as node-0@node-1"));
        foreach (var option in (Option<int?>[])[_nodes, _each])
            if (invocation.Text(option) is not null && invocation.Get(option) is < 1 and var number) faults.Add(new($"{option.Name} = {number}", "allowed: 1 and more"));
    }

    /// <summary>The slots that may be used, of all hosts; the file is in order.</summary>
    public IReadOnlyList<HostSlots> Slots(Invocation invocation) => Select(invocation, null);

    /// <summary>The command line that starts the ranks on several hosts.</summary>
    public IReadOnlyList<string> Line(Invocation invocation, IReadOnlyList<string> command, int? ranks, bool bind, string? logs, IEnumerable<string> variables, int restart) => invocation.Text(_file) switch
    {
        null => MultiHost.Srun(command, ranks, bind, new SrunOptions
        {
            NumNodes = invocation.Get(_nodes),
            RanksPerNode = invocation.Get(_each),
            Include = invocation.Text(_include)?.Split('@'),
            Exclude = invocation.Text(_exclude)?.Split('@'),
            LogFolder = logs,
        }),
        _ when IsSelected(invocation) => MultiHost.Mpirun(command, Select(invocation, ranks), bind, variables, restart, logs),
        var file => MultiHost.Mpirun(command, file, ranks, bind, variables, restart, logs),
    };

    // Else the file goes to mpirun as it is, with all that Open MPI knows of such files.
    bool IsSelected(Invocation invocation) => ((Option[])[_include, _exclude, _nodes, _each]).Any(option => invocation.Texts(option) is not null);

    IReadOnlyList<HostSlots> Select(Invocation invocation, int? ranks) =>
        HostFile.Select(HostFile.Read(File.ReadLines(invocation.Text(_file)!)), invocation.Text(_include), invocation.Text(_exclude), invocation.Get(_nodes), invocation.Get(_each), ranks);

    static void Try(Action select, List<OptionFault> faults)
    {
        try
        {
            select();
        }
        catch (InvalidOptionsException error)
        {
            faults.AddRange(error.Faults.Select(fault => fault with { Key = $"--{fault.Key.Replace("numNodes", "num-nodes", StringComparison.Ordinal).Replace("numRanks", "num-ranks", StringComparison.Ordinal)}" }));
        }
    }
}
