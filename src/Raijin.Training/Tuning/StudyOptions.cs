namespace Raijin;

/// <summary>The settings of a search.</summary>
public sealed record StudyOptions
{
    /// <summary>Trials to run.</summary>
    /// <value>Default 20.</value>
    public int Trials { get; init; } = 20;

    /// <summary>Whether a larger score is better.</summary>
    /// <value>Default false.</value>
    public bool HigherIsBetter { get; init; }

    /// <summary>The seed: the same one gives the same trials, as long as they score the same and run one after another.</summary>
    /// <value>Default 0.</value>
    public long Seed { get; init; }

    /// <summary>What chooses the values.</summary>
    /// <value>Default <see cref="TrialSampler.Tpe"/>.</value>
    public TrialSampler Sampler { get; init; } = TrialSampler.Tpe();

    /// <summary>What ends bad trials early.</summary>
    /// <value>Default <see cref="StoppingRule.None"/>.</value>
    public StoppingRule Stopping { get; init; } = StoppingRule.None;

    /// <summary>A file that keeps every trial, so that a search that was interrupted goes on with the same ones.</summary>
    /// <value>Default null: none.</value>
    public string? Journal { get; init; }
}
