using System.Globalization;

namespace Raijin.Collectives;

/// <summary>Ranks that <see cref="Raijin.Collectives.Launcher"/> started, all on one host.</summary>
static class LocalEnvironment
{
    public const string Rank = "RAIJIN_RANK", WorldSize = "RAIJIN_WORLD_SIZE", Job = "RAIJIN_JOB", Restart = "RAIJIN_RESTART";

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
        };
    }

    /// <summary>The variables of one rank.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Write(int rank, int size, string job, int restart) =>
    [
        new(Rank, rank.ToString(CultureInfo.InvariantCulture)),
        new(WorldSize, size.ToString(CultureInfo.InvariantCulture)),
        new(Job, job),
        new(Restart, restart.ToString(CultureInfo.InvariantCulture)),
    ];
}
