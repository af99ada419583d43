using System.Diagnostics;
using System.Globalization;
using Raijin.Tensors;
using Raijin.Testing;

namespace Raijin.Collectives.Tests.Launch;

/// <summary>Ranks as real processes, and what becomes of them.</summary>
public sealed class LauncherTests : IDisposable
{
    // What all ranks have to end in after one failed.
    static readonly TimeSpan Promised = TimeSpan.FromSeconds(5);

    readonly TemporaryFolder _folder = new();
    readonly StringWriter _messages = new();
    IReadOnlyList<int> _ids = [];

    public LauncherTests() => Assert.SkipUnless(ChildProcess.IsSupported, "ranks are processes on Linux and macOS");

    public void Dispose()
    {
        _folder.Dispose();
        _messages.Dispose();
    }

    LaunchOptions Options(int ranks, params string[] deeds) => new()
    {
        Command = [RankProcesses.Program(), "launched", .. deeds],
        Ranks = ranks,
        LogFolder = _folder.Path,
        HandleSignals = false,
        Messages = _messages,
        OnStart = ids => _ids = ids,
    };

    string Log(int rank, string folder = "") => File.ReadAllText(Path.Combine(_folder.Path, folder, string.Create(CultureInfo.InvariantCulture, $"rank-{rank}.log")));

    // The launch on a thread of its own, with a deadline.
    static async Task<LaunchResult> Run(LaunchOptions options) =>
        await Task.Run(() => Launcher.Run(options, TestContext.Current.CancellationToken)).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

