// B batch, T tokens, d width, H heads, D = d / H, m MLP width.

using Raijin.Models;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>
/// A block of a <see cref="Gpt"/>: x + attention(norm(x)), and to that + mlp(norm(·)). [B, T, d] to [B, T, d]; token t sees tokens 0..t.
/// </summary>
/// <remarks>Parameters have the names of Hugging Face's <c>GPT2Block</c>: <c>ln_1</c>, <c>attn.c_attn</c>, <c>attn.c_proj</c>, <c>ln_2</c>, <c>mlp.c_fc</c>, <c>mlp.c_proj</c>; matrices lie as <c>Linear</c>'s, [out, in].</remarks>
public sealed class GptBlock : Module<Tensor, Tensor>
{
    readonly GptOptions _options;
    [ComponentName(Name = "ln_1")]
    readonly Module<Tensor, Tensor> _attentionNorm;
    [ComponentName(Name = "attn")]
    readonly GptAttention _attention;
    [ComponentName(Name = "ln_2")]
    readonly Module<Tensor, Tensor> _mlpNorm;
    [ComponentName(Name = "mlp")]
    readonly GptMlp _mlp;

    /// <summary>Makes a block with fresh weights.</summary>
    /// <param name="options">Its shape, and the number of layers it is one of.</param>
    /// <param name="device">Where its parameters lie; null for the default device. <c>META</c>: nowhere, they have shapes only.</param>
    /// <param name="dtype">Of its parameters; null for the default dtype.</param>
    /// <exception cref="InvalidOptionsException">The options can't be; lists every fault.</exception>
    public GptBlock(GptOptions options, Device? device = null, ScalarType? dtype = null) : base(nameof(GptBlock))
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _attentionNorm = LayerNorm(options.Width, options.Epsilon, bias: options.Bias, device: device, dtype: dtype);
        _attention = new GptAttention(options, device, dtype);
        _mlpNorm = LayerNorm(options.Width, options.Epsilon, bias: options.Bias, device: device, dtype: dtype);
        _mlp = new GptMlp(options, device, dtype);
        RegisterComponents();
        Initialize();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        // What autograd does not hold is freed here, not at the end of the step.
        using var scope = NewDisposeScope();
        var middle = input + _attention.call(_attentionNorm.call(input));
        return (middle + _mlp.call(_mlpNorm.call(middle))).MoveToOuterDisposeScope();
    }

    /// <summary>Draws all weights afresh: matrices from N(0, 0.02²), those that write to the residual stream from N(0, 0.02² / 2L) with L layers; biases 0, norms 1.</summary>
    /// <param name="generator">Where numbers come from; null for the default generator.</param>
    public void Initialize(Generator? generator = null)
    {
        var residual = GptInitialization.Deviation / Math.Sqrt(2.0 * _options.Layers);
        foreach (var (name, parameter) in named_parameters())
            GptInitialization.Draw(name, parameter, name.EndsWith("c_proj.weight", StringComparison.Ordinal) ? residual : GptInitialization.Deviation, generator);
    }
}
