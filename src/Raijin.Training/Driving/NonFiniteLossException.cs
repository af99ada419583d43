using System.Globalization;
using Raijin.Tensors;

namespace Raijin;

/// <summary>A loss was NaN or infinite. Weights are as the step before left them.</summary>
public sealed class NonFiniteLossException : Exception
{
    internal NonFiniteLossException(double value, long step, long epoch, long batch, NonFiniteOutput? source, bool watched)
        : base(Describe(value, step, epoch, batch, source, watched))
    {
        Step = step;
        Epoch = epoch;
        Batch = batch;
        FirstNonFinite = source;
    }

    /// <summary>Optimizer steps done before it.</summary>
    public long Step { get; }

    /// <summary>The epoch; the first is 0.</summary>
    public long Epoch { get; }

    /// <summary>Microbatches of the epoch done before it.</summary>
    public long Batch { get; }

    /// <summary>The first module whose output was not finite, where that was watched.</summary>
    public NonFiniteOutput? FirstNonFinite { get; }

    static string Describe(double value, long step, long epoch, long batch, NonFiniteOutput? source, bool watched)
    {
        var where = string.Create(CultureInfo.InvariantCulture, $"The loss was {value} at step {step} (epoch {epoch}, batch {batch}).");
        var cause = source is not null ? $" There {source}."
            : watched ? " Every module's output was finite: it arose in the loss itself."
            : " Set detectAnomaly to learn which module it came from.";
        return where + cause + " Weights are as the step before left them. Often a smaller learning rate, clipping by norm, or a look at that batch's values helps.";
    }
}
