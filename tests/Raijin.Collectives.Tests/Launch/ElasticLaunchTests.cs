using Raijin.Tensors;
using Raijin.Testing;

namespace Raijin.Collectives.Tests.Launch;

/// <summary>Launches that go on with fewer ranks when places are lost.</summary>
public sealed class ElasticLaunchTests : IDisposable
{
    readonly TemporaryFolder _folder = new();
    readonly StringWriter _messages = new();

    public void Dispose()
    {
        _folder.Dispose();
        _messages.Dispose();
    }

    async Task<LaunchResult> Run(int[]? allowed, int restarts, params string[] deeds)
    {
        Assert.SkipUnless(ChildProcess.IsSupported, "ranks are processes on Linux and macOS");
        var options = new LaunchOptions
        {
            Command = [RankProcesses.Program(), "launched", .. deeds],
            Ranks = deeds.Length,
            MaxRestarts = restarts,
            ElasticRanks = allowed,
            LogFolder = _folder.Path,
            HandleSignals = false,
            Messages = _messages,
        };
        return await Task.Run(() => Launcher.Run(options, TestContext.Current.CancellationToken)).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    string[] Told => [.. _messages.ToString().Split('\n').Where(line => line.StartsWith("raijin: ", StringComparison.Ordinal) && !line.Contains(" failed after ", StringComparison.Ordinal))];

    [Fact]
    public async Task A_killed_rank_leaves_the_next_number_of_ranks_that_is_allowed()
    {
        var result = await Run([8, 1, 4, 2], 2, "hold", "hold", "fall", "hold");
        Assert.Equal((0, 1, 2), (result.ExitCode, result.Restarts, result.Ranks));
        Assert.Equal(["raijin: the place of rank 2 is lost (it was killed), 3 of 4 are left: 2 ranks go on (restart 1 of at most 2)"], Told);
        Assert.StartsWith("rank 1 of 2 on cpus ", File.ReadAllText(_folder["restart-1/rank-1.log"]), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["restart-1/rank-2.log"]));
    }

    [Fact]
    public async Task What_fails_by_itself_has_its_place_until_it_fails_again()
    {
        var result = await Run([1, 2], 3, "tell", "exit7");
        Assert.Equal((0, 2, 1), (result.ExitCode, result.Restarts, result.Ranks));
        Assert.Equal(
            ["raijin: all ranks are started again (1 of at most 3)", "raijin: the place of rank 1 is lost (it failed twice in a row), 1 of 2 is left: 1 rank goes on (restart 2 of at most 3)"], Told);
    }

    [Fact]
    public async Task Too_few_places_end_the_launch_and_the_numbers_allowed_are_named()
    {
        var result = await Run([2, 4], 3, "hold", "fall");
        Assert.Equal((137, 0, 2), (result.ExitCode, result.Restarts, result.Ranks));
        Assert.Equal(["raijin: the place of rank 1 is lost (it was killed), 1 of 2 is left: too few; allowed are 2, 4 ranks"], Told);
    }

    [Fact]
    public async Task Restarts_that_are_used_up_end_the_launch()
    {
        var result = await Run([1, 2], 1, "exit7", "exit7");
        Assert.Equal((7, 1, 2), (result.ExitCode, result.Restarts, result.Ranks));
        Assert.Equal(["raijin: all ranks are started again (1 of at most 1)", "raijin: no restart is left of 1"], Told);
    }

    [Fact]
    public async Task Options_that_are_refused_are_not_tried_again()
    {
        var result = await Run(null, 3, "refuse");
        Assert.Equal(0, result.Restarts);
        Assert.Equal(["raijin: options that can't be are not tried again"], Told);
    }

    [Fact]
    public void A_first_start_that_is_not_allowed_is_refused()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => Launcher.Plan(new LaunchOptions { Command = ["train"], Ranks = 3, ElasticRanks = [2, 4] }));
        Assert.Equal("ranks: = 3 (allowed: 2, 4 ranks)", Assert.Single(error.Faults.Select(fault => $"{fault.Key}: {fault.Message}")));
    }

    [Fact]
    public void Places_that_are_left_over_are_taken_later_and_GPUs_stay_with_their_places()
    {
        var places = new RankPlaces(new LaunchOptions { Command = ["train"], Ranks = 4, ElasticRanks = [1, 2, 4] });
        Assert.Null(places.Gpus("4,5,6,7"));
        Assert.True(places.Note(Killed(1)));
        Assert.Equal([0, 2], places.InUse);
        Assert.Equal(("4,6", "0,2"), (places.Gpus("4,5,6,7"), places.Gpus(null)));
        // Fewer GPUs than ranks: who has which is the program's.
        Assert.Null(places.Gpus("4"));
        Assert.True(places.Note(Killed(0)));
        Assert.Equal([2, 3], places.InUse);
        Assert.True(places.Note(Killed(1)));
        Assert.Equal([2], places.InUse);
        Assert.False(places.Note(Killed(0)));
        Assert.Empty(places.InUse);
    }

    [Fact]
    public void Silence_takes_the_place_and_another_rank_in_between_leaves_it()
    {
        var places = new RankPlaces(new LaunchOptions { Command = ["train"], Ranks = 3, ElasticRanks = [1, 2, 3] });
        var failed = Killed(1) with { Exit = new ChildExit(1, 0) };
        foreach (var rank in (int[])[1, 0, 1])
        {
            Assert.True(places.Note(failed with { Rank = rank }));
            Assert.Equal(3, places.InUse.Count);
        }
        Assert.True(places.Note(failed with { Exit = null, Silence = TimeSpan.FromSeconds(31), Rank = 2 }));
        Assert.Equal([0, 1], places.InUse);
        Assert.StartsWith("the place of rank 2 is lost (it fell silent), 2 of 3 are left: 2 ranks go on", places.Loss, StringComparison.Ordinal);
    }

    [Fact]
    public void Hosts_that_are_lost_leave_their_slots()
    {
        var hosts = HostFile.Read(["a slots=4", "b slots=4", "c slots=2"]);
        var elastic = new ElasticHosts(hosts, 8, [2, 4, 6, 8, 16]);
        Assert.Equal(["a:4", "b:4"], Shown(elastic.InUse));
        Assert.Equal(["a: b:4 c:2", "c: a:4 b:4"], elastic.Losses().Select(loss => $"{loss.Host}: {string.Join(' ', Shown(loss.Left!))}"));
        Assert.All(new ElasticHosts(hosts, 10, [10]).Losses(), loss => Assert.Null(loss.Left));

        static IEnumerable<string> Shown(IReadOnlyList<HostSlots> hosts) => hosts.Select(host => FormattableString.Invariant($"{host.Name}:{host.Slots.Count}"));
    }

    static RankFailureReport Killed(int rank) => new() { Rank = rank, WorldSize = 4, ProcessId = 1, After = TimeSpan.Zero, Exit = new ChildExit(137, ChildSignal.Kill) };
}
