namespace Raijin;

/// <summary>
/// A place beyond the run's folder that checkpoints are copied to: another disk, a network folder, an object store. Derive from it for a store of your own; the calls come one
/// after another, on a thread that is not the training thread.
/// </summary>
public abstract class CheckpointStorage
{
    /// <summary>Where it is, in messages.</summary>
    public abstract string Location { get; }

    /// <summary>Copies a whole checkpoint there. It must not be listed before it is complete; one of the same name is replaced.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="folder">The folder to copy; whole, and not changed while this runs.</param>
    /// <param name="cancellationToken">Cancelled when the run waits no longer.</param>
    public abstract void Upload(string name, string folder, CancellationToken cancellationToken);

    /// <summary>Removes a checkpoint; without effect where there is none.</summary>
    public abstract void Delete(string name, CancellationToken cancellationToken);

    /// <summary>The names of the checkpoints that are there, whole.</summary>
    public abstract IReadOnlyList<string> List(CancellationToken cancellationToken);

    /// <summary>Copies a checkpoint from there into a folder that does not exist yet.</summary>
    public abstract void Download(string name, string folder, CancellationToken cancellationToken);
}
