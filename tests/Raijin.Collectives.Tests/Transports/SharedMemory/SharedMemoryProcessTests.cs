using System.Diagnostics;
using System.Globalization;
using Raijin.Testing;

namespace Raijin.Collectives.Tests.Transports.SharedMemory;

public sealed class SharedMemoryProcessTests
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public void Processes_fulfil_the_contract_and_leave_nothing()
    {
        var job = RankThreads.NewJob();
        RankProcesses.Run(3, "segment-contract", Arguments(job, 3), Deadline);
        AssertNoFiles(job);
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 0)]
    [InlineData(3, 2)]
    public void A_killed_rank_ends_the_calls_of_all_within_a_second_and_leaves_no_file(int size, int victim)
    {
        var job = RankThreads.NewJob();
        using var ranks = RankProcesses.Start(size, "segment-endless", Arguments(job, size));
        Assert.True(SpinWait.SpinUntil(() => Enumerable.Range(0, size).All(r => ranks.OutputOf(r).Contains("began", StringComparison.Ordinal)), Deadline));
        AssertNoFiles(job);
        // Somewhere in a call: where exactly is another place each time.
        SpinWait.SpinUntil(() => false, TimeSpan.FromMilliseconds(5 + victim));
        ranks.Kill(victim);
        var killed = Stopwatch.GetTimestamp();
        var outcomes = ranks.WaitAll(TimeSpan.FromSeconds(10));
        foreach (var outcome in outcomes.Where(o => o.Rank != victim))
        {
            Assert.True(outcome is { ExitCode: 3, WasLate: false }, outcome.ToString());
            Assert.Contains($"Rank {victim} gave up: it died without a word", outcome.Output, StringComparison.Ordinal);
        }
        // Noticed in a twentieth of a second; what is left is the end of two processes on a busy machine.
        Assert.True(Stopwatch.GetElapsedTime(killed) < TimeSpan.FromSeconds(5), $"{Stopwatch.GetElapsedTime(killed)}");
        AssertNoFiles(job);
    }

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    [InlineData("HUP", 129)]
    public void A_rank_that_a_signal_ends_while_it_waits_for_others_leaves_no_file(string signal, int exitCode)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the file is in /dev/shm");
        var job = RankThreads.NewJob();
        using var rank = RankProcesses.Start(1, "segment-idle", _ => [job, "0", "2"]);
        Assert.True(SpinWait.SpinUntil(() => File.Exists(Path.Combine(new SharedMemoryOptions().Folder, SharedMemoryTransport.FileName(job))), Deadline));
        using (var kill = Process.Start("kill", [$"-{signal}", rank.IdOf(0).ToString(CultureInfo.InvariantCulture)])) kill.WaitForExit();
        var outcome = rank.WaitAll(TimeSpan.FromSeconds(20))[0];
        Assert.Equal((exitCode, false), (outcome.ExitCode, outcome.WasLate));
        AssertNoFiles(job);
    }

    [Fact]
    public void A_waiting_rank_sleeps()
    {
        var job = RankThreads.NewJob();
        var outcomes = RankProcesses.Run(2, "segment-idle", Arguments(job, 2), Deadline);
        // Of two seconds.
        Assert.InRange(int.Parse(outcomes[0].Output, CultureInfo.InvariantCulture), 0, 200);
    }

    static Func<int, IReadOnlyList<string>> Arguments(string job, int size) => rank => [job, $"{rank}", $"{size}"];

    static void AssertNoFiles(string job) => Assert.Empty(Directory.GetFiles(new SharedMemoryOptions().Folder, SharedMemoryTransport.FilePattern(job)));
}
