using System.CommandLine;
using Raijin.Collectives;
using Raijin.Tensors;

namespace Raijin.App;

/// <summary><c>raijin launch --ranks 4 app.dll …</c>: runs a program as several ranks, on this host under a supervisor or on several through <c>mpirun</c> or <c>srun</c>.</summary>
sealed class LaunchCommand : CliCommand
{
    const string Verb = "launch";
    const double MaxHeartbeat = 1e6;
    const int MaxRanks = LaunchOptions.MaxRanks;

    readonly Argument<string[]> _command = new("COMMAND") { Description = "The program, a .dll or executable, and its arguments; options of launch stand before it", Arity = ArgumentArity.OneOrMore };
    readonly Option<int?> _ranks = new("--ranks") { Description = "How many ranks (with --hostfile and --srun: default as many as there are slots)", HelpName = "N" };
    readonly Option<int> _restarts = new("--max-restarts") { Description = "How often all ranks are started again after one failed (default: 0)", HelpName = "N" };
    readonly Option<string> _logs = new("--log-folder") { Description = "Where the ranks but 0 write (default: rank-logs/ and a name)", HelpName = "DIR" };
    readonly Option<bool> _noBind = new("--no-bind") { Description = "Lets ranks run on all cores" };
    readonly Option<double> _heartbeat = new("--heartbeat") { Description = "Seconds without a sign of life after which a rank is dead, 0 for never (default: 30)", HelpName = "SECONDS", DefaultValueFactory = _ => 30 };
    readonly Option<string> _hosts = new("--hostfile") { Description = "Runs on the hosts of a file, through Open MPI's mpirun", HelpName = "FILE" };
    readonly Option<bool> _srun = new("--srun") { Description = "Runs in a Slurm allocation, through srun" };

    /// <summary>Makes the command.</summary>
    public LaunchCommand() : base(Verb, "Runs a program as several ranks")
    {
        Arguments.Add(_command);
        foreach (var option in (Option[])[_ranks, _restarts, _logs, _noBind, _heartbeat, _hosts, _srun]) Options.Add(option);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        "raijin launch --ranks 4 bin/Release/net10.0/train.dll --epochs 3",
        "raijin launch --ranks 2 --max-restarts 3 raijin fit digits --output runs/digits/shared",
        "raijin launch --hostfile hosts --ranks 16 /shared/train",
    ];

    /// <summary>
    /// Puts <c>--</c> before the program of a <c>launch</c>, so that what follows is the program's, whatever it looks like.
    /// </summary>
    /// <param name="root">The whole command line's options, which may stand among those of launch.</param>
    /// <param name="args">As typed.</param>
    public static IReadOnlyList<string> Separated(RootCommand root, IReadOnlyList<string> args)
    {
        if (args is not [Verb, ..] || root.Subcommands.FirstOrDefault(command => command is LaunchCommand) is not { } launch) return args;
        var options = launch.Options.Concat(root.Options).SelectMany(option => option.Aliases.Append(option.Name).Select(name => (name, option))).ToDictionary(o => o.name, o => o.option);
        var next = 1;
        while (next < args.Count && args[next].StartsWith('-'))
        {
            if (args[next] == "--") return args;
            var takesValue = options.TryGetValue(args[next], out var option) && option.ValueType != typeof(bool);
            next += takesValue ? 2 : 1;
        }
        return next >= args.Count ? args : [.. args.Take(next), "--", .. args.Skip(next)];
    }

