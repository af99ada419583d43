using System.Collections.Frozen;
using Raijin.Tensors;

namespace Raijin.Parallel;

/// <summary>What the ops of a recording cost, by their names and shapes.</summary>
static class WorkKinds
{
    static readonly FrozenSet<string> Functions = FrozenSet.Create(StringComparer.Ordinal,
        "gelu", "gelu_backward", "silu", "silu_backward", "sigmoid", "sigmoid_backward", "tanh", "tanh_backward", "elu", "elu_backward", "softplus", "softplus_backward", "exp", "log", "erf", "pow", "sqrt", "rsqrt");

    static readonly FrozenSet<string> Randoms = FrozenSet.Create(StringComparer.Ordinal, "native_dropout", "bernoulli_", "uniform_", "normal_", "random_", "exponential_", "geometric_");

    static readonly FrozenSet<string> Norms = FrozenSet.Create(StringComparer.Ordinal,
        "_softmax", "_softmax_backward_data", "_log_softmax", "_log_softmax_backward_data", "native_layer_norm", "native_layer_norm_backward", "native_group_norm", "native_group_norm_backward",
        "native_batch_norm", "native_batch_norm_backward", "_native_batch_norm_legit", "_batch_norm_with_update", "batch_norm_backward");

    // They call others, which are part of what they move.
    static readonly FrozenSet<string> Moves = FrozenSet.Create(StringComparer.Ordinal,
        "sum", "mean", "amax", "amin", "max", "min", "var", "std", "linalg_vector_norm", "cumsum", "cat", "index", "index_select", "index_put_", "gather", "scatter", "scatter_add", "embedding_dense_backward", "masked_fill", "where",
        "_to_copy", "clone", "contiguous", "repeat");

    // They make or name memory, and touch none of it.
    static readonly FrozenSet<string> Free = FrozenSet.Create(StringComparer.Ordinal,
        "view", "_unsafe_view", "reshape", "_reshape_alias", "t", "transpose", "permute", "expand", "slice", "select", "narrow", "as_strided", "as_strided_", "detach", "detach_", "alias", "squeeze", "unsqueeze", "split", "split_with_sizes",
        "chunk", "unbind", "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "resize_", "resolve_conj", "resolve_neg", "lift_fresh", "result_type", "item", "_local_scalar_dense", "is_nonzero");

    /// <summary>The cost of an op that is looked at as a whole, with all it calls; null for one that is what it calls, or nothing.</summary>
    /// <param name="name">Such as <c>aten::addmm</c>.</param>
    /// <param name="inputs">Its arguments.</param>
    /// <param name="outputs">Its results.</param>
    /// <param name="isLeaf">Whether it calls no other op.</param>
    /// <param name="elementBytes">Bytes of an element.</param>
    public static OpWork? Of(string name, OpArgument[] inputs, OpArgument[] outputs, bool isLeaf, int elementBytes)
    {
        if (!name.StartsWith("aten::", StringComparison.Ordinal)) return null;
        var op = name["aten::".Length..];
        double bytes = elementBytes * (inputs.Sum(a => (double)a.NumElements) + outputs.Sum(a => (double)a.NumElements));
        double made = op.EndsWith('_') ? 0 : elementBytes * outputs.Select(a => (double)a.NumElements).DefaultIfEmpty(0).Max();
        if (OpCost.Of(name, inputs, outputs) is { Macs: > 0 } cost)
            return op.StartsWith("_scaled_dot_product", StringComparison.Ordinal)
                ? new(WorkKind.Attention, cost.Flops, bytes, made, inputs.Where(a => a.Shape is { Length: >= 2 }).Select(a => (double)a.Shape![^2]).DefaultIfEmpty(1).Max())
                : new(WorkKind.Product, cost.Flops, bytes, made, Side(op, inputs, outputs, cost.Macs));
        if ((Functions.Contains(op) ? WorkKind.Function : Norms.Contains(op) ? WorkKind.Norm : Randoms.Contains(op) ? WorkKind.Random : (WorkKind?)null) is { } kind)
            return new(kind, 0, elementBytes * inputs.Concat(outputs).Max(a => (double)a.NumElements), made, 0);
        return (!isLeaf && !Moves.Contains(op)) || Free.Contains(op) || bytes == 0 ? null : new(WorkKind.Move, 0, bytes, made, 0);
    }

    // Of a convolution the product that it is, of several products one of them.
    static double Side(string op, OpArgument[] inputs, OpArgument[] outputs, long macs)
    {
        var result = Array.Find(outputs, o => o.Shape is { Length: > 0 });
        if (result.Shape is not { } shape) return 1;
        if (op.Contains("conv", StringComparison.Ordinal))
        {
            var weight = inputs[op == "convolution_backward" ? 2 : 1];
            if (weight.Shape is not { Length: > 1 } w) return 1;
            double columns = w[0], inner = weight.NumElements / columns;
            return Cube(macs / (columns * inner), columns, inner);
        }
        var batch = shape.Length > 2 ? (double)shape[..^2].Aggregate(1L, (n, d) => n * d) : 1;
        double rows = shape.Length > 1 ? shape[^2] : 1, width = shape[^1];
        return Cube(rows, width, macs / (batch * rows * width));
    }

    static double Cube(double m, double n, double k) => 3 / ((1 / Math.Max(1, m)) + (1 / Math.Max(1, n)) + (1 / Math.Max(1, k)));
}
