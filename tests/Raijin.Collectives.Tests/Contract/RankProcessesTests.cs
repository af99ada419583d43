using System.Diagnostics;
using Raijin.Testing;
using Xunit.Sdk;

namespace Raijin.Collectives.Tests.Contract;

public sealed class RankProcessesTests
{
    [Fact]
    public void Exit_codes_come_back()
    {
        using var ranks = RankProcesses.Start(2, "exit", rank => [$"{rank + 3}"]);
        Assert.Equal([3, 4], ranks.WaitAll(TimeSpan.FromSeconds(60)).Select(o => o.ExitCode));
    }

    [Fact]
    public void A_rank_that_fails_fails_the_test_with_what_it_wrote()
    {
        var error = Assert.ThrowsAny<XunitException>(() => RankProcesses.Run(1, "no such scenario", _ => [], TimeSpan.FromSeconds(60)));
        Assert.Contains("Unknown scenario: no such scenario", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rank_that_does_not_end_is_ended()
    {
        int id;
        using (var ranks = RankProcesses.Start(1, "wait", _ => []))
        {
            id = ranks.IdOf(0);
            Assert.True(Assert.Single(ranks.WaitAll(TimeSpan.FromMilliseconds(1))).WasLate);
        }
        Assert.Throws<ArgumentException>(() => Process.GetProcessById(id));
    }
}