    /// <inheritdoc/>
    public override int Execute(Invocation invocation)
    {
        var faults = invocation.UsageFaults.ToList();
        var ranks = invocation.Get(_ranks);
        var hosts = invocation.Text(_hosts);
        var isLocal = hosts is null && !invocation.Get(_srun);
        if (ranks is < 1 || (isLocal && ranks > MaxRanks)) faults.Add(new($"--ranks = {ranks}", isLocal ? $"allowed: 1 to {MaxRanks}" : "allowed: 1 and more"));
        if (ranks is null && isLocal && invocation.Texts(_ranks) is null) faults.Add(new("--ranks", "is missing: how many ranks on this host?"));
        if (invocation.Get(_restarts) is < 0 and var restarts) faults.Add(new($"--max-restarts = {restarts}", "allowed: 0 and more"));
        var heartbeat = invocation.Get(_heartbeat);
        if (heartbeat != 0 && heartbeat is not (>= 1 and <= MaxHeartbeat)) faults.Add(new($"--heartbeat = {invocation.Text(_heartbeat)}", "allowed: 0 for never, or 1 to 1,000,000 seconds"));
        if (hosts is not null && invocation.Get(_srun)) faults.Add(new("--hostfile", "belongs to mpirun, --srun asks Slurm for hosts: give one of them"));
        if (hosts is not null && !File.Exists(hosts)) faults.Add(new($"--hostfile = {hosts}", Directory.Exists(hosts) ? "is a folder: give a file of hosts" : "does not exist"));
        else if (hosts is not null && !MultiHost.NamesHosts(hosts)) faults.Add(new($"--hostfile = {hosts}", "names no host: write one a line, such as node-0 slots=4"));
        if (!isLocal)
        {
            foreach (var local in (Option[])[_logs, _heartbeat])
                if (invocation.Texts(local) is not null) faults.Add(new(local.Name, "belongs to ranks on this host; those on several are watched by who starts them"));
        }
        string[] typed = [.. invocation.Arguments.GetResult(_command)?.Tokens.Select(token => token.Value) ?? []];
        // The parser takes what is no option for the program's name.
        if (typed is [['-', ..] option, ..]) faults.Add(new(option, Overrides.UnknownOption(option, invocation.Arguments)));
        else if (typed is [var file, ..] && (file.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) || file.Contains('/', StringComparison.Ordinal)) && !File.Exists(file)) faults.Add(new($"COMMAND = {file}", "does not exist"));
        InvalidOptionsException.ThrowIfAny(faults);

        var command = Startable(typed);
        return isLocal ? RunHere(invocation, command, ranks!.Value, heartbeat) : RunElsewhere(invocation, command, ranks, hosts);
    }

    int RunHere(Invocation invocation, IReadOnlyList<string> command, int ranks, double heartbeat)
    {
        var result = Launcher.Run(new LaunchOptions
        {
            Command = command,
            Ranks = ranks,
            MaxRestarts = invocation.Get(_restarts),
            LogFolder = invocation.Text(_logs),
            BindCores = !invocation.Get(_noBind),
            HeartbeatDeadline = heartbeat == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(heartbeat),
            Messages = invocation.Terminal.Error,
        });
        JsonReport.Write(invocation.Terminal, Verb, result.ExitCode, json =>
        {
            json.WriteNumber("ranks", ranks);
            json.WriteNumber("restarts", result.Restarts);
            json.WriteString("logs", result.LogFolder);
            if (result.Failure is not { } failure) return;
            json.WriteNumber("failedRank", failure.Rank);
            json.WriteString("failure", failure.ToString());
        });
        return result.ExitCode;
    }

    int RunElsewhere(Invocation invocation, IReadOnlyList<string> command, int? ranks, string? hosts)
    {
        var bind = !invocation.Get(_noBind);
        for (var restart = 0; ; restart++)
        {
            var line = hosts is null ? MultiHost.Srun(command, ranks, bind) : MultiHost.Mpirun(command, hosts, ranks, bind, RaijinEnvironment.All.Keys, restart);
            invocation.Terminal.Error.WriteLine(string.Join(' ', line.Select(Quoted)));
            var exit = MultiHost.Run(line, restart);
            if (exit.Code == 0 || exit.Code is 130 or 143 || restart == invocation.Get(_restarts))
            {
                JsonReport.Write(invocation.Terminal, Verb, exit.Code, json =>
                {
                    if (ranks is { } count) json.WriteNumber("ranks", count);
                    json.WriteNumber("restarts", restart);
                    json.WriteStartArray("started");
                    foreach (var word in line) json.WriteStringValue(word);
                    json.WriteEndArray();
                    if (exit.Code != 0) json.WriteString("failure", $"{line[0]} ended with {exit}");
                });
                return exit.Code;
            }
            invocation.Terminal.Error.WriteLine(FormattableString.Invariant($"raijin: {line[0]} ended with {exit}; all ranks are started again ({restart + 1} of at most {invocation.Get(_restarts)})"));
        }
    }

    // As a shell takes it.
    static string Quoted(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+@%".Contains(c, StringComparison.Ordinal)) ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    static IReadOnlyList<string> Startable(string[] command) =>
        command[0].EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? ["dotnet", Path.GetFullPath(command[0]), .. command.Skip(1)]
        : File.Exists(command[0]) ? [Path.GetFullPath(command[0]), .. command.Skip(1)]
        : command;
}
