using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Raijin.Collectives;
using Raijin.Tensors;
using Spectre.Console;

namespace Raijin.App;

/// <summary><c>raijin launch --ranks 4 app.dll …</c>: runs a program as several ranks, on this host under a supervisor or on several through <c>mpirun</c> or <c>srun</c>.</summary>
sealed class LaunchCommand : CliCommand
{
    const string Verb = "launch";
    const double MaxHeartbeat = 1e6;
    const int MaxRanks = LaunchOptions.MaxRanks;
    const int MaxCpus = 8192;

    readonly Argument<string[]> _command = new("COMMAND") { Description = "The program, a .dll or executable, and its arguments; options of launch stand before it", Arity = ArgumentArity.OneOrMore };
    readonly Option<int?> _ranks = new("--ranks") { Description = "How many ranks (with --hostfile and --srun: default as many as there are slots)", HelpName = "N" };
    readonly Option<int> _restarts = new("--max-restarts") { Description = "How often all ranks are started again after one failed (default: 0)", HelpName = "N" };
    readonly Option<string> _logs = new("--log-folder") { Description = "Where the ranks but 0 write (default: rank-logs/ and a name); on several hosts, where all write, for mpirun beside this terminal", HelpName = "DIR" };
    readonly Option<bool> _noBind = new("--no-bind") { Description = "Lets ranks run on all cores" };
    readonly Option<string> _cpus = new("--bind-cores") { Description = "Divides these CPUs among the ranks: 0-7,16 (default: all this process may use)", HelpName = "CPUS" };
    readonly Option<double> _heartbeat = new("--heartbeat") { Description = "Seconds without a sign of life after which a rank is dead, 0 for never (default: 30)", HelpName = "SECONDS", DefaultValueFactory = _ => 30 };
    readonly Option<bool> _dryRun = new("--dry-run") { Description = "Prints what would be started, and starts nothing" };
    readonly LaunchHosts _hosts;
    readonly LaunchElastic _elastic;

    /// <summary>Makes the command.</summary>
    public LaunchCommand() : base(Verb, "Runs a program as several ranks")
    {
        Arguments.Add(_command);
        foreach (var option in (Option[])[_ranks, _restarts]) Options.Add(option);
        _elastic = new LaunchElastic(this);
        foreach (var option in (Option[])[_logs, _noBind, _cpus, _heartbeat]) Options.Add(option);
        _hosts = new LaunchHosts(this);
        Options.Add(_dryRun);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples =>
    [
        "raijin launch --ranks 4 bin/Release/net10.0/train.dll --epochs 3",
        "raijin launch --ranks 2 --max-restarts 3 raijin fit digits --output runs/digits/shared",
        "raijin launch --ranks 4 --max-restarts 3 --elastic ds_config.json raijin fit digits --deepspeed ds_config.json --output runs/digits/shared",
        "raijin launch --hostfile hosts --ranks 16 /shared/train",
        "raijin launch --hostfile hosts --exclude worker-0:0,2@worker-1 --dry-run /shared/train",
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
        var isLocal = _hosts.IsLocal(invocation);
        if (ranks is < 1 || (isLocal && ranks > MaxRanks)) faults.Add(new($"--ranks = {ranks}", isLocal ? $"allowed: 1 to {MaxRanks}" : "allowed: 1 and more"));
        if (ranks is null && isLocal && invocation.Texts(_ranks) is null) faults.Add(new("--ranks", "is missing: how many ranks on this host?"));
        if (invocation.Get(_restarts) is < 0 and var restarts) faults.Add(new($"--max-restarts = {restarts}", "allowed: 0 and more"));
        var heartbeat = invocation.Get(_heartbeat);
        if (heartbeat != 0 && heartbeat is not (>= 1 and <= MaxHeartbeat)) faults.Add(new($"--heartbeat = {invocation.Text(_heartbeat)}", "allowed: 0 for never, or 1 to 1,000,000 seconds"));
        _hosts.Check(invocation, ranks, _elastic.IsAsked(invocation), faults);
        var cpus = Cpus(invocation, faults);
        if (!isLocal)
        {
            foreach (var local in (Option[])[_cpus, _heartbeat])
                if (invocation.Texts(local) is not null) faults.Add(new(local.Name, "belongs to ranks on this host; those on several are watched by who starts them"));
        }
        string[] typed = [.. invocation.Arguments.GetResult(_command)?.Tokens.Select(token => token.Value) ?? []];
        // The parser takes what is no option for the program's name.
        if (typed is [['-', ..] option, ..]) faults.Add(new(option, Overrides.UnknownOption(option, invocation.Arguments)));
        else if (typed is [var file, ..] && (file.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) || file.Contains('/', StringComparison.Ordinal)) && !File.Exists(file)) faults.Add(new($"COMMAND = {file}", "does not exist"));
        var slots = !isLocal && _elastic.IsAsked(invocation) && faults.Count == 0 ? _hosts.Slots(invocation) : null;
        ranks ??= slots?.Sum(host => host.Slots.Count);
        var allowed = _elastic.Ranks(invocation, ranks, invocation.Get(_restarts), faults);
        InvalidOptionsException.ThrowIfAny(faults);

        var command = Startable(typed);
        if (isLocal) return RunHere(invocation, command, ranks!.Value, allowed, cpus, heartbeat);
        return RunElsewhere(invocation, command, ranks, slots is null ? null : new ElasticHosts(slots, ranks!.Value, allowed!));
    }

