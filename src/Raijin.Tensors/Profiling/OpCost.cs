namespace Raijin.Tensors;

/// <summary>The arithmetic of an op.</summary>
/// <param name="Macs">Multiply-adds.</param>
/// <param name="Flops">Floating-point operations: two for each multiply-add, and those of ops over elements.</param>
public readonly record struct OpCost(long Macs, long Flops)
{
    /// <summary>Sums.</summary>
    public static OpCost operator +(OpCost left, OpCost right) => new(left.Macs + right.Macs, left.Flops + right.Flops);

    /// <summary>Sums.</summary>
    public static OpCost Add(OpCost left, OpCost right) => left + right;

    /// <summary>Whether an op of this name computes something itself; one that does not moves or makes data, or is made of others.</summary>
    /// <param name="name">Such as <c>aten::addmm</c>.</param>
    public static bool Counts(string name) => OpRules.Of(name) is not null;

    /// <summary>The cost of a recorded op; null for one that is of no counted kind itself.</summary>
    /// <param name="name">Such as <c>aten::addmm</c>.</param>
    /// <param name="inputs">Its arguments, in schema order.</param>
    /// <param name="outputs">Its results.</param>
    public static OpCost? Of(string name, ReadOnlySpan<OpArgument> inputs, ReadOnlySpan<OpArgument> outputs) =>
        OpRules.Of(name) is not { } rule || inputs.Length == 0 || outputs.Length == 0 ? null : rule(inputs, outputs);
}
