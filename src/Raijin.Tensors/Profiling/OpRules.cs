// What an op computes, from the shapes of its arguments and results. n is the number of elements.
//
// Multiply-adds (MACs), each worth two FLOPs. A sum of k products is k of them, whether it begins with a bias or with nothing:
//   mm [n, k] × [k, m]            n·k·m              addmm, baddbmm, addbmm: their second and third argument
//   bmm [b, n, k] × [b, k, m]     b·n·k·m            mv, dot as mm
//   convolution                   out elements × weight elements / out channels       transposed: in elements × weight elements / in channels
//                                 padding is multiplied as what it is, zeros
//   its backward                  the same, once for each of the gradients of input and weight that is made
//   attention                     B·H·T·S·(D + Dv)   B batch, H heads of the queries, T queries, S keys, D and Dv widths; causal masks are not subtracted
//   its backward                  dV, dP, dQ, dK: twice that. Kernels that did not keep the scores compute them again, which is no more than how they go about it
//   a layer of an LSTM, GRU, RNN  tokens × elements of its weights, for each direction; its backward twice that
//
// FLOPs over elements, none of them a multiply-add:
//   activation, sum, comparison   n, forward and backward alike
//   softmax                       5n: largest, difference, exponential, sum, quotient          backward 4n: products with their sum, difference, product
//   layer, batch, group norm      5n: sum, square and sum, difference, quotient; 7n with weight and bias        batch norm in evaluation: 2n, a product and a sum
//     their backward              9n for the input (10n with weight), 2n for the weight, n for the bias
//   RMS norm                      3n: square and sum, product; 4n with weight                  backward 6n (7n) and 2n
//   pooling                       n of the input: each element once, also where windows overlap

using System.Collections.Frozen;

namespace Raijin.Tensors;

/// <summary>The cost of one call, from its arguments and results; null where they are not those of the formula.</summary>
delegate OpCost? OpRule(ReadOnlySpan<OpArgument> inputs, ReadOnlySpan<OpArgument> outputs);

/// <summary>The formula of each kind of op that computes something itself.</summary>
static class OpRules
{
    const string Namespace = "aten::";

    static readonly FrozenDictionary<string, OpRule>.AlternateLookup<ReadOnlySpan<char>> Rules = Made().ToFrozenDictionary(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The formula of a name; null where there is none. What works in place (<c>add_</c>) counts as what does not.</summary>
    public static OpRule? Of(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!name.StartsWith(Namespace, StringComparison.Ordinal)) return null;
        var own = name.AsSpan(Namespace.Length);
        if (own.EndsWith('_')) own = own[..^1];
        return Rules.TryGetValue(own, out var rule) ? rule : null;
    }

