namespace Raijin;

/// <summary>What a run is busy with: every moment of it belongs to one of these.</summary>
public enum ProfilePhase
{
    /// <summary>Setting up: everything before the first epoch.</summary>
    Setup,

    /// <summary>Waiting for a batch.</summary>
    Fetch,

    /// <summary>Bringing a batch to the device.</summary>
    Transfer,

    /// <summary>The training step up to its loss.</summary>
    Forward,

    /// <summary>The backward pass.</summary>
    Backward,

    /// <summary>Waiting until the ranks' gradients have come together, as far as backward has not hidden it.</summary>
    Reduce,

    /// <summary>Clipping, the update, the schedule.</summary>
    Optimizer,

    /// <summary>Reading back and handing over what was logged.</summary>
    Log,

    /// <summary>A whole validation.</summary>
    Validation,

    /// <summary>Capturing and writing a checkpoint, as far as training waits for it.</summary>
    Checkpoint,

    /// <summary>The loop itself: deciding what comes next, freeing a step's tensors, ending epochs.</summary>
    Loop,
}
