namespace Raijin;

/// <summary>
/// Keeps a pretrained part frozen for some epochs while the new head learns, then trains it too, at a smaller rate that grows to the head's:
/// <c>new BackboneFinetuning("backbone.*") { UnfreezeAtEpoch = 5 }</c>.
/// </summary>
/// <remarks>Lightning's callback of the same name.</remarks>
public sealed class BackboneFinetuning : BaseFinetuning
{
    /// <summary>Chooses the backbone.</summary>
    /// <param name="patterns">Names of its parameters, with <c>*</c> and <c>?</c>.</param>
    public BackboneFinetuning(params string[] patterns) : base(patterns) { }

    /// <summary>The epoch (the first is 0) from which on it is trained.</summary>
    /// <value>Default 10.</value>
    public long UnfreezeAtEpoch { get; init; } = 10;

    /// <summary>Its rate in that epoch as a share of the head's; in (0, 1].</summary>
    /// <value>Default 0.1.</value>
    public double InitialShare { get; init; } = 0.1;

    /// <summary>What the share is multiplied by with each further epoch, until it is 1; 1 and more.</summary>
    /// <value>Default 2.</value>
    public double Growth { get; init; } = 2;

    /// <inheritdoc/>
    public override IEnumerable<OptionFault> Faults()
    {
        if (UnfreezeAtEpoch < 0) yield return new("backboneFinetuning.unfreezeAtEpoch", $"= {UnfreezeAtEpoch}; allowed: 0 and more");
        if (!(InitialShare > 0 && InitialShare <= 1)) yield return new("backboneFinetuning.initialShare", $"= {InitialShare}; allowed: above 0 up to 1");
        if (!(Growth >= 1)) yield return new("backboneFinetuning.growth", $"= {Growth}; allowed: 1 and more");
    }

    /// <inheritdoc/>
    protected override double RateShare(long epoch) => epoch < UnfreezeAtEpoch ? 0 : Math.Min(1, InitialShare * Math.Pow(Growth, epoch - UnfreezeAtEpoch));
}