    int RunHere(Invocation invocation, IReadOnlyList<string> command, int ranks, IReadOnlyList<int>? allowed, IReadOnlyList<int>? cpus, double heartbeat)
    {
        var options = new LaunchOptions
        {
            Command = command,
            Ranks = ranks,
            MaxRestarts = invocation.Get(_restarts),
            ElasticRanks = allowed,
            LogFolder = invocation.Text(_logs),
            BindCores = !invocation.Get(_noBind),
            Cpus = cpus,
            HeartbeatDeadline = heartbeat == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(heartbeat),
            Messages = invocation.Terminal.Error,
        };
        if (invocation.Get(_dryRun)) return Show(invocation, options);
        var result = Launcher.Run(options);
        JsonReport.Write(invocation.Terminal, Verb, result.ExitCode, json =>
        {
            json.WriteNumber("ranks", result.Ranks);
            json.WriteNumber("restarts", result.Restarts);
            json.WriteString("logs", result.LogFolder);
            if (result.Failure is not { } failure) return;
            json.WriteNumber("failedRank", failure.Rank);
            json.WriteString("failure", failure.ToString());
        });
        return result.ExitCode;
    }

    static int Show(Invocation invocation, LaunchOptions options)
    {
        var plan = Launcher.Plan(options);
        var console = invocation.Terminal.Human;
        console.Write($"{Shown(options.Command)}\n");
        var listing = new Listing(Palette.Quiet, "", "");
        foreach (var rank in plan)
            listing.Add(FormattableString.Invariant($"rank {rank.Rank}"), rank.Cpus is { } cpus ? $"CPUs {string.Join(',', cpus)}" : "not bound", rank.Threads == 1 ? "1 thread" : FormattableString.Invariant($"{rank.Threads} threads"));
        if (options.ElasticRanks is { } allowed) listing.Add("restarts", FormattableString.Invariant($"with {string.Join(", ", allowed.Where(count => count <= options.Ranks).Order())} ranks, as places are left"), "");
        listing.Print(console);
        JsonReport.Write(invocation.Terminal, Verb, ExitCodes.Success, json =>
        {
            WriteLine(json, options.Command);
            json.WriteStartArray("plan");
            foreach (var rank in plan)
            {
                json.WriteStartObject();
                json.WriteNumber("rank", rank.Rank);
                if (rank.Cpus is { } cpus)
                {
                    json.WriteStartArray("cpus");
                    foreach (var cpu in cpus) json.WriteNumberValue(cpu);
                    json.WriteEndArray();
                }
                json.WriteNumber("threads", rank.Threads);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
        return ExitCodes.Success;
    }

    int RunElsewhere(Invocation invocation, IReadOnlyList<string> command, int? ranks, ElasticHosts? elastic)
    {
        IReadOnlyList<string> Line(IReadOnlyList<HostSlots> hosts, int restart) => MultiHost.Mpirun(command, hosts, !invocation.Get(_noBind), RaijinEnvironment.All.Keys, restart, invocation.Text(_logs));
        for (var restart = 0; ; restart++)
        {
            var line = elastic is not null ? Line(elastic.InUse, restart) : _hosts.Line(invocation, command, ranks, !invocation.Get(_noBind), invocation.Text(_logs), RaijinEnvironment.All.Keys, restart);
            if (invocation.Get(_dryRun))
            {
                invocation.Terminal.Human.Write($"{Shown(line)}\n");
                foreach (var (host, left) in elastic?.Losses() ?? [])
                    invocation.Terminal.Human.Write($"without {host}: {(left is null ? "too few slots are left" : Shown(Line(left, 1)))}\n");
                JsonReport.Write(invocation.Terminal, Verb, ExitCodes.Success, json => WriteLine(json, line));
                return ExitCodes.Success;
            }
            invocation.Terminal.Error.WriteLine(Shown(line));
            var exit = MultiHost.Run(line, restart);
            var isOver = exit.Code is 0 or 130 or 143 || restart == invocation.Get(_restarts);
            var loss = isOver ? null : elastic?.Ask();
            if (isOver || elastic is { InUse.Count: 0 })
            {
                if (loss is not null) invocation.Terminal.Error.WriteLine($"raijin: {loss}");
                JsonReport.Write(invocation.Terminal, Verb, exit.Code, json =>
                {
                    if ((elastic?.InUse.Sum(host => host.Slots.Count) ?? ranks) is { } count) json.WriteNumber("ranks", count);
                    json.WriteNumber("restarts", restart);
                    WriteLine(json, line);
                    if (exit.Code != 0) json.WriteString("failure", $"{line[0]} ended with {exit}");
                });
                return exit.Code;
            }
            invocation.Terminal.Error.WriteLine(FormattableString.Invariant($"raijin: {line[0]} ended with {exit}; {loss ?? "all ranks are started again"} ({(loss is null ? "" : "restart ")}{restart + 1} of at most {invocation.Get(_restarts)})"));
        }
    }

    static void WriteLine(Utf8JsonWriter json, IReadOnlyList<string> line)
    {
        json.WriteStartArray("started");
        foreach (var word in line) json.WriteStringValue(word);
        json.WriteEndArray();
    }

    // 0-3,8: four and one.
    List<int>? Cpus(Invocation invocation, List<OptionFault> faults)
    {
        if (invocation.Text(_cpus) is not { } text) return null;
        var cpus = new SortedSet<int>();
        foreach (var part in text.Split(','))
        {
            var ends = part.Split('-');
            if (ends.Length <= 2 && int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first) && int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last) && last >= first && last < MaxCpus)
            {
                for (var cpu = first; cpu <= last; cpu++) cpus.Add(cpu);
                continue;
            }
            faults.Add(new($"{_cpus.Name} = {text}", "expected numbers of CPUs and ranges of them, such as 0-7,16"));
            return null;
        }
        var allowed = CpuAffinity.OfThread();
        if (cpus.Except(allowed).ToList() is { Count: > 0 } absent) faults.Add(new($"{_cpus.Name} = {text}", $"this process may not use {string.Join(',', absent)}; allowed: {string.Join(',', allowed)}"));
        if (invocation.Get(_noBind)) faults.Add(new(_noBind.Name, $"lets ranks run on all cores: leave it or {_cpus.Name} out"));
        return [.. cpus];
    }

    static string Shown(IReadOnlyList<string> line) => string.Join(' ', line.Select(Quoted));

    // As a shell takes it.
    static string Quoted(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+@%".Contains(c, StringComparison.Ordinal)) ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    static IReadOnlyList<string> Startable(string[] command) =>
        command[0].EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? ["dotnet", Path.GetFullPath(command[0]), .. command.Skip(1)]
        : File.Exists(command[0]) ? [Path.GetFullPath(command[0]), .. command.Skip(1)]
        : command;
}
