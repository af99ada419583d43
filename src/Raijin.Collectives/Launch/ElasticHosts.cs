using System.Globalization;

namespace Raijin.Collectives;

/// <summary>The hosts of a launch through <c>mpirun</c> that goes on without those that are lost: after a failure each is asked, in the way that ranks reach it.</summary>
public sealed class ElasticHosts
{
    static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(30);

    readonly IReadOnlyList<int> _allowed;
    readonly int _asked;
    IReadOnlyList<HostSlots> _left;

    /// <summary>Begins with all hosts.</summary>
    /// <param name="hosts">All slots that may be used.</param>
    /// <param name="ranks">How many ranks the first start has.</param>
    /// <param name="allowed">Numbers of ranks that the program can go on with.</param>
    /// <exception cref="InvalidOptionsException">There are fewer slots.</exception>
    public ElasticHosts(IReadOnlyList<HostSlots> hosts, int ranks, IReadOnlyList<int> allowed)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        ArgumentNullException.ThrowIfNull(allowed);
        _left = hosts;
        _asked = ranks;
        _allowed = allowed;
        InUse = HostFile.Select(hosts, ranks: ranks);
    }

    /// <summary>The slots of the next start; none where too few are left.</summary>
    public IReadOnlyList<HostSlots> InUse { get; private set; }

    /// <summary>Asks which hosts are there, and chooses the slots of the next start.</summary>
    /// <returns>What is lost, in words; null where nothing is.</returns>
    public string? Ask() => Lose(_left.Except(MultiHost.Answering(_left, AnswerTime)).ToList());

    /// <summary>What the next start would have if one host was lost: of each number of slots that hosts have, the first such host.</summary>
    /// <returns>The host, and the slots that would be used; null for none.</returns>
    public IEnumerable<(string Host, IReadOnlyList<HostSlots>? Left)> Losses() =>
        _left.DistinctBy(host => host.Slots.Count).Select(lost => (lost.Name, Without([lost])));

    string? Lose(IReadOnlyList<HostSlots> lost)
    {
        if (lost.Count == 0) return null;
        var before = Count(_left);
        InUse = Without(lost) ?? [];
        _left = [.. _left.Except(lost)];
        var next = InUse.Count == 0 ? $"too few; allowed are {RankPlaces.Listed(_allowed)}" : string.Create(CultureInfo.InvariantCulture, $"{Count(InUse)} ranks go on");
        return string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", lost.Select(host => host.Name))} {(lost.Count == 1 ? "does" : "do")} not answer, {Count(_left)} of {before} slots are left: {next}");
    }

    IReadOnlyList<HostSlots>? Without(IReadOnlyList<HostSlots> lost)
    {
        List<HostSlots> left = [.. _left.Except(lost)];
        var next = _allowed.Where(ranks => ranks <= Math.Min(_asked, Count(left))).DefaultIfEmpty(0).Max();
        return next == 0 ? null : HostFile.Select(left, ranks: next);
    }

    static int Count(IEnumerable<HostSlots> hosts) => hosts.Sum(host => host.Slots.Count);
}
