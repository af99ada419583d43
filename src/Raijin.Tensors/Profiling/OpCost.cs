// What an op computes, from the shapes of its arguments and results. Multiply-adds (MACs) are counted of the matrix and convolution ops, each worth two FLOPs; the
// ops that go over elements add their own.
//
//   mm [n, k] × [k, m]            n·k·m              addmm, baddbmm: their second and third argument
//   bmm [b, n, k] × [b, k, m]     b·n·k·m            mv, dot as mm
//   convolution                   out elements × weight elements / out channels       transposed: in elements × weight elements / in channels
//   its backward                  the same, once for each of the gradients of input and weight that is made
//   attention, scores and mixing  B·H·T·S·(D + Dv)   B batch, H heads, T queries, S keys, D and Dv widths; causal masks are not subtracted
//   its backward                  scores again, dV, dP, dQ, dK: B·H·T·S·(3·D + 2·Dv)
//   one layer of an LSTM          tokens × elements of the two weights; its backward twice that

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

    /// <summary>The cost of a recorded op; null for one that is of no counted kind itself (it moves or makes data, or is made of others).</summary>
    /// <param name="name">Such as <c>aten::addmm</c>.</param>
    /// <param name="inputs">Its arguments, in schema order.</param>
    /// <param name="outputs">Its results.</param>
    public static OpCost? Of(string name, ReadOnlySpan<OpArgument> inputs, ReadOnlySpan<OpArgument> outputs)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (inputs.Length == 0 || outputs.Length == 0 || !name.StartsWith("aten::", StringComparison.Ordinal)) return null;
        return name["aten::".Length..] switch
        {
            "mm" or "bmm" or "mv" or "dot" when inputs.Length >= 2 => Product(inputs[0], outputs[0]),
            "addmm" or "_addmm_activation" or "baddbmm" or "baddbmm_" or "addmv" when inputs.Length >= 3 => Product(inputs[1], outputs[0]),
            "convolution" or "_convolution" or "convolution_overrideable" when inputs.Length >= 7 => MultiplyAdds(Convolution(inputs[0], inputs[1], outputs[0], inputs[6].Value)),
            "convolution_backward" when inputs.Length >= 8 && outputs.Length >= 2 =>
                MultiplyAdds(Convolution(inputs[1], inputs[2], inputs[0], inputs[7].Value) * ((outputs[0].Shape is null ? 0 : 1) + (outputs[1].Shape is null ? 0 : 1))),
            "_scaled_dot_product_flash_attention_for_cpu" or "_scaled_dot_product_flash_attention" or "_scaled_dot_product_efficient_attention" or "_scaled_dot_product_cudnn_attention"
                when inputs.Length >= 3 => MultiplyAdds(Attention(inputs[0], inputs[1], inputs[2], 1, 1)),
            "_scaled_dot_product_flash_attention_for_cpu_backward" or "_scaled_dot_product_flash_attention_backward" or "_scaled_dot_product_efficient_attention_backward" or "_scaled_dot_product_cudnn_attention_backward"
                when inputs.Length >= 4 => MultiplyAdds(Attention(inputs[1], inputs[2], inputs[3], 3, 2)),
            "mkldnn_rnn_layer" when inputs.Length >= 3 => MultiplyAdds(Recurrent(inputs[0], inputs[1], inputs[2])),
            "mkldnn_rnn_layer_backward" when inputs.Length >= 3 => MultiplyAdds(2 * Recurrent(inputs[0], inputs[1], inputs[2])),
            "native_layer_norm" or "native_batch_norm" or "_native_batch_norm_legit" or "_native_batch_norm_legit_functional" or "_batch_norm_with_update" or "native_group_norm" => new(0, 5 * outputs[0].NumElements),
            "_softmax" or "_log_softmax" => new(0, 5 * outputs[0].NumElements),
            "relu" or "relu_" or "gelu" or "silu" or "silu_" or "sigmoid" or "sigmoid_" or "tanh" or "tanh_" or "leaky_relu" or "leaky_relu_" or "elu" or "elu_" or "clamp_min" or "clamp_min_" or "hardtanh" or "softplus"
                or "add" or "add_" or "sub" or "sub_" or "mul" or "mul_" or "div" or "div_" or "neg" or "pow" or "sqrt" or "rsqrt" or "exp" or "log" or "threshold_backward" or "gelu_backward" or "sigmoid_backward" or "tanh_backward"
                => new(0, outputs[0].NumElements),
            "sum" or "mean" or "max_pool2d_with_indices" or "avg_pool2d" or "avg_pool3d" or "max_pool3d_with_indices" or "_adaptive_avg_pool2d" or "_adaptive_avg_pool3d" => new(0, inputs[0].NumElements),
            _ => null,
        };
    }

    static OpCost MultiplyAdds(long macs) => new(macs, 2 * macs);

    // Each element of the result sums over the left side's last dim.
    static OpCost? Product(OpArgument left, OpArgument result) => left.Shape is { Length: > 0 } shape ? MultiplyAdds(result.NumElements * shape[^1]) : null;

    // The weight is [out, in / groups, kernel…], transposed [in, out / groups, kernel…].
    static long Convolution(OpArgument input, OpArgument weight, OpArgument output, int transposed) =>
        weight.Shape is not { Length: > 1 } shape || shape[0] == 0 ? 0 : ((transposed & 1) != 0 ? input : output).NumElements * (weight.NumElements / shape[0]);

    static long Attention(OpArgument query, OpArgument key, OpArgument value, int overKeys, int overValues) =>
        query.Shape is not { Length: >= 2 } q || key.Shape is not { Length: >= 2 } k || value.Shape is not { Length: >= 2 } v ? 0
        : query.NumElements / q[^1] * k[^2] * (overKeys * q[^1] + overValues * v[^1]);

    static long Recurrent(OpArgument input, OpArgument first, OpArgument second) =>
        input.Shape is not { Length: > 0 } shape || shape[^1] == 0 ? 0 : input.NumElements / shape[^1] * (first.NumElements + second.NumElements);
}
