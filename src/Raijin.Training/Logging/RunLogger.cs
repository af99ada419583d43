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
public sealed record LogRecord(LogScope Scope, long Step, long Epoch, TimeSpan Elapsed, IReadOnlyList<KeyValuePair<string, double>> Values)
{
    /// <summary>What was logged that is more than numbers: histograms, images, text, charts.</summary>
    /// <value>Default none.</value>
    public IReadOnlyList<LogItem> Items { get; init; } = [];
}

/// <summary>
/// A place logged values go to. All calls come from one thread of its own, one after another: a logger that hangs holds up no other and not the training. An
/// error ends this logger, is reported once and never stops training.
/// </summary>
/// <remarks>
/// Records wait in a queue of 4096, or of 256 MB of images and the like. When a logger falls behind by more, the newest records are dropped for it and
/// counted; the first drop is reported at once, their number at the end. At the end of the run loggers have 30 seconds to finish.
/// </remarks>
public abstract class RunLogger
{
    /// <summary>Its name in messages.</summary>
    public virtual string Name => GetType().Name;

    /// <summary>Whether it shows this kind of thing. What no logger shows is not even computed.</summary>
    /// <value>Default: scalars only.</value>
    public virtual bool Accepts(LogKind kind) => kind == LogKind.Scalars;

    /// <summary>
    /// Whether its records are part of the run and must be there before a checkpoint of a later step is: training waits for it then, as long as a write takes.
    /// True for files in the run's folder, false for servers.
    /// </summary>
    /// <value>Default false.</value>
    public virtual bool IsLocal => false;

    /// <summary>How long to gather records before they are written together. A checkpoint and the run's end do not wait for it.</summary>
    /// <value>Default 100 ms.</value>
    public virtual TimeSpan Pace => TimeSpan.FromMilliseconds(100);

    /// <summary>The run's facts, its clock, and where to say things. Set before <see cref="Open"/>.</summary>
    protected LogSession Session { get; private set; } = LogSession.Alone;

    internal void Attach(LogSession session) => Session = session;

    /// <summary>The run begins, or goes on.</summary>
    /// <param name="directory">The run's folder; it exists.</param>
    /// <param name="fromStep">Optimizer steps done: records of later steps, written by a process that died after its last checkpoint, are to be dropped.</param>
    public abstract void Open(string directory, long fromStep);

    /// <summary>Takes a record.</summary>
    public abstract void Write(LogRecord record);

    /// <summary>Brings everything taken so far to its place. Called when nothing more waits, and at the end.</summary>
    public virtual void Flush() { }

    /// <summary>Training has ended; <see cref="Close"/> follows.</summary>
    public virtual void Finish(RunOutcome outcome) { }

    /// <summary>The run is over. Also called after an error, to let go of files and connections.</summary>
    public abstract void Close();

    /// <summary>Where it writes, for the run's report; null for nowhere a person could look.</summary>
    public virtual string? Location => null;
}
