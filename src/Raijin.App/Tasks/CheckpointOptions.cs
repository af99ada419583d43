using System.ComponentModel.DataAnnotations;

namespace Raijin;

/// <summary>Which checkpoints of a run are written and kept: the section <c>checkpoint</c> of every task.</summary>
public sealed record CheckpointOptions : ICheckedOptions
{
    /// <summary>When to save; the end of training and an interrupt always save what was not saved yet.</summary>
    public Every Save { get; init; } = Every.Epochs(1);

    /// <summary>The metric that says which checkpoints are the best.</summary>
    public Best? Monitor { get; init; } = Best.Max("val/accuracy");

    /// <summary>How many of the best are kept.</summary>
    [Range(0, int.MaxValue)]
    public int Keep { get; init; } = 1;

    /// <summary>How many of the newest are kept besides.</summary>
    public int KeepLast { get; init; } = 2;

    /// <summary>Whether training goes on while a checkpoint is written.</summary>
    public bool InBackground { get; init; } = true;

    /// <inheritdoc/>
    public IEnumerable<OptionFault> Faults() =>
        KeepLast < 1 ? [new("keepLast", FormattableString.Invariant($"= {KeepLast}; allowed: 1 and more, or a damaged checkpoint would leave nothing to go back to"))] : [];

    /// <summary>The callback these options describe.</summary>
    public ModelCheckpoint ToCallback() => new() { Save = Save, Monitor = Monitor, Keep = Keep, KeepLast = KeepLast, InBackground = InBackground };
}
