namespace Raijin.Training;

/// <summary>Hands histograms, images, text and charts to the loggers that show them. Where none does, asking costs one comparison.</summary>
sealed class RichLog
{
    LogPump? _pump;
    int _shown;

    /// <summary>Whether the step under way is one that is written.</summary>
    public bool IsStepDue { get; set; }

    /// <summary>Whether any logger shows more than numbers.</summary>
    public bool IsUsed => _shown != 0;

    public void Attach(LogPump pump)
    {
        _pump = pump;
        foreach (var kind in (LogKind[])[LogKind.Histograms, LogKind.Images, LogKind.Text, LogKind.Figures])
            if (pump.Accepts(kind)) _shown |= 1 << (int)kind;
    }

    public bool Shows(LogKind kind) => kind == LogKind.Scalars ? _pump is not null : (_shown >> (int)kind & 1) != 0;

    /// <summary>Posts an item as a record of its own.</summary>
    public void Post(LogScope scope, long step, long epoch, TimeSpan elapsed, LogItem item) =>
        _pump!.Post(new LogRecord(scope, step, epoch, elapsed, []) { Items = [item] });
}
