namespace Raijin.Metrics;

/// <summary>What may be wrong with the values of a batch that its task reads.</summary>
static class TaskFaults
{
    /// <summary>A label that is no class and isn't ignored.</summary>
    public const int Labels = 0;

    /// <summary>A NaN, a probability outside [0, 1], or a predicted class that is none.</summary>
    public const int Predictions = 1;

    /// <summary>A weight that is negative, infinite or NaN.</summary>
    public const int Weights = 2;

    /// <summary>Declares them.</summary>
    /// <param name="states">The metric's.</param>
    /// <param name="task">Says what is expected.</param>
    /// <param name="others">Further expectations of the metric's own, numbered from 3.</param>
    public static MetricFaults Declare(MetricStates states, Classification task, params ReadOnlySpan<string> others)
    {
        var labels = $"labels in [0, {task.LabelValues})" + (task.IgnoreIndex is { } ignored ? $" or {ignored}, which is ignored" : "");
        var scores = task.Kind == ClassificationKind.Multiclass ? $"scores that are numbers (or classes in [0, {task.Classes}))"
            : task.Logits ? "logits that are numbers (or classes 0 and 1)"
            : "probabilities in [0, 1] (logits are an option of the task)";
        return states.AddFaults([labels, scores, "finite weights that are not negative", .. others]);
    }
}

/// <summary>Faults of one kind as a kernel of the host finds them.</summary>
struct FaultCount
{
    /// <summary>How many.</summary>
    public long Count;

    /// <summary>The first of them.</summary>
    public double First;

    /// <summary>One more.</summary>
    public void Add(double value)
    {
        if (Count++ == 0) First = value;
    }
}
