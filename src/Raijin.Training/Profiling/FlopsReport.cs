using Raijin.Tensors;

namespace Raijin;

/// <summary>What one module of a model cost in the profiled step, what is in it included.</summary>
/// <param name="Name">Its path, <c>encoder.0.attention</c>; empty for the model.</param>
/// <param name="Type">Its class.</param>
/// <param name="Depth">0 for the model, 1 for its children.</param>
/// <param name="Parameters">Elements of its parameters; one that several modules share counts in each.</param>
/// <param name="Calls">How often it ran.</param>
/// <param name="Forward">Arithmetic of its forward passes.</param>
/// <param name="Backward">Arithmetic of its backward passes; null where ops can't be seen.</param>
/// <param name="Recomputed">Arithmetic of forward passes that the backward pass repeated, to save memory: part of its time, not of <paramref name="Backward"/>.</param>
/// <param name="ForwardTime">Time of its forward passes.</param>
/// <param name="BackwardTime">Time of its nodes in the backward pass; null where ops can't be seen.</param>
public sealed record ModuleCost(string Name, string Type, int Depth, long Parameters, long Calls, OpCost Forward, OpCost? Backward, OpCost Recomputed, TimeSpan ForwardTime, TimeSpan? BackwardTime);

/// <summary>One kind of op in the profiled step.</summary>
/// <param name="Name">Such as <c>aten::addmm</c>.</param>
/// <param name="Count">How often it was called.</param>
/// <param name="Cost">What it computed; of ops within a counted op nothing is counted again.</param>
/// <param name="OwnTime">Its time without the ops it called.</param>
public sealed record OpTotal(string Name, long Count, OpCost Cost, TimeSpan OwnTime);

/// <summary>What a step computed, and how long it took over it. On several ranks times and arithmetic are the reporting rank's, parameters and samples the whole model's.</summary>
public sealed record FlopsReport
{
    /// <summary>The step.</summary>
    public required long Step { get; init; }

    /// <summary>Whether arithmetic was counted of the ops that ran; otherwise it is estimated from modules of known kinds, forward only.</summary>
    public required bool IsCounted { get; init; }

    /// <summary>Ops that ran and found no room in the recording: with any, the step computed more than is told.</summary>
    public required long NumDropped { get; init; }

    /// <summary>Elements of all parameters.</summary>
    public required long Parameters { get; init; }

    /// <summary>Samples of the step, over all ranks; null in a loop that does not say.</summary>
    public required long? Samples { get; init; }

    /// <summary>How many ranks trained.</summary>
    public required int Ranks { get; init; }

    /// <summary>Time of the forward passes.</summary>
    public required TimeSpan ForwardTime { get; init; }

    /// <summary>Time of the backward passes, recomputation included.</summary>
    public required TimeSpan BackwardTime { get; init; }

    /// <summary>Time of waiting for the ranks' gradients to come together.</summary>
    public required TimeSpan ReduceTime { get; init; }

    /// <summary>Time of clipping and updating.</summary>
    public required TimeSpan OptimizerTime { get; init; }

    /// <summary>Arithmetic of clipping and updating, as far as ops of libtorch did it; a fused update is none.</summary>
    public required OpCost Optimizer { get; init; }

    /// <summary>The model and all modules in it, parents before their children.</summary>
    public required IReadOnlyList<ModuleCost> Modules { get; init; }

    /// <summary>The ops, the longest in all first; empty where ops can't be seen.</summary>
    public required IReadOnlyList<OpTotal> Ops { get; init; }

    /// <summary>The whole model.</summary>
    public ModuleCost Model => Modules[0];

    /// <summary>Forward, backward, reduce and optimizer together.</summary>
    public TimeSpan StepTime => ForwardTime + BackwardTime + ReduceTime + OptimizerTime;

    /// <summary>Samples, over all ranks, for each second of <see cref="StepTime"/>; null where they are not known.</summary>
    public double? SamplesPerSecond => Samples is { } samples && StepTime > TimeSpan.Zero ? samples / StepTime.TotalSeconds : null;

    /// <summary>FLOPs of forward and backward for each second of them; of forward alone where ops can't be seen, and 0 before anything took time.</summary>
    public double FlopsPerSecond
    {
        get
        {
            var seconds = (Model.Backward is null ? ForwardTime : ForwardTime + BackwardTime).TotalSeconds;
            return seconds > 0 ? (Model.Forward.Flops + (Model.Backward?.Flops ?? 0)) / seconds : 0;
        }
    }

    /// <summary>The modules of one depth by their class: how many, and what they cost together.</summary>
    /// <param name="depth">0 for the model.</param>
    public IReadOnlyList<ModuleKindCost> KindsAt(int depth) =>
    [
        .. Modules.Where(m => m.Depth == depth).GroupBy(m => m.Type, StringComparer.Ordinal).Select(of => new ModuleKindCost(
            depth, of.Key, of.Count(), of.Sum(m => m.Parameters), of.Select(m => m.Forward).Aggregate(default(OpCost), OpCost.Add),
            TimeSpan.FromTicks(of.Sum(m => m.ForwardTime.Ticks)), Modules[0].BackwardTime is null ? null : TimeSpan.FromTicks(of.Sum(m => m.BackwardTime!.Value.Ticks)))),
    ];
}

/// <summary>What all modules of a class at one depth cost together.</summary>
/// <param name="Depth">0 for the model.</param>
/// <param name="Type">The class.</param>
/// <param name="Modules">How many there are.</param>
/// <param name="Parameters">Elements of their parameters.</param>
/// <param name="Forward">Arithmetic of their forward passes.</param>
/// <param name="ForwardTime">Time of their forward passes.</param>
/// <param name="BackwardTime">Time of their nodes in the backward pass; null where ops can't be seen.</param>
public sealed record ModuleKindCost(int Depth, string Type, int Modules, long Parameters, OpCost Forward, TimeSpan ForwardTime, TimeSpan? BackwardTime);
