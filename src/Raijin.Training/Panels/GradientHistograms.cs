using System.IO.Enumeration;
using static TorchSharp.torch.nn;

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
        // Where ranks hold parts of them, all bring each together in turn.
        var divided = step.Run.Sharded is { NumParts: > 1, Strategy.Stage: > 0 } sharded ? sharded : null;
        var prefix = divided is null ? "" : PrefixOf(step.Run.Module, optimizer.Module);
        foreach (var (name, parameter) in optimizer.Groups.SelectMany(g => g.Parameters))
        {
            if (_patterns.Length > 0 && !_patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name))) continue;
            using var gradient = divided is null ? parameter.grad : divided.FullGradient(prefix + name);
            if (gradient is not null) step.LogHistogram("gradients/" + name, gradient);
            if (!Weights) continue;
            using var whole = divided?.FullParameter(prefix + name);
            step.LogHistogram("weights/" + name, whole ?? parameter);
        }
    }

    static string PrefixOf(Module root, Module part)
    {
        if (ReferenceEquals(root, part)) return "";
        return root.named_modules().First(m => ReferenceEquals(m.module, part)).name + ".";
    }
}
