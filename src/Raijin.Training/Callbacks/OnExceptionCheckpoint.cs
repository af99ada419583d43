namespace Raijin;

/// <summary>
/// Saves the run when it fails, under the name <c>exception-</c> and the step: weights and optimizer as they were, the place before the step that failed. For looking
/// into what went wrong, and for going on after a fault outside the model.
/// </summary>
/// <remarks>
/// A run resumed from it repeats the failed step. That is not bit for bit the run that never failed: the broken step has drawn random numbers and may have logged. The
/// checkpoints of <see cref="ModelCheckpoint"/> are. Lightning's callback of the same name.
/// </remarks>
public sealed class OnExceptionCheckpoint : Callback
{
    /// <inheritdoc/>
    /// <remarks>With the other checkpoints.</remarks>
    public override int Priority => 100;

    /// <inheritdoc/>
    public override void OnException(TrainingRun? run, Exception error)
    {
        // A checkpoint that can't be written is no reason to try another.
        if (run is null || error is CheckpointException or InvalidOptionsException) return;
        run.RequestCheckpoint(new CheckpointRequest(StateKey, null, new Retention(null, 0, 1), InBackground: false) { Prefix = "exception" });
    }
}
