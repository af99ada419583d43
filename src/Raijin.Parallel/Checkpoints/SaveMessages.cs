using System.Runtime.ExceptionServices;
using System.Text.Json.Nodes;

namespace Raijin.Parallel;

/// <summary>Before a save: what a rank holds, or why it can't take part.</summary>
sealed record SaveOffer(string Path, string? Folder, IReadOnlyList<HeldSlice> Held, RankProblem? Problem);

/// <summary>After the writing: what a rank wrote, or why not.</summary>
sealed record SaveOutcome(long Bytes, string? Xxh3, IReadOnlyDictionary<string, string> Slices, JsonObject? RankState, RankProblem? Problem);

/// <summary>After the publishing, from rank 0: the checkpoint, or why there is none.</summary>
sealed record SaveEnd(CheckpointInfo? Info, RankProblem? Problem);

/// <summary>After a rank compared its share of the files.</summary>
sealed record OpenOutcome(RankProblem? Problem);

/// <summary>Why a rank can't go on, for the others to hear.</summary>
/// <param name="Message">A sentence that names the rank.</param>
/// <param name="IsCancelled">Whether it was told to stop.</param>
sealed record RankProblem(string Message, bool IsCancelled)
{
    public static RankProblem? Of(Exception? error, int rank) => error switch
    {
        null => null,
        OperationCanceledException => new($"Rank {rank} was cancelled, and all others with it.", IsCancelled: true),
        _ => new($"rank {rank} failed: {error.Message}", IsCancelled: false),
    };

    /// <summary>Throws for the lowest rank that can't go on; on a rank that can't itself, its own exception.</summary>
    /// <param name="path">What it is about.</param>
    /// <param name="problems">By rank.</param>
    /// <param name="own">This rank's exception.</param>
    /// <param name="consequence">What becomes of the rest.</param>
    public static void ThrowFirst(string path, IEnumerable<RankProblem?> problems, Exception? own, string consequence)
    {
        if (own is not null) ExceptionDispatchInfo.Throw(own);
        if (problems.FirstOrDefault(p => p is not null) is not { } problem) return;
        if (problem.IsCancelled) throw new OperationCanceledException(problem.Message);
        throw new CheckpointException(path, $"{problem.Message} {consequence}");
    }
}