    static Dictionary<string, OpRule> Made()
    {
        var rules = new Dictionary<string, OpRule>(StringComparer.Ordinal);
        Add("mm bmm mv dot vdot _int_mm", (inputs, outputs) => Product(inputs[0], outputs[0]));
        Add("addmm _addmm_activation baddbmm addmv", (inputs, outputs) => inputs.Length < 3 ? null : Product(inputs[1], outputs[0]));
        Add("addbmm", (inputs, _) => inputs.Length < 3 ? null : BatchSum(inputs[1], inputs[2]));
        Add("addr", (_, outputs) => MultiplyAdds(outputs[0].NumElements));

        Add("convolution _convolution convolution_overrideable", (inputs, outputs) => inputs.Length < 7 ? null : MultiplyAdds(Convolution(inputs[0], inputs[1], outputs[0], inputs[6])));
        Add("convolution_backward", (inputs, outputs) =>
            inputs.Length < 8 || outputs.Length < 3 ? null : MultiplyAdds(Convolution(inputs[1], inputs[2], inputs[0], inputs[7]) * (Made(outputs[0]) + Made(outputs[1]))) + Elements(inputs[0], Made(outputs[2])));

        Add("_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_flash_attention _scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention _scaled_dot_product_fused_attention_overrideable",
            (inputs, _) => inputs.Length < 3 ? null : Attention(inputs[0], inputs[1], inputs[2], times: 1, scoreFlops: 5));
        Add("_scaled_dot_product_flash_attention_for_cpu_backward _scaled_dot_product_flash_attention_backward _scaled_dot_product_efficient_attention_backward _scaled_dot_product_cudnn_attention_backward _scaled_dot_product_fused_attention_overrideable_backward",
            (inputs, _) => inputs.Length < 4 ? null : Attention(inputs[1], inputs[2], inputs[3], times: 2, scoreFlops: 4));

        Add("mkldnn_rnn_layer", (inputs, _) => inputs.Length < 3 ? null : MultiplyAdds(RecurrentLayer(inputs)));
        Add("mkldnn_rnn_layer_backward", (inputs, _) => inputs.Length < 3 ? null : MultiplyAdds(2 * RecurrentLayer(inputs)));
        Add("_cudnn_rnn", (inputs, _) => inputs.Length < 14 ? null : MultiplyAdds(RecurrentStack(inputs[0], inputs[6..])));
        Add("_cudnn_rnn_backward", (inputs, _) => inputs.Length < 18 ? null : MultiplyAdds(2 * RecurrentStack(inputs[0], inputs[10..])));

        Add("native_layer_norm", (inputs, outputs) => inputs.Length < 4 ? null : Elements(outputs[0], 5 + Made(inputs[2]) + Made(inputs[3])));
        Add("native_group_norm _batch_norm_with_update", (inputs, outputs) => inputs.Length < 3 ? null : Elements(outputs[0], 5 + Made(inputs[1]) + Made(inputs[2])));
        Add("native_batch_norm cudnn_batch_norm _native_batch_norm_legit _native_batch_norm_legit_functional", (inputs, outputs) =>
            // Without running statistics there are two arguments less.
            inputs.Length < 6 ? null : Elements(outputs[0], IsTrue(inputs[inputs.Length < 8 ? 3 : 5]) ? 5 + Made(inputs[1]) + Made(inputs[2]) : 2));
        Add("native_layer_norm_backward", (inputs, outputs) => inputs.Length < 6 || outputs.Length < 3 ? null : NormBackward(inputs[1], inputs[5], outputs));
        Add("native_group_norm_backward", (inputs, outputs) => inputs.Length < 5 || outputs.Length < 3 ? null : NormBackward(inputs[1], inputs[4], outputs));
        Add("native_batch_norm_backward batch_norm_backward cudnn_batch_norm_backward", (inputs, outputs) => inputs.Length < 3 || outputs.Length < 3 ? null : NormBackward(inputs[1], inputs[2], outputs));
        Add("_fused_rms_norm", (inputs, outputs) => inputs.Length < 3 ? null : Elements(outputs[0], 3 + Made(inputs[2])));
        Add("_fused_rms_norm_backward", (inputs, outputs) =>
            inputs.Length < 5 || outputs.Length < 2 ? null : Elements(inputs[1], (Made(outputs[0]) * (6 + Made(inputs[4]))) + (2 * Made(outputs[1]))));

        Add("_softmax _log_softmax", (_, outputs) => Elements(outputs[0], 5));
        Add("_softmax_backward_data _log_softmax_backward_data", (_, outputs) => Elements(outputs[0], 4));

        const string activations = "relu relu6 gelu silu mish sigmoid tanh leaky_relu elu celu selu prelu _prelu_kernel clamp clamp_min clamp_max hardtanh hardsigmoid hardswish hardshrink softshrink softplus threshold log_sigmoid_forward logit";
        const string backwards = "threshold_backward gelu_backward silu_backward mish_backward sigmoid_backward tanh_backward leaky_relu_backward elu_backward hardtanh_backward hardsigmoid_backward hardswish_backward softplus_backward log_sigmoid_backward _prelu_kernel_backward";
        const string arithmetic = "add sub rsub mul div neg pow square sqrt rsqrt reciprocal abs sign exp exp2 expm1 log log2 log10 log1p sin cos tan atan atan2 erf erfc erfinv floor ceil round remainder fmod maximum minimum";
        Add($"{activations} {backwards} {arithmetic}", (_, outputs) => Elements(outputs[0], 1));
        Add("addcmul addcdiv lerp", (_, outputs) => Elements(outputs[0], 3));

        Add("sum mean prod amax amin max min cumsum cumprod nansum max_pool2d_with_indices max_pool3d_with_indices avg_pool2d avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d mkldnn_max_pool2d embedding_dense_backward",
            (inputs, _) => Elements(inputs[0], 1));
        Add("max_pool2d_with_indices_backward max_pool3d_with_indices_backward avg_pool2d_backward avg_pool3d_backward _adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward", (inputs, _) => Elements(inputs[0], 1));
        Add("linalg_vector_norm norm", (inputs, _) => Elements(inputs[0], 2));
        Add("logsumexp", (inputs, _) => Elements(inputs[0], 3));
        Add("var std var_mean std_mean", (inputs, _) => Elements(inputs[0], 4));
        // Difference, its square or size, and where it becomes one number their sum.
        Add("mse_loss l1_loss smooth_l1_loss huber_loss", (inputs, outputs) => Elements(inputs[0], outputs[0].NumElements < inputs[0].NumElements ? 3 : 2));
        Add("mse_loss_backward smooth_l1_loss_backward huber_loss_backward", (_, outputs) => Elements(outputs[0], 2));
        return rules;

        void Add(string names, OpRule rule)
        {
            foreach (var name in names.Split(' ')) rules.Add(name, rule);
        }
    }

