using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Raijin.Training;

/// <summary>Keeps a storage like the run's own checkpoints, on a thread of its own: what is saved is copied, what was pruned is removed. A failure is reported once and never stops training.</summary>
sealed class CheckpointMirror(CheckpointStorage storage, ILogger logger) : IDisposable
{
    static readonly TimeSpan CloseDeadline = TimeSpan.FromMinutes(5);

    readonly CancellationTokenSource _closing = new();
    Task _work = Task.CompletedTask;
    bool _failed;

    /// <summary>Brings a checkpoint there, and takes away those the run no longer has.</summary>
    /// <param name="saved">The checkpoint.</param>
    public void Follow(CheckpointInfo saved)
    {
        // A checkpoint that is pruned while it waits is not missed: a newer one waits behind it.
        _work = _work.ContinueWith(_ => Copy(saved), CancellationToken.None, TaskContinuationOptions.LongRunning, TaskScheduler.Default);
    }

    [SuppressMessage("Design", "CA1031", Justification = "A storage is user code at the border of the run: whatever it throws is reported once, and never stops training.")]
    void Copy(CheckpointInfo saved)
    {
        var local = Path.GetDirectoryName(saved.Path)!;
        try
        {
            if (!Directory.Exists(saved.Path)) return;
            storage.Upload(saved.Name, saved.Path, _closing.Token);
            foreach (var name in storage.List(_closing.Token))
                if (name != saved.Name && !Directory.Exists(Path.Combine(local, name))) storage.Delete(name, _closing.Token);
            if (_failed) logger.LogInformation("Checkpoints reach {Location} again.", storage.Location);
            _failed = false;
        }
        catch (Exception error)
        {
            if (!_failed) logger.LogError(error, "The checkpoint {Name} was not copied to {Location}; training goes on, and the next one is tried again. {Message}", saved.Name, storage.Location, error.Message);
            _failed = true;
        }
    }

    /// <summary>Waits for what is under way.</summary>
    public void Dispose()
    {
        if (!_work.Wait(CloseDeadline))
        {
            logger.LogWarning("Copying checkpoints to {Location} did not end within {Minutes} minutes after the run; it is given up.", storage.Location, CloseDeadline.TotalMinutes);
            _closing.Cancel();
        }
        _closing.Dispose();
    }

    /// <summary>Brings the newest checkpoint back into a run's folder that holds none.</summary>
    /// <returns>Its name; null where the storage holds none.</returns>
    public static string? Fetch(CheckpointStorage storage, string folder, CancellationToken cancellationToken)
    {
        if (storage.List(cancellationToken) is not [.., var newest]) return null;
        storage.Download(newest, Path.Combine(folder, newest), cancellationToken);
        return newest;
    }
}
