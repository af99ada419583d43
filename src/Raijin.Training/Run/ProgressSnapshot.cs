namespace Raijin.Training;

/// <summary>Where a run is, as read in one look from another thread. Its parts may be a step apart; that is all a display needs.</summary>
/// <param name="Epoch">The epoch; the first is 0.</param>
/// <param name="Batch">Microbatches of the epoch done.</param>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="Samples">Samples trained on.</param>
/// <param name="ValidationBatch">Validation batches done; null outside validation.</param>
readonly record struct ProgressSnapshot(long Epoch, long Batch, long Step, long Samples, long? ValidationBatch)
{
    public static ProgressSnapshot Of(TrainingRun run) => new(run.Epoch, run.Batch, run.Step, run.Samples, run.ValidationBatch);
}

/// <summary>How fast training goes just now: over the last seconds in which it trained, validation and saving left out.</summary>
sealed class SpeedMeter
{
    static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    readonly Queue<(TimeSpan At, long Step, long Samples)> _seen = new();
    (TimeSpan At, long Step, long Samples) _last;

    /// <summary>Optimizer steps a second; null before two different steps were seen.</summary>
    public double? StepsPerSecond { get; private set; }

    /// <summary>Samples a second.</summary>
    public double? SamplesPerSecond { get; private set; }

    public void Observe(TimeSpan now, in ProgressSnapshot snapshot)
    {
        if (snapshot.ValidationBatch is not null)
        {
            _seen.Clear();
            return;
        }
        // Slow steps are seen many times: only the moment a new one shows counts.
        if (_seen.Count > 0 && snapshot.Step == _last.Step) return;
        _last = (now, snapshot.Step, snapshot.Samples);
        _seen.Enqueue(_last);
        while (_seen.Count > 2 && now - _seen.Peek().At > Window) _seen.Dequeue();

        var first = _seen.Peek();
        var seconds = (now - first.At).TotalSeconds;
        if (seconds <= 0) return;
        StepsPerSecond = (snapshot.Step - first.Step) / seconds;
        SamplesPerSecond = (snapshot.Samples - first.Samples) / seconds;
    }
}
