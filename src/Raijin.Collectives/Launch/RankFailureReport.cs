using System.Globalization;
using System.Text;
using Raijin.Tensors;

namespace Raijin.Collectives;

/// <summary>Which rank failed first, of what, and what became of the others.</summary>
public sealed record RankFailureReport
{
    /// <summary>The rank.</summary>
    public required int Rank { get; init; }

    /// <summary>How many ranks there were.</summary>
    public required int WorldSize { get; init; }

    /// <summary>Its process.</summary>
    public required int ProcessId { get; init; }

    /// <summary>How long after its start it failed.</summary>
    public required TimeSpan After { get; init; }

    /// <summary>How it ended; null when it did not by itself.</summary>
    public ChildExit? Exit { get; init; }

    /// <summary>How long it had been silent, where that is its failure.</summary>
    public TimeSpan? Silence { get; init; }

    /// <summary>Whether it ended well, but without having joined the others, which waited for it.</summary>
    public bool IsMissed { get; init; }

    /// <summary>What it said of it: the exception, with its stack trace; null when it could not say anything.</summary>
    public RankFailure? Said { get; init; }

    /// <summary>The last lines of its log; empty for rank 0, which writes where its launcher does.</summary>
    public IReadOnlyList<string> LastLines { get; init; } = [];

    /// <summary>Its log; null for rank 0, and where nothing was written.</summary>
    public string? LogFile { get; init; }

    /// <summary>A line for each of the other ranks.</summary>
    public IReadOnlyList<string> Others { get; init; } = [];

    /// <summary>What happened: the first part of the report.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        var what = Silence is { } silence ? string.Create(CultureInfo.InvariantCulture, $"no beat for {silence.TotalSeconds:0.0} s")
            : Exit is { Signal: ChildSignal.Kill } ? $"{Exit} (by someone else: the kernel kills like this when memory runs out)"
            : IsMissed ? $"{Exit}, but it never joined the others, which wait for it: every rank must run the same program"
            : Exit?.ToString() ?? "it does not end";
        text.AppendLine(CultureInfo.InvariantCulture, $"raijin: rank {Rank} of {WorldSize} failed after {After.TotalSeconds:0.0} s (process {ProcessId}): {what}");
        if (Said is not null) text.AppendLine(Said.Text.TrimEnd());
        else if (LastLines.Count > 0)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"Last lines of {LogFile}:");
            foreach (var line in LastLines) text.AppendLine(CultureInfo.InvariantCulture, $"  {line}");
        }
        else text.AppendLine(Rank == 0 ? "Its output is above." : "It wrote nothing.");
        if (Said is not null && LogFile is not null) text.AppendLine(CultureInfo.InvariantCulture, $"Its log: {LogFile}");
        return text.ToString();
    }

    /// <summary>The others: the second part.</summary>
    public string DescribeOthers() => Others.Count == 0 ? "" : string.Join('\n', Others.Select(line => $"  {line}").Prepend("The others:")) + "\n";

    /// <summary>All of it.</summary>
    public override string ToString() => Describe() + DescribeOthers();
}