    static async Task Until(Func<bool> holds, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (!holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(30), $"not within 30 s: {what}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    async Task UntilLogged(int rank, string text) => await Until(() => File.Exists(_folder[$"rank-{rank}.log"]) && ReadShared(rank).Contains(text, StringComparison.Ordinal), $"{text} in the log of rank {rank}");

    string ReadShared(int rank)
    {
        using var file = new FileStream(_folder[$"rank-{rank}.log"], FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    // A zombie that nobody has collected yet does not run any more.
    static bool Lives(int id)
    {
        var stat = $"/proc/{id.ToString(CultureInfo.InvariantCulture)}/stat";
        try
        {
            return File.Exists(stat) && !File.ReadAllText(stat).Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    static async Task Signal(int id, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Ranks_know_who_they_are_and_have_cores_and_logs_of_their_own()
    {
        var result = await Run(Options(2, "tell"));
        Assert.Equal((0, 0), (result.ExitCode, result.Restarts));
        Assert.Null(result.Failure);
        Assert.Equal("", _messages.ToString());
        var plan = CorePlan.Divide(CorePlan.OfHost(), 2, bind: CpuAffinity.IsSupported);
        Assert.Contains($"rank 1 of 2 on cpus {string.Join(',', (plan.Cpus?[1] ?? CpuAffinity.OfThread()).Order())} with ", Log(1), StringComparison.Ordinal);
        if (!RaijinEnvironment.SaysHowManyThreads) Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"with {plan.Threads} threads"), Log(1), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["rank-0.log"]));
    }

    [Fact]
    public async Task Logs_that_stay_empty_and_a_folder_nobody_named_are_removed()
    {
        var result = await Run(Options(2, "heal", "heal") with { LogFolder = null, MaxRestarts = 1 });
        Assert.Equal((0, 1), (result.ExitCode, result.Restarts));
        Assert.False(Directory.Exists(result.LogFolder));
    }

    [Theory]
    [InlineData("throw", "sample 17 is damaged", 134)]
    [InlineData("caught", "sample 18 is damaged", 1)]
    public async Task A_rank_that_throws_ends_all_and_its_message_and_stack_trace_come_first(string deed, string message, int exitCode)
    {
        var started = Stopwatch.GetTimestamp();
        var result = await Run(Options(3, "wait", "wait", deed));
        Assert.True(Stopwatch.GetElapsedTime(started) < Promised + TimeSpan.FromSeconds(3), "all ranks end within 5 s");
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(2, result.Failure!.Rank);
        var lines = _messages.ToString().Split('\n');
        Assert.StartsWith("raijin: rank 2 of 3 failed after ", lines[0], StringComparison.Ordinal);
        Assert.Equal($"System.IO.InvalidDataException: {message}", lines[1]);
        Assert.Contains("at Raijin.RankHost.Launched.", lines[2], StringComparison.Ordinal);
        Assert.Contains("rank 0   ended by its supervisor (SIGTERM)", _messages.ToString(), StringComparison.Ordinal);
        Assert.All(_ids, id => Assert.False(Lives(id)));
        Assert.Equal("waiting\n", Log(1));
    }

    [Fact]
    public async Task The_cause_is_the_rank_that_failed_of_itself_not_the_one_that_gave_up_in_turn()
    {
        var result = await Run(Options(3, "wait", "late7", "echo", _folder["rank-2.log"]));
        Assert.Equal((1, 7), (result.Failure!.Rank, result.ExitCode));
        Assert.Contains("rank 2   gave up in turn (", result.Failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_last_rank_said_is_waited_for()
    {
        var result = await Run(Options(1, "caught"));
        Assert.Equal((1, "sample 18 is damaged"), (result.ExitCode, result.Failure!.Said?.Message));
    }

    [Fact]
    public async Task A_rank_that_says_nothing_is_reported_with_the_last_lines_of_its_log()
    {
        var options = Options(2, "wait", "wait");
        var run = Run(options);
        await UntilLogged(1, "waiting");
        await Signal(_ids[1], "KILL");
        var result = await run;
        Assert.Equal(137, result.ExitCode);
        Assert.Contains(": SIGKILL (by someone else", _messages.ToString(), StringComparison.Ordinal);
        Assert.Contains("  waiting\n", _messages.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rank_that_stops_beating_is_dead()
    {
        var run = Run(Options(2, "stubborn", "wait") with { HeartbeatDeadline = TimeSpan.FromSeconds(1) });
        await UntilLogged(1, "waiting");
        var started = Stopwatch.GetTimestamp();
        await Signal(_ids[1], "STOP");
        var result = await run;
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromSeconds(0.7), TimeSpan.FromSeconds(1) + Promised);
        Assert.Equal((1, 1), (result.ExitCode, result.Failure!.Rank));
        Assert.Contains("no beat for 1.", _messages.ToString(), StringComparison.Ordinal);
        Assert.Contains("rank 0   ended by its supervisor (SIGKILL)", _messages.ToString(), StringComparison.Ordinal);
        Assert.All(_ids, id => Assert.False(Lives(id)));
    }

    [Fact]
    public async Task All_ranks_are_started_again_as_often_as_allowed()
    {
        var healed = await Run(Options(2, "wait", "heal") with { MaxRestarts = 3, Ranks = 2, Command = [RankProcesses.Program(), "launched", "heal", "heal"] });
        Assert.Equal((0, 1), (healed.ExitCode, healed.Restarts));
        Assert.Contains("raijin: all ranks are started again (1 of at most 3)", _messages.ToString(), StringComparison.Ordinal);

        var failed = await Run(Options(2, "tell", "exit7") with { MaxRestarts = 1 });
        Assert.Equal((7, 1), (failed.ExitCode, failed.Restarts));
        Assert.NotNull(failed.Failure);
    }

    [Fact]
    public async Task What_a_rank_has_started_ends_with_it()
    {
        var run = Run(Options(2, "wait", "parent"));
        await UntilLogged(1, "waiting");
        var child = int.Parse(ReadShared(1).Split('\n')[0]["child ".Length..], CultureInfo.InvariantCulture);
        Assert.True(Lives(child));
        await Signal(_ids[1], "KILL");
        Assert.Equal(137, (await run).ExitCode);
        await Until(() => !Lives(child), "the end of the rank's child");
    }

    [Theory]
    [InlineData("polite", "saved", 130)]
    [InlineData("stubborn", "no", 130)]
    public async Task A_signal_is_passed_on_once_and_those_that_do_not_end_are_killed(string deed, string said, int exitCode)
    {
        using var supervisor = RankProcesses.Start(1, "launched", _ => ["supervise", "2", _folder.Path, deed, deed]);
        await UntilLogged(1, "waiting");
        await Until(() => supervisor.OutputOf(0).Contains("ranks ", StringComparison.Ordinal), "the ranks' ids");
        await Signal(supervisor.IdOf(0), "INT");
        var outcome = supervisor.WaitAll(TimeSpan.FromSeconds(20))[0];
        Assert.Equal((exitCode, false), (outcome.ExitCode, outcome.WasLate));
        Assert.Equal($"waiting\n{said}\n", Log(1));
        Assert.All(IdsIn(outcome.Output), id => Assert.False(Lives(id)));
    }

    [Fact]
    public async Task Ranks_do_not_outlive_their_supervisor()
    {
        using var supervisor = RankProcesses.Start(1, "launched", _ => ["supervise", "2", _folder.Path, "stubborn"]);
        await UntilLogged(1, "waiting");
        await Until(() => supervisor.OutputOf(0).Contains("ranks ", StringComparison.Ordinal), "the ranks' ids");
        var ids = IdsIn(supervisor.OutputOf(0));
        Assert.Equal(2, ids.Count);
        supervisor.Kill(0);
        await Until(() => !ids.Exists(Lives), "the ranks' end");
    }

    [Fact]
    public async Task Programs_that_never_join_do_not_outlive_their_supervisor_either()
    {
        using var supervisor = RankProcesses.Start(1, "launched", _ => ["foreign", "2", _folder.Path, "sh", "-c", "sleep 600 & echo $! started; wait"]);
        await UntilLogged(1, "started");
        await Until(() => supervisor.OutputOf(0).Contains("ranks ", StringComparison.Ordinal), "the ranks' ids");
        var ids = IdsIn(supervisor.OutputOf(0)).Append(int.Parse(Log(1).Split(' ')[0], CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(3, ids.Count);
        Assert.All(ids, id => Assert.True(Lives(id)));
        supervisor.Kill(0);
        await Until(() => !ids.Exists(Lives), "the end of the ranks and what they started");
    }

    static List<int> IdsIn(string output) => [.. output.Split('\n').First(l => l.StartsWith("ranks ", StringComparison.Ordinal)).Split(' ').Skip(1).Select(id => int.Parse(id, CultureInfo.InvariantCulture))];

    [Fact]
    public void A_program_starts_itself_as_ranks_with_the_same_arguments()
    {
        using var program = RankProcesses.Start(1, "launched", _ => ["reexecute", _folder.Path, "x y"]);
        var outcome = program.WaitAll(TimeSpan.FromSeconds(30))[0];
        Assert.Equal(9, outcome.ExitCode);
        Assert.Equal($"rank 0 of 2: reexecute {_folder.Path} x y\n", outcome.Output);
        Assert.Equal($"rank 1 of 2: reexecute {_folder.Path} x y\n", Log(1));
        Assert.StartsWith("raijin: rank 1 of 2 failed after ", outcome.Errors, StringComparison.Ordinal);
        Assert.Contains(": exit code 9\n", outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ranks_that_were_launched_join_one_world_and_say_how()
    {
        var result = await Run(Options(2, "join"));
        Assert.True(result.ExitCode == 0, _messages.ToString());
        Assert.StartsWith("rank 1 of 2 over SharedMemory: the 2 ranks are processes of one host; started by raijin launch: 3 with ", Log(1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rank_that_never_joins_is_named_by_those_that_did()
    {
        var result = await Run(Options(3, "joinSoon", "joinSoon", "wait"));
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("joining: ranks 2 did not come", _messages.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rank_that_ends_well_without_having_joined_is_named_at_once_and_not_at_the_deadline()
    {
        var result = await Run(Options(2) with { Command = ["sh", "-c", $"[ $RAIJIN_RANK = 1 ] && exit 0; exec {RankProcesses.Program()} launched join"] });
        Assert.Equal((1, 1), (result.ExitCode, result.Failure!.Rank));
        Assert.Contains("rank 1 of 2 failed after ", _messages.ToString(), StringComparison.Ordinal);
        Assert.Contains("exit code 0, but it never joined the others, which wait for it", _messages.ToString(), StringComparison.Ordinal);
        Assert.All(_ids, id => Assert.False(Lives(id)));
    }

    [Fact]
    public async Task Killing_a_rank_at_any_moment_ends_all_and_leaves_nothing()
    {
        var random = new Random(20261126);
        for (var round = 0; round < 5; round++)
        {
            var run = Run(Options(3, "reduce"));
            await Until(() => _ids.Count == 3, "the ranks' start");
            // From before the runtime is up to the middle of a collective.
            await Task.Delay(random.Next(900));
            var killed = random.Next(3);
            var started = Stopwatch.GetTimestamp();
            await Signal(_ids[killed], "KILL");
            var result = await run;
            Assert.True(Stopwatch.GetElapsedTime(started) < Promised, _messages.ToString());
            Assert.Equal((137, killed), (result.ExitCode, result.Failure!.Rank));
            Assert.All(_ids, id => Assert.False(Lives(id)));
            Assert.Empty(Directory.EnumerateFiles("/dev/shm", $"raijin-{result.Name}*"));
            _ids = [];
        }
    }

    [Fact]
    public void A_process_that_a_rank_starts_is_no_rank()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => LifeLine.Start(new Dictionary<string, string> { ["RAIJIN_RANK"] = "1", ["RAIJIN_LIFELINE"] = "pipe:[1]" }));
        Assert.Contains("this process was started by the rank, not as it", Assert.Single(error.Faults).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_cannot_be_started_is_named()
    {
        var error = Assert.Throws<IOException>(() => Launcher.Run(Options(2) with { Command = [_folder["absent"]] }, TestContext.Current.CancellationToken));
        Assert.Contains(_folder["absent"], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_that_cannot_be_written_are_named_and_no_rank_is_left()
    {
        File.WriteAllText(_folder["file"], "");
        var noFolder = Assert.Throws<IOException>(() => Launcher.Run(Options(2, "wait") with { LogFolder = _folder["file"] }, TestContext.Current.CancellationToken));
        Assert.Contains($"log folder {_folder["file"]} can't be made", noFolder.Message, StringComparison.Ordinal);

        // Rank 0 runs already when rank 1's log turns out to be a folder.
        Directory.CreateDirectory(_folder["rank-1.log"]);
        var started = _folder["started"];
        var noLog = Assert.Throws<IOException>(() => Launcher.Run(Options(2) with { Command = ["sh", "-c", $"echo $$ > {started}; exec sleep 600"] }, TestContext.Current.CancellationToken));
        Assert.Contains($"{_folder["rank-1.log"]} can't be written", noLog.Message, StringComparison.Ordinal);
        if (File.Exists(started) && int.TryParse(await File.ReadAllTextAsync(started, TestContext.Current.CancellationToken), CultureInfo.InvariantCulture, out var id)) Assert.False(Lives(id));
    }

    [Fact]
    public async Task Options_that_all_ranks_refuse_are_told_once_and_without_a_stack_trace()
    {
        var result = await Run(Options(2, "refuse"));
        Assert.NotEqual(0, result.ExitCode);
        var text = _messages.ToString();
        Assert.Single(text.Split('\n'), line => line.Contains("batch", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.Contains("failed of the same (", text, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_of_the_options_are_reported_at_once()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => Launcher.Run(new LaunchOptions
        {
            Command = [],
            Ranks = 0,
            MaxRestarts = -1,
            HeartbeatDeadline = TimeSpan.FromSeconds(0.5),
            FailureGrace = TimeSpan.FromSeconds(-1),
            StopGrace = TimeSpan.FromSeconds(-1),
        }, TestContext.Current.CancellationToken));
        Assert.Equal(["command", "ranks", "maxRestarts", "heartbeatDeadline", "failureGrace", "stopGrace"], error.Faults.Select(f => f.Key));
    }
}
