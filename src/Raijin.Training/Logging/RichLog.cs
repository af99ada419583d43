namespace Raijin.Training;

/// <summary>Hands histograms, images, text and charts to the loggers that show them. Where none does, asking costs one comparison.</summary>
sealed class RichLog
{
    LogPump? _pump;
    int _shown;

    /// <summary>Whether the step under way is one that is written.</summary>
    public bool IsStepDue { get; set; }

    /// <summary>Whether any logger shows more than numbers.</summary>
    public bool IsUsed => (_shown & ~(1 << (int)LogKind.Scalars)) != 0;

    /// <summary>Notes what loggers show, on every rank: what is logged to them may take all to compute.</summary>
    public void Show(IReadOnlyList<RunLogger> loggers)
    {
        foreach (var kind in (LogKind[])[LogKind.Scalars, LogKind.Histograms, LogKind.Images, LogKind.Text, LogKind.Figures])
            if (loggers.Any(l => l.Accepts(kind))) _shown |= 1 << (int)kind;
    }

    /// <summary>Has items written, on the rank that writes for all.</summary>
    public void Attach(LogPump pump) => _pump = pump;

    public bool Shows(LogKind kind) => (_shown >> (int)kind & 1) != 0;

    /// <summary>Whether an item of this kind would be written from here.</summary>
    public bool Takes(LogKind kind) => _pump is not null && Shows(kind);

    /// <summary>Posts an item as a record of its own.</summary>
    public void Post(LogScope scope, long step, long epoch, TimeSpan elapsed, LogItem item) =>
        _pump!.Post(new LogRecord(scope, step, epoch, elapsed, []) { Items = [item] });
}
