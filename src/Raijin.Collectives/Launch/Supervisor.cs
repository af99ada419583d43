using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>
/// Starts the ranks once and watches over them until all have ended. Invariant: when it returns, by whatever way, no rank runs, and nothing that a rank started in its group.
/// </summary>
/// <remarks>
/// <code>
/// Running ── a rank fails ──> Settling ──────────> Ending (SIGTERM) ── FailureGrace ──> Killing (SIGKILL)
///    └────── a signal ──────> Stopping (passed on) ── StopGrace, or a second signal ──────────┘
/// </code>
/// Settling lets ranks that fail together tell why, for a quarter of a second: the first cause that is no echo of another rank's is the launch's, and is waited for longer while there are only echoes.
/// </remarks>
sealed class Supervisor : IDisposable
{
    static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan EchoSettle = TimeSpan.FromSeconds(1.5);
    static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);
    static readonly TimeSpan KillTime = TimeSpan.FromSeconds(10);

    readonly LaunchOptions _options;
    readonly RankGuard? _guard;
    readonly Queue<SupervisorEvent> _events = []; // locked: others' threads fill it
    readonly List<SupervisedRank> _ranks = [];
    readonly Stopwatch _clock = Stopwatch.StartNew();
    Phase _phase = Phase.Running;
    TimeSpan _phaseEnds = TimeSpan.MaxValue;
    TimeSpan _lastLook;
    int _signal;
    bool _onlyEchoes;

    enum Phase
    {
        Running,
        Settling,
        Ending,
        Stopping,
        Killing,
        GivenUp,
    }

    /// <param name="options">What is run.</param>
    /// <param name="job">The name of this start.</param>
    public Supervisor(LaunchOptions options, string job)
    {
        _options = options;
        _guard = RankGuard.OfRanks(job);
    }

    /// <summary>The signal that stopped the launch; 0 for none.</summary>
    public int StopSignal => _signal;

    /// <summary>What failed; null while nothing has.</summary>
    public RankFailureReport? Failure { get; private set; }

    public int ExitCode => Failure is not null ? Failure.Exit is { Code: not 0 and var code } ? code : 1
        : _ranks.TrueForAll(r => r.Exit is { Code: 0 }) ? 0
        : 128 + _signal;

    /// <summary>Passes a signal on to the ranks; the second kills them. From any thread.</summary>
    public void Stop(int signal) => Tell(SupervisorEvent.Stop(signal));

    /// <summary>Starts the ranks and waits until all have ended.</summary>
    /// <param name="environments">By rank.</param>
    /// <param name="cores">Where they run.</param>
    /// <param name="logFolder">Exists.</param>
    public void Run(IReadOnlyList<IReadOnlyDictionary<string, string>> environments, CorePlan cores, string logFolder)
    {
        try
        {
            Start(environments, cores, logFolder);
            _options.OnStart?.Invoke([.. _ranks.Select(r => r.Process.Id)]);
            Watch();
            if (_phase == Phase.Settling) JudgeTheLast();
        }
        finally
        {
            if (IsUnderWay)
            {
                Kill();
                Watch();
            }
        }
        if (Failure is null) return;
        Failure = Failure with { Others = [.. _ranks.Where(r => r.Rank != Failure.Rank).Select(r => r.Describe(Failure.Said))] };
        _options.Messages.Write(Failure.DescribeOthers());
        _options.Messages.Flush();
    }

    public void Dispose()
    {
        foreach (var rank in _ranks) rank.Dispose();
        _guard?.Dispose();
    }

    bool IsUnderWay => _phase != Phase.GivenUp && _ranks.Exists(r => r.IsRunning);

    void Watch()
    {
        while (IsUnderWay)
        {
            foreach (var happened in Happened()) Take(happened);
            LookAtClock();
        }
    }

    void Tell(SupervisorEvent happened)
    {
        lock (_events)
        {
            _events.Enqueue(happened);
            Monitor.Pulse(_events);
        }
    }

    // At once what there is, else what comes within a tick.
    SupervisorEvent[] Happened()
    {
        lock (_events)
        {
            if (_events.Count == 0) Monitor.Wait(_events, Tick);
            SupervisorEvent[] happened = [.. _events];
            _events.Clear();
            return happened;
        }
    }

    // On a thread of its own: its CPUs are what the ranks inherit.
    void Start(IReadOnlyList<IReadOnlyDictionary<string, string>> environments, CorePlan cores, string logFolder)
    {
        ExceptionDispatchInfo? error = null;
        var starter = new Thread(() =>
        {
            try
            {
                for (var rank = 0; rank < environments.Count; rank++)
                {
                    if (cores.Cpus is { } cpus) CpuAffinity.BindThread(cpus[rank]);
                    var log = rank == 0 ? null : Path.Combine(logFolder, string.Create(CultureInfo.InvariantCulture, $"rank-{rank}.log"));
                    _ranks.Add(new SupervisedRank(rank, new ChildStart { Command = _options.Command, Environment = environments[rank] }, log, _guard, Tell));
                }
            }
            catch (IOException refused)
            {
                error = ExceptionDispatchInfo.Capture(refused);
            }
        }) { Name = "raijin launch" };
        starter.Start();
        starter.Join();
        error?.Throw();
    }

    void Take(in SupervisorEvent happened)
    {
        if (happened.Signal != 0)
        {
            TakeSignal(happened.Signal);
            return;
        }
        var rank = _ranks[happened.Rank];
        if (happened.IsBeat)
        {
            rank.LastBeat = _clock.Elapsed;
            rank.IsDebugged = happened.IsDebugged;
        }
        else if (happened.Failure is { } failure)
        {
            rank.Said = failure;
            MarkFailed(rank);
            if (_phase == Phase.Settling) BeginToSettle();
        }
        else if (happened.Exit is { } exit)
        {
            rank.Exit = exit;
            rank.EndedAt = _clock.Elapsed;
            var wasAsked = _phase == Phase.Stopping && (exit.Code == 128 + _signal || exit.Signal == _signal);
            if (exit.Code == 0 || wasAsked || _phase is not (Phase.Running or Phase.Settling or Phase.Stopping)) return;
            MarkFailed(rank);
            BeginToSettle();
        }
    }

    void TakeSignal(int signal)
    {
        if (_phase == Phase.Running)
        {
            _signal = signal;
            foreach (var rank in _ranks.Where(r => r.IsRunning)) rank.Send(signal);
            Enter(Phase.Stopping, _options.StopGrace);
        }
        else if (_phase != Phase.Killing)
        {
            if (_signal == 0) _signal = signal;
            else Kill();
        }
    }

    void LookAtClock()
    {
        var now = _clock.Elapsed;
        // Not looked for long: this process was stopped, or the host slept. That is no silence of the ranks'.
        if (now - _lastLook > Tick * 20)
            foreach (var rank in _ranks.Where(r => r.LastBeat is not null)) rank.LastBeat = now;
        _lastLook = now;

        if (_phase is Phase.Running or Phase.Stopping && _options.HeartbeatDeadline != Timeout.InfiniteTimeSpan)
        {
            foreach (var rank in _ranks.Where(r => r.IsRunning && !(r.IsDebugged && _options.ExcuseDebugged)))
            {
                if (now - rank.LastBeat is not { } silence || silence <= _options.HeartbeatDeadline) continue;
                rank.Silence = silence;
                MarkFailed(rank);
                BeginToSettle();
            }
        }
        if (_phase == Phase.Running && FindMissed(now) is { } missed)
        {
            missed.IsMissed = true;
            MarkFailed(missed);
            BeginToSettle();
        }
        if (now < _phaseEnds) return;
        switch (_phase)
        {
            case Phase.Settling:
                Judge();
                foreach (var rank in _ranks.Where(r => r.IsRunning)) rank.Send(ChildSignal.Terminate);
                Enter(Phase.Ending, _options.FailureGrace);
                break;
            case Phase.Ending or Phase.Stopping:
                Kill();
                break;
            case Phase.Killing:
                Enter(Phase.GivenUp, TimeSpan.Zero);
                break;
        }
    }

    // One that ended well before it gave a sign of life, while others, which do, are ranks of a world it belongs to: they would wait for it until their deadline. Its last words may still be on their way.
    SupervisedRank? FindMissed(TimeSpan now) =>
        _ranks.Exists(r => r.IsRunning && r.LastBeat is not null) ? _ranks.Find(r => r is { Exit.Code: 0, LastBeat: null } && now - r.EndedAt > LastWords) : null;

    // Once more when the first that is no echo follows echoes: those make sure that it comes.
    void BeginToSettle()
    {
        var echoes = _ranks.TrueForAll(r => r.FailedAt == TimeSpan.MaxValue || r.Said is { IsEcho: true });
        if (_phase == Phase.Settling && (echoes || !_onlyEchoes)) return;
        _onlyEchoes = echoes;
        Enter(Phase.Settling, echoes ? EchoSettle : Settle);
    }

    void Kill()
    {
        foreach (var rank in _ranks.Where(r => r.IsRunning)) rank.Send(ChildSignal.Kill);
        Enter(Phase.Killing, KillTime);
    }

    void Enter(Phase phase, TimeSpan length)
    {
        _phase = phase;
        _phaseEnds = _clock.Elapsed + length;
    }

    void MarkFailed(SupervisedRank rank)
    {
        if (rank.FailedAt == TimeSpan.MaxValue) rank.FailedAt = _clock.Elapsed;
    }

    // The last to fail has ended all there was to wait for; what it said may still be on its way.
    void JudgeTheLast()
    {
        foreach (var rank in _ranks) rank.Drain();
        foreach (var happened in Happened()) Take(happened);
        Judge();
    }

    // Names the cause, and tells it before anything else is said.
    void Judge()
    {
        var cause = _ranks.Where(r => r.FailedAt != TimeSpan.MaxValue).OrderBy(r => r.Said is { IsEcho: true }).ThenBy(r => r.FailedAt).First();
        Failure = new RankFailureReport
        {
            Rank = cause.Rank,
            WorldSize = _ranks.Count,
            ProcessId = cause.Process.Id,
            After = cause.FailedAt,
            Exit = cause.Silence is null ? cause.Exit : null,
            Silence = cause.Silence,
            IsMissed = cause.IsMissed,
            Said = cause.Said,
            LogFile = cause.WrittenLog,
            LastLines = cause.Said is null ? cause.LastLines() : [],
        };
        _options.Messages.Write(Failure.Describe());
        _options.Messages.Flush();
    }
}
