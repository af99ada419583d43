using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>How <see cref="Launcher"/> starts the ranks of one host and watches over them.</summary>
public sealed record LaunchOptions
{
    /// <summary>More processes than a host has room for are a slip of the finger.</summary>
    public const int MaxRanks = 4096;

    /// <summary>The program and its arguments, the same for every rank. A bare name is looked for in <c>PATH</c>.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>How many ranks: 1 to 4096.</summary>
    public required int Ranks { get; init; }

    /// <summary>
    /// Where the output of ranks other than 0 goes, <c>rank-3.log</c> each, and after a restart to <c>restart-1/rank-3.log</c>. Rank 0 writes where this process does. Logs that stay empty
    /// are removed at the end.
    /// </summary>
    /// <value>Default null: <c>rank-logs/</c> and the launch's name, in the current folder.</value>
    public string? LogFolder { get; init; }

    /// <summary>How often all ranks are started again after one failed; <c>RAIJIN_RESTART</c> then counts from 1, and a program goes on from its last checkpoint.</summary>
    /// <value>Default 0.</value>
    public int MaxRestarts { get; init; }

    /// <summary>
    /// Numbers of ranks that the program can go on with when places are lost, <see cref="Ranks"/> among them: a restart then takes the largest that is left. A place is lost when its rank was killed or fell silent, or failed
    /// twice in a row.
    /// </summary>
    /// <value>Default null: always as many as at first. DeepSpeed's <c>elasticity</c> says which numbers share one global batch.</value>
    public IReadOnlyList<int>? ElasticRanks { get; init; }

    /// <summary>Whether each rank has cores of its own, neighbours together. No effect where there are fewer CPUs than ranks, or the system can't.</summary>
    /// <value>Default true. DeepSpeed's <c>--bind_cores_to_rank</c>.</value>
    public bool BindCores { get; init; } = true;

    /// <summary>The logical CPUs that are divided among the ranks; null for all that this process may use.</summary>
    /// <value>Default null. DeepSpeed's <c>--bind_core_list</c>.</value>
    public IReadOnlyList<int>? Cpus { get; init; }

    /// <summary>How long a rank that has joined may be silent before it counts as dead. <see cref="Timeout.InfiniteTimeSpan"/>: forever.</summary>
    /// <value>Default 30 seconds; a rank beats four times a second, whatever it computes.</value>
    public TimeSpan HeartbeatDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a rank with a debugger attached may be silent, as it is at a breakpoint.</summary>
    /// <value>Default true.</value>
    public bool ExcuseDebugged { get; init; } = true;

    /// <summary>How long the other ranks have to end after one failed, before they are killed.</summary>
    /// <value>Default 2 seconds.</value>
    public TimeSpan FailureGrace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long ranks have to end after SIGINT or SIGTERM was passed on to them, before they are killed; a second signal kills at once.</summary>
    /// <value>Default 30 seconds: the step under way, and a checkpoint.</value>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether SIGINT, SIGTERM and SIGHUP of this process are passed on to the ranks.</summary>
    /// <value>Default true.</value>
    public bool HandleSignals { get; init; } = true;

    /// <summary>Where failures and restarts are told, as they happen.</summary>
    /// <value>Default <see cref="TextWriter.Null"/>.</value>
    public TextWriter Messages { get; init; } = TextWriter.Null;

    /// <summary>Called when all ranks were started, and again after each restart, with their process ids in the order of ranks.</summary>
    public Action<IReadOnlyList<int>>? OnStart { get; init; }

    internal void ThrowIfInvalid()
    {
        var faults = new List<OptionFault>();
        if (Command.Count == 0 || Command[0].Length == 0) faults.Add(new("command", "is empty: give a program and its arguments"));
        if (Ranks is < 1 or > MaxRanks) faults.Add(new("ranks", $"= {Ranks} (allowed: 1 to {MaxRanks})"));
        if (Cpus is not null && Cpus.Except(CpuAffinity.OfThread()).ToList() is not [] and var absent) faults.Add(new("cpus", $"= {string.Join(',', absent)} are not among those this process may use: {string.Join(',', CpuAffinity.OfThread())}"));
        if (Cpus is []) faults.Add(new("cpus", "is empty: name CPUs, or leave it out"));
        if (Cpus is not null && !BindCores) faults.Add(new("cpus", "has no effect on ranks that are not bound: leave out one of them"));
        if (MaxRestarts < 0) faults.Add(new("maxRestarts", $"= {MaxRestarts} (allowed: 0 and more)"));
        if (ElasticRanks is not null && !ElasticRanks.Contains(Ranks)) faults.Add(new("ranks", $"= {Ranks} (allowed: {RankPlaces.Listed(ElasticRanks)})"));
        if (HeartbeatDeadline != Timeout.InfiniteTimeSpan && HeartbeatDeadline < LifeLine.Interval * 4)
            faults.Add(new("heartbeatDeadline", $"= {HeartbeatDeadline:c} (allowed: {LifeLine.Interval * 4:c} and more: a few beats)"));
        if (FailureGrace < TimeSpan.Zero) faults.Add(new("failureGrace", $"= {FailureGrace:c} (allowed: 0 and more)"));
        if (StopGrace < TimeSpan.Zero) faults.Add(new("stopGrace", $"= {StopGrace:c} (allowed: 0 and more)"));
        InvalidOptionsException.ThrowIfAny(faults);
    }
}
