using System.Globalization;

namespace Raijin.Collectives;

/// <summary>Ranks that <see cref="Raijin.Collectives.Launcher"/> started, all on one host.</summary>
static class LocalEnvironment
{
    public const string Rank = "RAIJIN_RANK", WorldSize = "RAIJIN_WORLD_SIZE", Job = "RAIJIN_JOB", Restart = "RAIJIN_RESTART", MaxRestarts = "RAIJIN_MAX_RESTARTS", AskedRanks = "RAIJIN_ASKED_RANKS";

    public static ClusterEnvironment? Read(LaunchVariables variables)
    {
        if (!variables.HasAny(Rank, WorldSize)) return null;
        var rank = variables.Required(Rank, WorldSize);
        var size = variables.Required(WorldSize, Rank, least: 1);
        variables.CheckBelow(Rank, rank, WorldSize, size);
        if (variables.Text(Job) is null) variables.Fault(Rank, $"is set without {Job}: raijin launch sets both");
        else if (!SharedMemoryTransport.IsJob(variables.Text(Job)!)) variables.Fault(Job, "expected letters, digits, '-' and '_', as raijin launch sets it");
        return new ClusterEnvironment
        {
            Launcher = "raijin launch",
            Identity = new(rank, size, rank, size, 0, 1),
            Job = variables.Text(Job),
            Restart = variables.Number(Restart) ?? 0,
            MaxRestarts = variables.Number(MaxRestarts) ?? 0,
            AskedRanks = variables.Number(AskedRanks, least: 1) ?? size,
        };
    }

    /// <summary>The variables of one rank.</summary>
    /// <param name="rank">Its number.</param>
    /// <param name="size">How many there are.</param>
    /// <param name="job">The name of this start.</param>
    /// <param name="restart">How often before.</param>
    /// <param name="options">What was asked for.</param>
    public static IEnumerable<KeyValuePair<string, string>> Write(int rank, int size, string job, int restart, LaunchOptions options) =>
    [
        new(Rank, rank.ToString(CultureInfo.InvariantCulture)),
        new(WorldSize, size.ToString(CultureInfo.InvariantCulture)),
        new(Job, job),
        new(Restart, restart.ToString(CultureInfo.InvariantCulture)),
        new(MaxRestarts, options.MaxRestarts.ToString(CultureInfo.InvariantCulture)),
        new(AskedRanks, options.Ranks.ToString(CultureInfo.InvariantCulture)),
    ];
}
