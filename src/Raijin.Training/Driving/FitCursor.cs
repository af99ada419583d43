using System.Text.Json.Nodes;

namespace Raijin.Training;

/// <summary>What the driver does next.</summary>
enum FitPhase
{
    /// <summary>Opens an epoch: its hooks, its batches.</summary>
    EpochStart,

    /// <summary>One optimizer step: the microbatches of a window, and the update.</summary>
    Step,

    /// <summary>A validation, in the middle of an epoch or after its last step.</summary>
    Validate,

    /// <summary>Closes an epoch: its values, its hooks.</summary>
    EpochEnd,
}

/// <summary>Where a fit is: what comes next, nothing else. It is the state machine's whole state, and so what a checkpoint must hold of the loop.</summary>
/// <param name="Phase">What comes next.</param>
/// <param name="Epoch">The epoch; the first is 0.</param>
/// <param name="Batch">Microbatches of the epoch done.</param>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="Samples">Samples trained on.</param>
/// <param name="ValidatedAt">The step after which was validated last; -1 for never.</param>
/// <param name="Batches">Microbatches of all epochs done.</param>
/// <param name="Tokens">Tokens trained on, as far as steps counted them.</param>
sealed record FitCursor(FitPhase Phase, long Epoch, long Batch, long Step, long Samples, long ValidatedAt, long Batches, long Tokens)
{
    public static FitCursor Start { get; } = new(FitPhase.EpochStart, 0, 0, 0, 0, -1, 0, 0);

    /// <summary>Whether the state is whole here: no validation and no epoch's end is half done.</summary>
    public bool IsBoundary => Phase is FitPhase.EpochStart or FitPhase.Step;

    public JsonObject Save() => new()
    {
        ["phase"] = Phase.ToString(),
        ["epoch"] = Epoch,
        ["batch"] = Batch,
        // A checkpoint is only taken between optimizer steps, so no microbatch of a window is ever pending.
        ["microbatch"] = 0,
        ["step"] = Step,
        ["samples"] = Samples,
        ["validatedAt"] = ValidatedAt,
        ["batches"] = Batches,
        ["tokens"] = Tokens,
    };

    public static FitCursor Load(JsonObject saved) => new(
        Enum.Parse<FitPhase>((string)saved["phase"]!), (long)saved["epoch"]!, (long)saved["batch"]!, (long)saved["step"]!, (long)saved["samples"]!, (long)saved["validatedAt"]!,
        (long?)saved["batches"] ?? 0, (long?)saved["tokens"] ?? 0);
}
