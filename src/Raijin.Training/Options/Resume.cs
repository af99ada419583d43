namespace Raijin;

/// <summary>Where a fit starts: afresh, or from a checkpoint, bit for bit as if it had never stopped.</summary>
public abstract record Resume
{
    Resume() { }

    /// <summary>Afresh. The default.</summary>
    public static Resume None { get; } = new Afresh();

    /// <summary>From the last good checkpoint of the run's own folder; afresh, saying so, when there is none.</summary>
    public static Resume Last { get; } = new FromLast();

    /// <summary>From this checkpoint folder.</summary>
    /// <exception cref="CheckpointException">At <c>Fit</c>: it is missing or damaged; the message names the last good one.</exception>
    public static Resume From(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return new FromPath(path);
    }

    internal sealed record Afresh : Resume;

    internal sealed record FromLast : Resume;

    internal sealed record FromPath(string Path) : Resume;
}
