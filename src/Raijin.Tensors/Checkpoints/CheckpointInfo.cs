namespace Raijin;

/// <summary>What is said of a checkpoint when it is saved.</summary>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="Score">The value it is ranked by in reports, if any.</param>
/// <param name="Metrics">The logged values at that step, by their names.</param>
public sealed record CheckpointFacts(long Step, double? Score = null, IReadOnlyDictionary<string, double>? Metrics = null);

/// <summary>A checkpoint that is there, whole: every one that can be listed was published in one step.</summary>
/// <param name="Name">Name of its folder.</param>
/// <param name="Path">Full path of its folder.</param>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="Score">The value it is ranked by in reports, if any.</param>
/// <param name="Metrics">The logged values at that step, by their names.</param>
/// <param name="Created">When its save began.</param>
/// <param name="Bytes">Bytes of its files.</param>
/// <param name="Sequence">
/// Its number among the saves of its store: the newest has the highest, whatever the clock said and although a run that was taken back to an earlier step
/// counts its steps again. 0 outside a store.
/// </param>
public sealed record CheckpointInfo(
    string Name, string Path, long Step, double? Score, IReadOnlyDictionary<string, double> Metrics, DateTimeOffset Created, long Bytes, long Sequence = 0);
