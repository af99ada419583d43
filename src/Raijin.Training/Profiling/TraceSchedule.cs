namespace Raijin;

/// <summary>
/// Which steps are traced, counted from the run's first here: <see cref="Skip"/> once, then again and again <see cref="Wait"/>, <see cref="Warmup"/>, <see cref="Active"/>.
/// torch.profiler's <c>schedule</c>.
/// </summary>
public sealed record TraceSchedule
{
    readonly int _active = 3;

    /// <summary>Steps left out at the beginning, once.</summary>
    /// <value>Default 0.</value>
    public int Skip { get; init => field = NotNegative(value, nameof(Skip)); }

    /// <summary>Steps left out before each warm-up.</summary>
    /// <value>Default 1.</value>
    public int Wait { get; init => field = NotNegative(value, nameof(Wait)); } = 1;

    /// <summary>Steps recorded and thrown away, so that the recorder's own beginnings are not seen.</summary>
    /// <value>Default 1.</value>
    public int Warmup { get; init => field = NotNegative(value, nameof(Warmup)); } = 1;

    /// <summary>Steps traced.</summary>
    /// <value>Default 3; 1 and more.</value>
    public int Active
    {
        get => _active;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            _active = value;
        }
    }

    /// <summary>How many times over; 0: until the run ends. Each time makes a file.</summary>
    /// <value>Default 1.</value>
    public int Repeat { get; init => field = NotNegative(value, nameof(Repeat)); } = 1;

    /// <summary>What is done with a step.</summary>
    /// <param name="index">Steps of this run before it.</param>
    internal TraceAction At(long index)
    {
        index -= Skip;
        var cycle = Wait + Warmup + Active;
        if (index < 0 || Repeat > 0 && index >= (long)cycle * Repeat) return TraceAction.None;
        var place = index % cycle;
        return place < Wait ? TraceAction.None
            : place < Wait + Warmup ? TraceAction.Warmup
            : place < cycle - 1 ? TraceAction.Record
            : TraceAction.RecordAndSave;
    }

    static int NotNegative(int value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value, name);
        return value;
    }
}

/// <summary>What is done with a step.</summary>
enum TraceAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Recorded and thrown away.</summary>
    Warmup,

    /// <summary>Recorded.</summary>
    Record,

    /// <summary>Recorded, and what was recorded is written after it.</summary>
    RecordAndSave,
}
