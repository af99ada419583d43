using Raijin.Testing;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Models.Tests;

public sealed class GptOptionsTests
{
    public static TheoryData<GptOptions> Shapes => [.. GptOptions.Presets.Values, .. SmallShapes.Select(row => row.Data)];

    public static TheoryData<GptOptions> SmallShapes =>
    [
        GptOptions.Tiny,
        GptOptions.Tiny with { Bias = false, TieEmbeddings = false, MlpWidth = 50 },
        GptOptions.Tiny with { TieEmbeddings = false, Layers = 3, Heads = 4, Vocabulary = 77, Context = 9 },
    ];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Parameters_and_bytes_are_those_of_the_model(GptOptions options)
    {
        using var scope = NewDisposeScope();
        using var model = new Gpt(options, META);
        Assert.Equal(model.parameters().Sum(p => p.numel()), options.NumParameters);
        Assert.Equal(model.parameters().Sum(p => p.numel() * p.element_size()), options.ParameterBytes(ScalarType.Float32));
        Assert.Equal(options.ParameterBytes(ScalarType.Float32), 2 * options.ParameterBytes(ScalarType.BFloat16));
    }

    [Theory]
    [MemberData(nameof(SmallShapes))]
    public void Flops_are_those_of_the_model(GptOptions options)
    {
        using var scope = NewDisposeScope();
        using var model = new Gpt(options);
        // Every product of the model on one sequence: of matrices as they are called, with a tied head, of queries with keys, of weights with values.
        long products = 0;
        foreach (var linear in model.modules().OfType<Linear>())
            linear.register_forward_hook((_, input, output) =>
            {
                products += output.numel() * input.shape[^1];
                return output;
            });
        var logits = model.call(zeros(1, options.Context, ScalarType.Int64));
        if (options.TieEmbeddings) products += logits.numel() * options.Width;
        products += 2L * options.Layers * options.Context * options.Context * options.Width;
        Assert.Equal(3 * 2 * products, options.FlopsPerToken * options.Context);
    }

    [Fact]
    public void Presets_have_the_sizes_that_are_known_of_them() =>
        Assert.Equal([124_439_808, 354_823_168, 774_030_080, 1_557_611_200], GptOptions.Presets.Values.Select(o => o.NumParameters));

    [Fact]
    public void All_faults_are_reported_at_once()
    {
        var options = new GptOptions { Vocabulary = 0, Context = -1, Layers = 0, Heads = 5, Width = 64, MlpWidth = 0, Dropout = 1, Epsilon = double.NaN, Activation = (GptActivation)9 };
        var error = Assert.Throws<InvalidOptionsException>(options.Validate);
        Assert.Equal(
            ["gpt.vocabulary", "gpt.context", "gpt.layers", "gpt.mlpWidth", "gpt.heads", "gpt.dropout", "gpt.epsilon", "gpt.activation"], error.Faults.Select(f => f.Key));
        Assert.Equal("5 heads do not divide the width 64: 64 / 5 = 12.8", error.Faults[4].Message);
        Assert.Throws<InvalidOptionsException>(() => new Gpt(options));
        Assert.Throws<InvalidOptionsException>(() => new GptBlock(options));
        Assert.Throws<ArgumentOutOfRangeException>(() => GptOptions.Tiny.ParameterBytes(ScalarType.Int64));
    }

    [Fact]
    public void A_file_holds_our_own_options_or_Hugging_Faces()
    {
        Assert.Equal(GptOptions.Tiny with { MlpWidth = 99, Bias = false, Activation = GptActivation.Relu, Dropout = 0.5 },
            Read("""{ "vocabulary": 256, "context": 64, "layers": 2, "heads": 2, "width": 32, "mlpWidth": 99, "bias": false, "activation": "relu", "dropout": 0.5 }"""));
        Assert.Equal(GptOptions.Gpt2Small with { Dropout = 0.1 }, Read("""{ "model_type": "gpt2", "bos_token_id": 50256, "n_inner": null }"""));
        Assert.Equal(GptOptions.Gpt2Medium with { TieEmbeddings = false, Activation = GptActivation.Gelu, Epsilon = 1e-6, MlpWidth = 5000 },
            Read("""{ "model_type": "gpt2", "n_layer": 24, "n_head": 16, "n_embd": 1024, "n_inner": 5000, "activation_function": "gelu", "layer_norm_epsilon": 1e-6, "tie_word_embeddings": false, "resid_pdrop": 0, "embd_pdrop": 0.0, "attn_pdrop": 0 }"""));
    }

    [Theory]
    [InlineData("""{ "layerz": 2 }""", "could not be mapped")]
    [InlineData("""{ "activation": "swish" }""", "$.activation")]
    [InlineData("""{ "layers": 0 }""", "gpt.layers    is 0 (allowed: 1 and more)")]
    [InlineData("[1]", "is a JSON Array, not an object of options")]
    [InlineData("{", "gpt.json")]
    [InlineData("""{ "model_type": "llama" }""", "gpt.json: model_type    is llama, but only gpt2 is known")]
    [InlineData("""{ "model_type": "gpt2", "n_layer": "12" }""", "gpt.json: n_layer    is 12, not a whole number")]
    [InlineData("""{ "model_type": "gpt2", "activation_function": "silu" }""", "is silu (allowed: gelu_new, gelu_pytorch_tanh, gelu, relu)")]
    [InlineData("""{ "model_type": "gpt2", "attn_pdrop": 0.2 }""", "gpt.json: attn_pdrop    is 0.2, but resid_pdrop is 0.1: one dropout holds for all three")]
    [InlineData("""{ "model_type": "gpt2", "scale_attn_weights": false }""", "gpt.json: scale_attn_weights    is false, which this model cannot do")]
    [InlineData("""{ "model_type": "gpt2", "add_cross_attention": true }""", "gpt.json: add_cross_attention    is true, which this model cannot do")]
    public void A_file_of_anything_else_is_refused(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidOptionsException>(() => Read(json)).Message, StringComparison.Ordinal);

    static GptOptions Read(string json)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["gpt.json"], json);
        return GptOptions.Read(folder["gpt.json"]);
    }
}
