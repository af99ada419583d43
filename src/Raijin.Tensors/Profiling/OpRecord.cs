namespace Raijin.Tensors;

/// <summary>What was recorded: an op, or a node of the backward pass.</summary>
public enum OpKind : byte
{
    /// <summary>A call through libtorch's dispatcher (<c>aten::addmm</c>), or a region that libtorch itself names.</summary>
    Op,

    /// <summary>A node of the backward graph at work (<c>AddmmBackward0</c>); the ops it calls are nested in it.</summary>
    BackwardNode,
}

/// <summary>One call of a libtorch op. Times are ticks of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
/// <param name="Name">Such as <c>aten::addmm</c>.</param>
/// <param name="Kind">An op or a backward node.</param>
/// <param name="Began">When it began.</param>
/// <param name="Ended">When it ended; never before <paramref name="Began"/>.</param>
/// <param name="Depth">Recorded ops open around it on its thread; 0 for what was called from outside.</param>
/// <param name="Sequence">
/// Joins forward to backward: a backward node has the number of the op that made it, which is the last op of the thread that began with that number. -1 where there is none.
/// </param>
/// <param name="Inputs">Where its arguments' shapes are, for <see cref="ThreadOps.Inputs"/>; -1 when not recorded.</param>
/// <param name="Outputs">Where its results' shapes are, for <see cref="ThreadOps.Outputs"/>; -1 when not recorded.</param>
public readonly record struct OpRecord(string Name, OpKind Kind, long Began, long Ended, int Depth, long Sequence, int Inputs, int Outputs)
{
    /// <summary>Its length in ticks.</summary>
    public long Ticks => Ended - Began;
}

/// <summary>An argument or result of a recorded op.</summary>
/// <param name="Shape">Its shape when it is a tensor; null for anything else, an undefined tensor and a list too.</param>
/// <param name="Value">When it is no tensor: the low 32 bits of its value (a flag, a small integer).</param>
public readonly record struct OpArgument(long[]? Shape, int Value)
{
    /// <summary>Elements of the tensor; 0 when it is none.</summary>
    public long NumElements => Shape is null ? 0 : Shape.Aggregate(1L, (n, d) => n * d);
}
