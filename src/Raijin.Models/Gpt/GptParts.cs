// B batch, T tokens, d width, H heads, D = d / H, m MLP width.

using Raijin.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Models;

/// <summary>Causal self-attention of several heads.</summary>
sealed class GptAttention : Module<Tensor, Tensor>
{
    readonly GptOptions _options;
    [ComponentName(Name = "c_attn")]
    readonly Module<Tensor, Tensor> _mixed;
    [ComponentName(Name = "c_proj")]
    readonly Module<Tensor, Tensor> _output;

    public GptAttention(GptOptions options, Device? device, ScalarType? dtype) : base(nameof(GptAttention))
    {
        _options = options;
        _mixed = Linear(options.Width, 3L * options.Width, options.Bias, device, dtype);
        _output = Linear(options.Width, options.Width, options.Bias, device, dtype);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var (batch, tokens, width) = (input.shape[0], input.shape[1], _options.Width);
        var parts = _mixed.call(input).split(width, -1); // 3 × [B, T, d]
        var mix = Aten.ScaledDotProductAttention(Heads(parts[0]), Heads(parts[1]), Heads(parts[2]), dropout: training ? _options.Dropout : 0, isCausal: true);
        var output = _output.call(mix.transpose(1, 2).reshape(batch, tokens, width));
        return GptDropout.Apply(output, _options.Dropout, training).MoveToOuterDisposeScope();

        Tensor Heads(Tensor part) => part.view(batch, tokens, _options.Heads, width / _options.Heads).transpose(1, 2); // [B, H, T, D]
    }
}

/// <summary>Two layers with an activation between, for each token alone.</summary>
sealed class GptMlp : Module<Tensor, Tensor>
{
    readonly GptOptions _options;
    [ComponentName(Name = "c_fc")]
    readonly Module<Tensor, Tensor> _inner;
    [ComponentName(Name = "c_proj")]
    readonly Module<Tensor, Tensor> _output;

    public GptMlp(GptOptions options, Device? device, ScalarType? dtype) : base(nameof(GptMlp))
    {
        _options = options;
        _inner = Linear(options.Width, options.Inner, options.Bias, device, dtype);
        _output = Linear(options.Inner, options.Width, options.Bias, device, dtype);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var inner = _inner.call(input); // [B, T, m]
        var active = _options.Activation switch
        {
            GptActivation.GeluTanh => functional.gelu(inner, TorchSharp.Modules.GELU.Approximate.tanh),
            GptActivation.Gelu => functional.gelu(inner, TorchSharp.Modules.GELU.Approximate.none),
            _ => functional.relu(inner),
        };
        return GptDropout.Apply(_output.call(active), _options.Dropout, training).MoveToOuterDisposeScope();
    }
}

/// <summary>What is before and after the head: embeddings, the blocks, the last norm. Tokens [B, T] to [B, T, d].</summary>
sealed class GptTransformer : Module<Tensor, Tensor>
{
    readonly GptOptions _options;
    [ComponentName(Name = "wte")]
    readonly GptEmbedding _tokens;
    [ComponentName(Name = "wpe")]
    readonly GptEmbedding _positions;
    [ComponentName(Name = "h")]
    readonly ModuleList<GptBlock> _blocks;
    [ComponentName(Name = "ln_f")]
    readonly Module<Tensor, Tensor> _norm;

    public GptTransformer(GptOptions options, Device? device, ScalarType? dtype) : base(nameof(GptTransformer))
    {
        _options = options;
        _tokens = new GptEmbedding(options.Vocabulary, options.Width, device, dtype);
        _positions = new GptEmbedding(options.Context, options.Width, device, dtype);
        _blocks = new ModuleList<GptBlock>([.. Enumerable.Range(0, options.Layers).Select(_ => new GptBlock(options, device, dtype))]);
        _norm = LayerNorm(options.Width, options.Epsilon, bias: options.Bias, device: device, dtype: dtype);
        RegisterComponents();
    }

    /// <summary>[V, d], borrowed.</summary>
    public Parameter TokenEmbeddings => _tokens.Weight;

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var positions = arange(input.shape[1], dtype: ScalarType.Int64, device: input.device);
        var x = GptDropout.Apply(_tokens.call(input) + _positions.call(positions), _options.Dropout, training); // [B, T, d]
        foreach (var block in _blocks) x = block.call(x);
        return _norm.call(x).MoveToOuterDisposeScope();
    }

    public void Initialize(Generator? generator)
    {
        GptInitialization.Draw("weight", _tokens.Weight, GptInitialization.Deviation, generator);
        GptInitialization.Draw("weight", _positions.Weight, GptInitialization.Deviation, generator);
        foreach (var block in _blocks) block.Initialize(generator);
        foreach (var (name, parameter) in _norm.named_parameters()) GptInitialization.Draw(name, parameter, GptInitialization.Deviation, generator);
    }
}

/// <summary>A row of its table for each index: [...] to [..., d].</summary>
/// <remarks>TorchSharp's own keeps its table in a native module, made in host memory whatever its device, and out of reach of whoever re-points parameters.</remarks>
sealed class GptEmbedding : Module<Tensor, Tensor>
{
    static readonly AtenOp Lookup = AtenOp.Declare("aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor");

    [ComponentName(Name = "weight")]
    readonly Parameter _weight;

    public GptEmbedding(long rows, long width, Device? device, ScalarType? dtype) : base(nameof(GptEmbedding))
    {
        _weight = new Parameter(empty(rows, width, device: device, dtype: dtype));
        RegisterComponents();
    }

    /// <summary>[rows, d], borrowed.</summary>
    public Parameter Weight => _weight;

    public override Tensor forward(Tensor input)
    {
        using var call = new AtenCall(Lookup, stackalloc ulong[5]);
        call.Push(_weight);
        call.Push(input);
        call.Push(-1L);
        call.Push(false);
        call.Push(false);
        call.Invoke();
        return call.TakeTensor();
    }
}

/// <summary>Dropout that is no operator when it has nothing to drop.</summary>
static class GptDropout
{
    public static Tensor Apply(Tensor input, double share, bool training) => share > 0 && training ? functional.dropout(input, share) : input;
}

/// <summary>GPT-2's distribution of fresh weights.</summary>
static class GptInitialization
{
    public const double Deviation = 0.02;

    /// <summary>Matrices are drawn; of vectors, biases are 0 and the weights of norms 1.</summary>
    public static void Draw(string name, Parameter parameter, double deviation, Generator? generator)
    {
        using var untracked = no_grad();
        using var scope = NewDisposeScope();
        if (parameter.dim() == 2) parameter.normal_(0, deviation, generator);
        else if (name.EndsWith("bias", StringComparison.Ordinal)) parameter.zero_();
        else parameter.fill_(1);
    }
}
