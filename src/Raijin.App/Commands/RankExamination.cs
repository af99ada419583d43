using System.Globalization;
using Raijin.Collectives;

namespace Raijin.App;

/// <summary>Looks at what several ranks need, for <c>raijin doctor</c>: transports, launchers, and what says how ranks are started.</summary>
static class RankExamination
{
    const string Area = "Ranks";

    static readonly string[] Launchers = ["mpirun", "srun"];

    // What changes how ranks are found or how they compute.
    static readonly string[] Telling = ["RAIJIN_", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "NCCL_", "MASTER_"];

    /// <summary>Which transports can be used, what starts ranks, and which variables have a say.</summary>
    /// <param name="variables">The environment.</param>
    public static IEnumerable<Finding> Of(IReadOnlyDictionary<string, string> variables)
    {
        foreach (var transport in TransportStatus.OfHost())
        {
            var name = RecordShape.CamelCase(transport.Kind.ToString());
            // One host needs neither MPI nor NCCL.
            yield return transport.IsUsable
                ? new(Area, name, transport.Description, Verdict.Good)
                : new(Area, name, transport.Description, transport.Kind == TransportKind.SharedMemory ? Verdict.Warn : Verdict.Fact, transport.Remedy);
        }
        foreach (var launcher in Launchers)
            yield return Find(launcher, variables) is { } file ? new(Area, launcher, file, Verdict.Good) : new(Area, launcher, "not in PATH");
        var environment = ClusterEnvironment.Detect(variables);
        yield return new(Area, "started by", environment.Identity.WorldSize == 1 ? environment.Launcher : string.Create(CultureInfo.InvariantCulture, $"{environment.Launcher}, as rank {environment.Identity.Rank} of {environment.Identity.WorldSize}"));
        foreach (var (name, value) in variables.Where(variable => Telling.Any(start => variable.Key.StartsWith(start, StringComparison.Ordinal))).OrderBy(variable => variable.Key, StringComparer.Ordinal))
            yield return new(Area, name, value);
    }

    static string? Find(string program, IReadOnlyDictionary<string, string> variables) =>
        (variables.GetValueOrDefault("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