    static OpCost MultiplyAdds(long macs) => new(macs, 2 * macs);

    static OpCost Elements(in OpArgument of, long each) => new(0, each * of.NumElements);

    // 1 for a tensor that is there.
    static int Made(in OpArgument argument) => argument.Shape is null ? 0 : 1;

    static bool IsTrue(in OpArgument argument) => (argument.Value & 1) != 0;

    // Each element of the result sums over the left side's last dim.
    static OpCost? Product(in OpArgument left, in OpArgument result) => left.Shape is { Length: > 0 } shape ? MultiplyAdds(result.NumElements * shape[^1]) : null;

    // Each element of the left side meets the columns of the right.
    static OpCost? BatchSum(in OpArgument left, in OpArgument right) => right.Shape is { Length: > 1 } shape ? MultiplyAdds(left.NumElements * shape[^1]) : null;

    // The weight is [out, in / groups, kernel…], transposed [in, out / groups, kernel…].
    static long Convolution(in OpArgument input, in OpArgument weight, in OpArgument output, in OpArgument transposed) =>
        weight.Shape is not { Length: > 1 } shape || shape[0] == 0 ? 0 : (IsTrue(transposed) ? input : output).NumElements * (weight.NumElements / shape[0]);

    static OpCost? Attention(in OpArgument query, in OpArgument key, in OpArgument value, int times, int scoreFlops)
    {
        if (query.Shape is not { Length: >= 2 } q || key.Shape is not { Length: >= 2 } k || value.Shape is not { Length: >= 2 } v || q[^1] == 0) return null;
        var scores = query.NumElements / q[^1] * k[^2];
        return MultiplyAdds(times * scores * (q[^1] + v[^1])) + new OpCost(0, scoreFlops * scores);
    }

    // One direction of one layer: its input, the weights from the input and from the state before.
    static long RecurrentLayer(ReadOnlySpan<OpArgument> inputs) =>
        inputs[0].Shape is not { Length: > 0 } shape || shape[^1] == 0 ? 0 : inputs[0].NumElements / shape[^1] * (inputs[1].NumElements + inputs[2].NumElements);

    // All layers and directions: mode, hidden size, projection, layers, batch first, dropout, training, bidirectional.
    static long RecurrentStack(in OpArgument input, ReadOnlySpan<OpArgument> settings)
    {
        if (input.Shape is not { Length: > 0 } shape || shape[^1] == 0) return 0;
        var (hidden, projection, layers, directions) = (settings[1].Value, settings[2].Value, settings[3].Value, IsTrue(settings[7]) ? 2 : 1);
        // RNN with ReLU, RNN with tanh, LSTM, GRU.
        var gates = settings[0].Value switch { 2 => 4, 3 => 3, _ => 1 };
        var state = projection > 0 ? projection : hidden;
        var weights = 0L;
        for (var layer = 0; layer < layers; layer++)
        {
            var features = layer == 0 ? shape[^1] : directions * state;
            weights += directions * ((gates * hidden * (features + state)) + ((long)projection * hidden));
        }
        return input.NumElements / shape[^1] * weights;
    }

    static OpCost NormBackward(in OpArgument input, in OpArgument weight, ReadOnlySpan<OpArgument> made) =>
        Elements(input, (Made(made[0]) * (9 + Made(weight))) + (2 * Made(made[1])) + Made(made[2]));
}
