using System.Text.Json.Nodes;

namespace Raijin;

/// <summary>
/// A rule that changes an optimizer's rates by what is measured: settings that say how, and per run a state that a checkpoint holds. Its factor multiplies whatever the
/// <see cref="LearningRateSchedule"/> gives.
/// </summary>
public abstract record AdaptiveSchedule
{
    /// <summary>Starts one for a run: nothing observed yet.</summary>
    public abstract AdaptiveState Start();
}

/// <summary>An <see cref="AdaptiveSchedule"/> at work in one run.</summary>
public abstract class AdaptiveState
{
    /// <summary>The factor on all rates of the optimizer; 1 at the start.</summary>
    public double Factor { get; protected set; } = 1;

    /// <summary>The logged name of what it looks at, such as <c>val/loss</c>.</summary>
    public abstract string Metric { get; }

    /// <summary>Takes in a new value of <see cref="Metric"/>.</summary>
    public abstract void Observe(double value);

    /// <summary>Everything it remembers, <see cref="Factor"/> included, to the bit.</summary>
    public abstract JsonObject SaveState();

    /// <summary>Goes on from what <see cref="SaveState"/> gave.</summary>
    public abstract void LoadState(JsonObject state);
}
