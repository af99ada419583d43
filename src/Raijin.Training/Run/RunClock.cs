namespace Raijin.Training;

/// <summary>Training time: of this process, on top of what a resumed run had behind it.</summary>
sealed class RunClock(TimeProvider time, TimeSpan before)
{
    readonly long _start = time.GetTimestamp();
    TimeSpan? _agreed;

    /// <summary>Training time; once ranks agreed on one, as of then.</summary>
    public TimeSpan Elapsed => _agreed ?? Own;

    /// <summary>Training time by this rank's own clock.</summary>
    public TimeSpan Own => before + time.GetElapsedTime(_start);

    /// <summary>Time in this process alone.</summary>
    public TimeSpan Here => time.GetElapsedTime(_start);

    /// <summary>Takes over the time that all ranks go by.</summary>
    public void Agree(TimeSpan elapsed) => _agreed = elapsed;
}
