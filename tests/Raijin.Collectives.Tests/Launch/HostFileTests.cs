using CsCheck;

namespace Raijin.Collectives.Tests.Launch;

public sealed class HostFileTests
{
    static readonly IReadOnlyList<HostSlots> Hosts = HostFile.Read(["worker-0 slots=4", "", "  # the small one", "worker-1 slots = 2 max_slots=2 # here", "10.0.0.3  slots=1"]);

    [Fact]
    public void A_file_has_a_host_and_its_slots_a_line() => Assert.Equal(["worker-0: 0,1,2,3", "worker-1: 0,1", "10.0.0.3: 0"], Show(Hosts));

    [Fact]
    public void All_lines_that_are_none_are_told_at_once()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => HostFile.Read(["a slots=2", "b", "a slots=1", "c slots=0", "d slots=many", "e:1 slots=1"]));
        Assert.Equal(["hostfile line 2 = b", "hostfile line 3 = a slots=1", "hostfile line 4 = c slots=0", "hostfile line 5 = d slots=many", "hostfile line 6 = e:1 slots=1"], error.Faults.Select(f => f.Key));
        Assert.Throws<InvalidOptionsException>(() => HostFile.Read(["# nobody"]));
    }

    // As DeepSpeed's documentation and its tests of the launcher have it.
    [Theory]
    [InlineData("worker-0:0,2@worker-1", null, "worker-0: 0,2|worker-1: 0,1")]
    [InlineData("worker-1@worker-0", null, "worker-0: 0,1,2,3|worker-1: 0,1")]
    [InlineData("worker-0:2@worker-0:0", null, "worker-0: 0,2")]
    [InlineData(null, "worker-0:0,2@worker-1", "worker-0: 1,3|10.0.0.3: 0")]
    [InlineData(null, "worker-0:0,1,2,3", "worker-1: 0,1|10.0.0.3: 0")]
    [InlineData(null, null, "worker-0: 0,1,2,3|worker-1: 0,1|10.0.0.3: 0")]
    public void Hosts_and_slots_are_taken_or_left_out(string? include, string? exclude, string expected) => Assert.Equal(expected.Split('|'), Show(HostFile.Select(Hosts, include, exclude)));

    [Theory]
    [InlineData(2, null, null, "worker-0: 0,1,2,3|worker-1: 0,1")]
    [InlineData(null, 2, null, "worker-0: 0,1|worker-1: 0,1|10.0.0.3: 0")]
    [InlineData(null, null, 5, "worker-0: 0,1,2,3|worker-1: 0")]
    [InlineData(2, 1, 1, "worker-0: 0")]
    public void The_first_are_taken_where_only_so_many_are_asked_for(int? nodes, int? each, int? ranks, string expected) =>
        Assert.Equal(expected.Split('|'), Show(HostFile.Select(Hosts, numNodes: nodes, ranksPerNode: each, ranks: ranks)));

    [Theory]
    [InlineData("worker-7", null, "worker-7 is not in the hostfile")]
    [InlineData("worker-1:2", null, "worker-1 has slots 0 to 1, not 2")]
    [InlineData("worker-1:x", null, "\"x\" of worker-1 is no slot")]
    [InlineData("worker-1:", null, "\"\" of worker-1 is no slot")]
    [InlineData("worker-1:0:1", null, "\"worker-1:0:1\" is no host")]
    [InlineData("", null, "\"\" is no host")]
    [InlineData(null, "worker-0@", "\"\" is no host")]
    [InlineData(null, "worker-0@worker-1@10.0.0.3", "leaves no slot")]
    [InlineData("worker-0", "worker-1", "give one of them")]
    public void What_is_not_there_is_refused(string? include, string? exclude, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidOptionsException>(() => HostFile.Select(Hosts, include, exclude)).Message, StringComparison.Ordinal);

    [Fact]
    public void What_is_included_and_what_is_excluded_by_the_same_words_are_all_there_is() => Gen.Select(Gen.Int[1, 15], Gen.Int[0, 3], Gen.Bool).Sample((slots, host, whole) =>
    {
        var all = HostFile.Read(["a slots=4", "b slots=4", "c slots=4", "d slots=4"]);
        var name = all[host].Name;
        var words = whole ? name : $"{name}:{string.Join(',', Enumerable.Range(0, 4).Where(slot => (slots >> slot & 1) > 0))}";
        var (taken, left) = (Flat(HostFile.Select(all, include: words)), Flat(HostFile.Select(all, exclude: words)));
        Assert.Empty(taken.Intersect(left));
        Assert.Equal(Flat(all), taken.Concat(left).Order());
    });

    static List<string> Flat(IEnumerable<HostSlots> hosts) => [.. hosts.SelectMany(host => host.Slots.Select(slot => FormattableString.Invariant($"{host.Name}:{slot}"))).Order()];

    static IEnumerable<string> Show(IEnumerable<HostSlots> hosts) => hosts.Select(host => FormattableString.Invariant($"{host.Name}: {string.Join(',', host.Slots)}"));
}
