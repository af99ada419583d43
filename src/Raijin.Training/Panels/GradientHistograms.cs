using System.IO.Enumeration;

namespace Raijin;

/// <summary>
/// Logs how the gradients of each parameter are distributed, and the weights if asked, with every written step, to loggers that show histograms: <c>gradients/NAME</c>, <c>weights/NAME</c>. Where none does, a step
/// costs one comparison.
/// </summary>
public sealed class GradientHistograms : Callback
{
    readonly string[] _patterns;

    /// <summary>Chooses parameters by their names.</summary>
    /// <param name="patterns">Names, with <c>*</c> and <c>?</c>; none: all.</param>
    public GradientHistograms(params string[] patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        _patterns = patterns;
    }

    /// <summary>Whether the weights are logged too.</summary>
    /// <value>Default false.</value>
    public bool Weights { get; init; }

    /// <inheritdoc/>
    public override void OnBeforeOptimizerStep(TrainStep step, RunOptimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(optimizer);
        if (!step.IsWritten || !step.Run.Shows(LogKind.Histograms)) return;
        foreach (var (name, parameter) in optimizer.Groups.SelectMany(g => g.Parameters))
        {
            if (_patterns.Length > 0 && !_patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name))) continue;
            using var gradient = parameter.grad;
            if (gradient is not null) step.LogHistogram("gradients/" + name, gradient);
            if (Weights) step.LogHistogram("weights/" + name, parameter);
        }
    }
}
