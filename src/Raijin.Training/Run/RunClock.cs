namespace Raijin.Training;

/// <summary>Training time: of this process, on top of what a resumed run had behind it.</summary>
sealed class RunClock(TimeProvider time, TimeSpan before)
{
    readonly long _start = time.GetTimestamp();

    public TimeSpan Elapsed => before + time.GetElapsedTime(_start);

    /// <summary>Time in this process alone.</summary>
    public TimeSpan Here => time.GetElapsedTime(_start);
}
