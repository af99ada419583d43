// L layers, d width, m MLP width, V vocabulary, T context. Parameters:
//   embeddings     V·d + T·d
//   a block        matrices d → 3d, d → d, d → m, m → d: 4d² + 2dm; their biases 5d + m; two norms of 2d
//   end            a norm, and V·d of the head unless it is tied
// FLOPs of a training step a token: each weight that is multiplied costs two FLOPs forward and four backward; attention's scores and mix cost
// 2·T·d each, the same three times over (Chowdhery et al. 2022, appendix B, arXiv:2204.02311; the causal half is not taken off).

using Raijin.Models;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>The shape of a <see cref="Gpt"/>, with what it costs. Presets are those of GPT-2 (Radford et al. 2019), to be refined with <c>with</c>.</summary>
public sealed record GptOptions
{
    /// <summary>Number of tokens there are.</summary>
    /// <value>Default 50,257, GPT-2's.</value>
    public int Vocabulary { get; init; } = 50_257;

    /// <summary>The longest sequence, in tokens.</summary>
    /// <value>Default 1,024.</value>
    public int Context { get; init; } = 1024;

    /// <summary>Number of blocks.</summary>
    /// <value>Default 12.</value>
    public int Layers { get; init; } = 12;

    /// <summary>Attention heads of a block; they divide <see cref="Width"/>.</summary>
    /// <value>Default 12.</value>
    public int Heads { get; init; } = 12;

    /// <summary>Numbers that describe a token between blocks.</summary>
    /// <value>Default 768.</value>
    public int Width { get; init; } = 768;

    /// <summary>Units of a block's hidden layer; null for four times the width.</summary>
    /// <value>Default null.</value>
    public int? MlpWidth { get; init; }

    /// <summary>Share dropped in training of embeddings, attention weights, and what each block adds.</summary>
    /// <value>Default 0. GPT-2 was trained with 0.1.</value>
    public double Dropout { get; init; }

    /// <summary>Whether linear layers and norms have biases.</summary>
    /// <value>Default true.</value>
    public bool Bias { get; init; } = true;

    /// <summary>Whether logits are products with the token embeddings, so that the head has no weights of its own.</summary>
    /// <value>Default true.</value>
    public bool TieEmbeddings { get; init; } = true;

    /// <summary>Added to the variance in norms.</summary>
    /// <value>Default 1e-5.</value>
    public double Epsilon { get; init; } = 1e-5;

    /// <summary>What lies between the two layers of a block's MLP.</summary>
    /// <value>Default <see cref="GptActivation.GeluTanh"/>.</value>
    public GptActivation Activation { get; init; } = GptActivation.GeluTanh;

    /// <summary>GPT-2 with 124M parameters.</summary>
    public static GptOptions Gpt2Small { get; } = new();

    /// <summary>GPT-2 with 355M parameters.</summary>
    public static GptOptions Gpt2Medium { get; } = new() { Layers = 24, Heads = 16, Width = 1024 };

    /// <summary>GPT-2 with 774M parameters.</summary>
    public static GptOptions Gpt2Large { get; } = new() { Layers = 36, Heads = 20, Width = 1280 };

    /// <summary>GPT-2 with 1,558M parameters.</summary>
    public static GptOptions Gpt2XL { get; } = new() { Layers = 48, Heads = 25, Width = 1600 };

    /// <summary>35,712 parameters over bytes, for tests.</summary>
    public static GptOptions Tiny { get; } = new() { Vocabulary = 256, Context = 64, Layers = 2, Heads = 2, Width = 32 };

    /// <summary>The presets by the names they have on the command line.</summary>
    public static IReadOnlyDictionary<string, GptOptions> Presets { get; } = new OrderedDictionary<string, GptOptions>(StringComparer.Ordinal)
    {
        ["gpt2-small"] = Gpt2Small,
        ["gpt2-medium"] = Gpt2Medium,
        ["gpt2-large"] = Gpt2Large,
        ["gpt2-xl"] = Gpt2XL,
    };

    /// <summary>Parameters of the model; tied ones count once.</summary>
    public long NumParameters => Embeddings + Layers * ((long)BlockMatrices + BlockVectors) + Norm + (TieEmbeddings ? 0 : Head);

    /// <summary>FLOPs of a training step (forward and backward) for each token, in sequences of <see cref="Context"/> tokens.</summary>
    public long FlopsPerToken => 6 * (Layers * BlockMatrices + Head) + 12L * Layers * Context * Width;

    /// <summary>The width of a block's hidden layer.</summary>
    internal int Inner => MlpWidth ?? 4 * Width;

    long Embeddings => ((long)Vocabulary + Context) * Width;

    long Head => (long)Vocabulary * Width;

    long BlockMatrices => 4L * Width * Width + 2L * Width * Inner;

    long BlockVectors => 2 * Norm + (Bias ? 5L * Width + Inner : 0);

    long Norm => Bias ? 2L * Width : Width;

    /// <summary>Bytes of the parameters in <paramref name="dtype"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not a floating type.</exception>
    public long ParameterBytes(ScalarType dtype) => NumParameters * dtype switch
    {
        ScalarType.Float64 => 8,
        ScalarType.Float32 => 4,
        ScalarType.BFloat16 or ScalarType.Float16 => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "Parameters are Float64, Float32, BFloat16 or Float16."),
    };

    /// <summary>Reads options from a JSON file: these properties in camelCase, or Hugging Face's <c>config.json</c> of a GPT-2.</summary>
    /// <exception cref="InvalidOptionsException">It is no such file, or what it asks for can't be; lists every fault.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static GptOptions Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return GptConfigFile.Read(path);
    }

    /// <summary>Refuses options of which no model can be made.</summary>
    /// <exception cref="InvalidOptionsException">Lists every fault.</exception>
    public void Validate()
    {
        var faults = new List<OptionFault>();
        AtLeastOne("vocabulary", Vocabulary);
        AtLeastOne("context", Context);
        AtLeastOne("layers", Layers);
        AtLeastOne("heads", Heads);
        AtLeastOne("width", Width);
        AtLeastOne("mlpWidth", Inner);
        if (Heads > 0 && Width > 0 && Width % Heads != 0) faults.Add(new("gpt.heads", $"{Heads} heads do not divide the width {Width}: {Width} / {Heads} = {(double)Width / Heads:G4}"));
        if (!(Dropout is >= 0 and < 1)) faults.Add(new("gpt.dropout", $"is {Dropout} (allowed: 0 to below 1)"));
        if (!(Epsilon > 0 && double.IsFinite(Epsilon))) faults.Add(new("gpt.epsilon", $"is {Epsilon} (allowed: above 0)"));
        if (!Enum.IsDefined(Activation)) faults.Add(new("gpt.activation", $"is {(int)Activation} (allowed: {string.Join(", ", Enum.GetNames<GptActivation>())})"));
        InvalidOptionsException.ThrowIfAny(faults);

        void AtLeastOne(string name, int value)
        {
            if (value < 1) faults.Add(new($"gpt.{name}", $"is {value} (allowed: 1 and more)"));
        }
    }
}

/// <summary>What lies between the two layers of a GPT's MLP.</summary>
public enum GptActivation : byte
{
    /// <summary>GELU by its tanh formula, as GPT-2 has it (<c>gelu_new</c>).</summary>
    GeluTanh,

    /// <summary>GELU by the error function.</summary>
    Gelu,

    /// <summary>max(0, x).</summary>
    Relu,
}
