// B batch, T tokens, d width, V vocabulary.

using Raijin.Models;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin;

/// <summary>
/// A GPT-2: a decoder that says, after each token of a text, what may come next (Radford et al. 2019). Tokens [B, T] to logits [B, T, V].
/// </summary>
/// <remarks>Parameters have the names of Hugging Face's <c>GPT2LMHeadModel</c>: <c>transformer.wte.weight</c>, <c>transformer.h.0.attn.c_attn.weight</c>; matrices lie as <c>Linear</c>'s, [out, in]. A tied head has none of its own.</remarks>
public sealed partial class Gpt : Module<Tensor, Tensor>, IShardable
{
    [ComponentName(Name = "transformer")]
    readonly GptTransformer _transformer;
    [ComponentName(Name = "lm_head")]
    readonly Module<Tensor, Tensor>? _head;
    Tensor? _targets;

    /// <summary>Makes a model with fresh weights.</summary>
    /// <param name="options">Its shape.</param>
    /// <param name="device">Where its parameters lie; null for the default device. <c>META</c>: nowhere, they have shapes only and take no memory.</param>
    /// <param name="dtype">Of its parameters; null for the default dtype.</param>
    /// <exception cref="InvalidOptionsException">The options can't be; lists every fault.</exception>
    public Gpt(GptOptions options, Device? device = null, ScalarType? dtype = null) : base(nameof(Gpt))
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        _transformer = new GptTransformer(options, device, dtype);
        if (!options.TieEmbeddings) _head = Linear(options.Width, options.Vocabulary, hasBias: false, device, dtype);
        RegisterComponents();
        Initialize();
    }

    /// <summary>Its shape.</summary>
    public GptOptions Options { get; }

    /// <summary>The blocks, in the order of the forward pass.</summary>
    public ShardingPlan ShardingPlan => new() { Units = [.. Enumerable.Range(0, Options.Layers).Select(layer => $"transformer.h.{layer}")] };

    /// <summary>What may come after each token.</summary>
    /// <param name="tokens">[B, T], Int64, each from 0 to below V; T at most <see cref="GptOptions.Context"/>.</param>
    /// <returns>Logits [B, T, V].</returns>
    /// <exception cref="ShapeMismatchException">The tokens have another shape or dtype.</exception>
    public override Tensor forward(Tensor tokens)
    {
        ThrowIfUnfit(tokens);
        using var scope = NewDisposeScope();
        var hidden = _transformer.call(tokens); // [B, T, d]
        var logits = _head is null ? functional.linear(hidden, _transformer.TokenEmbeddings) : _head.call(hidden); // [B, T, V]
        var result = _targets is null ? logits : CrossEntropy(logits, _targets);
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The mean over all targets of -log p(target). Logits live until their loss is known, and are taken in float32; what autograd keeps of them is their log-softmax.
    /// </summary>
    /// <remarks>It is a call of this module as any other, so that hooks on it see the loss in the place of logits.</remarks>
    /// <param name="tokens">As for <see cref="forward"/>; borrowed.</param>
    /// <param name="targets">[B, T], Int64: what comes after each token; -100 where it does not count. Borrowed.</param>
    /// <returns>A float32 scalar.</returns>
    /// <exception cref="ShapeMismatchException">Tokens or targets have another shape or dtype.</exception>
    public Tensor Loss(Tensor tokens, Tensor targets)
    {
        ThrowIfUnfit(tokens);
        ArgumentNullException.ThrowIfNull(targets);
        if (targets.dtype != ScalarType.Int64 || !targets.shape.AsSpan().SequenceEqual(tokens.shape))
            ShapeMismatchException.Throw(nameof(targets), $"[{string.Join(", ", tokens.shape)}] Int64, a target for each token", Describe(targets));
        _targets = targets;
        try
        {
            return call(tokens);
        }
        finally
        {
            _targets = null;
        }
    }

    /// <summary>Draws all weights afresh, as GPT-2's were: see <see cref="GptBlock.Initialize"/>; embeddings and head from N(0, 0.02²).</summary>
    /// <param name="generator">Where numbers come from; null for the default generator.</param>
    public void Initialize(Generator? generator = null)
    {
        _transformer.Initialize(generator);
        if (_head is null) return;
        foreach (var (name, parameter) in _head.named_parameters()) GptInitialization.Draw(name, parameter, GptInitialization.Deviation, generator);
    }

    static Tensor CrossEntropy(Tensor logits, Tensor targets)
    {
        var rows = logits.view(-1, logits.shape[^1]);
        return functional.cross_entropy(rows.dtype is ScalarType.Float32 or ScalarType.Float64 ? rows : rows.to(ScalarType.Float32), targets.reshape(-1));
    }

    void ThrowIfUnfit(Tensor tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.dtype != ScalarType.Int64 || tokens.dim() != 2 || tokens.shape[1] > Options.Context)
            ShapeMismatchException.Throw(nameof(tokens), $"[B, T] Int64 with T at most {Options.Context}, the context", Describe(tokens));
    }

    static string Describe(Tensor tensor) => $"[{string.Join(", ", tensor.shape)}] {tensor.dtype}";
}
