using System.Globalization;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>
/// The places of a host that ranks run in, as many as were asked for, and which of them are lost. What threw or gave an exit code has its place still; one that was killed from outside, fell silent, or failed a second
/// time in a row has not, where the launch may go on with fewer.
/// </summary>
/// <param name="options">What was asked for.</param>
sealed class RankPlaces(LaunchOptions options)
{
    /// <summary>GPUs that a rank sees, by number.</summary>
    public const string GpuVariable = "CUDA_VISIBLE_DEVICES";

    const int MostListed = 12;

    readonly List<int> _left = [.. Enumerable.Range(0, options.Ranks)];
    int? _failedLast;

    /// <summary>The place of each rank of the next start.</summary>
    public IReadOnlyList<int> InUse { get; private set; } = [.. Enumerable.Range(0, options.Ranks)];

    /// <summary>What the last failure took, and what comes of it; null where nothing is lost.</summary>
    public string? Loss { get; private set; }

    /// <summary>Notes what failed, and places the ranks of the next start.</summary>
    /// <returns>False when too few places are left for any number of ranks allowed.</returns>
    public bool Note(RankFailureReport failure)
    {
        var place = InUse[failure.Rank];
        var why = options.ElasticRanks is null ? null
            : failure.Silence is not null ? "it fell silent"
            : failure.Exit is { Signal: ChildSignal.Kill } ? "it was killed"
            : _failedLast == place ? "it failed twice in a row"
            : null;
        (_failedLast, Loss) = (why is null ? place : null, null);
        if (why is null) return true;
        _left.Remove(place);
        var next = options.ElasticRanks!.Where(ranks => ranks <= _left.Count).DefaultIfEmpty(0).Max();
        InUse = [.. _left.Take(next)];
        Loss = string.Create(CultureInfo.InvariantCulture, $"the place of rank {failure.Rank} is lost ({why}), {_left.Count} of {options.Ranks} {(_left.Count == 1 ? "is" : "are")} left: {(next > 0 ? $"{next} {(next == 1 ? "rank goes" : "ranks go")} on" : $"too few; allowed are {Listed(options.ElasticRanks!)}")}");
        return next > 0;
    }

    /// <summary>The GPUs that are left to ranks, as <see cref="GpuVariable"/> has them; null where no place is lost, or where it names fewer than there are places.</summary>
    /// <param name="given">What the variable says now.</param>
    public string? Gpus(string? given)
    {
        if (_left.Count == options.Ranks) return null;
        var named = given?.Split(',') ?? [.. Enumerable.Range(0, options.Ranks).Select(gpu => gpu.ToString(CultureInfo.InvariantCulture))];
        return named.Length < options.Ranks ? null : string.Join(',', InUse.Select(place => named[place]));
    }

    /// <summary>Numbers of ranks for a message: <c>1, 2, 4 ranks</c>.</summary>
    public static string Listed(IEnumerable<int> ranks)
    {
        var all = ranks.Distinct().Order().Select(count => count.ToString(CultureInfo.InvariantCulture)).ToList();
        return all.Count == 0 ? "none" : $"{string.Join(", ", all.Take(MostListed))}{(all.Count > MostListed ? ", …" : "")} {(all is ["1"] ? "rank" : "ranks")}";
    }
}
