namespace Raijin;

/// <summary>Whether a record holds one step's values or a whole epoch's (or evaluation's).</summary>
public enum LogScope
{
    /// <summary>Values of one optimizer step.</summary>
    Step,

    /// <summary>Values reduced over an epoch or an evaluation.</summary>
    Epoch,
}

/// <summary>Values that are written together.</summary>
/// <param name="Scope">Of a step or of an epoch.</param>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="Epoch">The epoch; the first is 0.</param>
/// <param name="Elapsed">Training time so far.</param>
/// <param name="Values">Key and value, in the order of first logging.</param>
public sealed record LogRecord(LogScope Scope, long Step, long Epoch, TimeSpan Elapsed, IReadOnlyList<KeyValuePair<string, double>> Values);

/// <summary>
/// A place logged values go to. All calls come from one thread that is not the training thread, one after another; an error ends this logger,
/// is reported once and never stops training.
/// </summary>
public abstract class RunLogger
{
    /// <summary>Its name in messages.</summary>
    public virtual string Name => GetType().Name;

    /// <summary>The run begins, or goes on.</summary>
    /// <param name="directory">The run's folder; it exists.</param>
    /// <param name="fromStep">Optimizer steps done: records of later steps, written by a process that died after its last checkpoint, are to be dropped.</param>
    public abstract void Open(string directory, long fromStep);

    /// <summary>Takes a record.</summary>
    public abstract void Write(LogRecord record);

    /// <summary>Brings everything taken so far to its place. Called when nothing more waits, and at the end.</summary>
    public virtual void Flush() { }

    /// <summary>The run is over.</summary>
    public abstract void Close();

    /// <summary>Where it writes, for the run's report; null for nowhere a person could look.</summary>
    public virtual string? Location => null;
}
