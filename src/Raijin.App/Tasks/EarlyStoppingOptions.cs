using System.ComponentModel.DataAnnotations;

namespace Raijin;

/// <summary>When to stop before the end: the section <c>earlyStopping</c> of every task, off by default.</summary>
public sealed record EarlyStoppingOptions
{
    /// <summary>The metric that has to get better.</summary>
    public Best Monitor { get; init; } = Best.Max("val/accuracy");

    /// <summary>Validations without a better value after which training stops.</summary>
    [Range(1, int.MaxValue)]
    public int Patience { get; init; } = 5;

    /// <summary>How much better a value must be to count.</summary>
    [Range(0, double.PositiveInfinity)]
    public double MinDelta { get; init; }

    /// <summary>The callback these options describe.</summary>
    public EarlyStopping ToCallback() => new(Monitor, Patience) { MinDelta = MinDelta };
}
