using System.Text.Json;
using System.Text.Json.Serialization;

namespace Raijin.Models;

/// <summary>Reads <see cref="GptOptions"/> from JSON: their own properties, or what Hugging Face keeps beside a GPT-2.</summary>
static class GptConfigFile
{
    static readonly JsonSerializerOptions Own = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    public static GptOptions Read(string path)
    {
        var text = File.ReadAllText(path);
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw Refused(path, $"is a JSON {document.RootElement.ValueKind}, not an object of options");
            var options = document.RootElement.TryGetProperty("model_type", out _)
                ? new HuggingFaceConfig(path, document.RootElement).Read()
                : document.RootElement.Deserialize<GptOptions>(Own)!;
            options.Validate();
            return options;
        }
        catch (JsonException error)
        {
            throw Refused(path, error.Message);
        }
    }

    static InvalidOptionsException Refused(string path, string problem) => new([new OptionFault(path, problem)]);
}

/// <summary>The keys of <c>config.json</c> that shape a GPT-2. Others (token ids, generation, training) are passed over.</summary>
sealed class HuggingFaceConfig(string path, JsonElement root)
{
    readonly List<OptionFault> _faults = [];

    public GptOptions Read()
    {
        if (Text("model_type", "") is not "gpt2" and var type) Fault("model_type", $"is {type}, but only gpt2 is known");
        var options = new GptOptions
        {
            Vocabulary = Number("vocab_size", 50_257),
            Context = Number("n_positions", 1024),
            Layers = Number("n_layer", 12),
            Heads = Number("n_head", 12),
            Width = Number("n_embd", 768),
            MlpWidth = Has("n_inner") ? Number("n_inner", 0) : null,
            Dropout = Real("resid_pdrop", 0.1),
            Epsilon = Real("layer_norm_epsilon", 1e-5),
            TieEmbeddings = Truth("tie_word_embeddings", true),
            Activation = Activation(),
        };
        foreach (var key in (string[])["embd_pdrop", "attn_pdrop"])
            if (Real(key, 0.1) is var other && other != options.Dropout) Fault(key, $"is {other}, but resid_pdrop is {options.Dropout}: one dropout holds for all three");
        Only("scale_attn_weights", true);
        Only("scale_attn_by_inverse_layer_idx", false);
        Only("add_cross_attention", false);
        InvalidOptionsException.ThrowIfAny(_faults);
        return options;
    }

    GptActivation Activation()
    {
        switch (Text("activation_function", "gelu_new"))
        {
            case "gelu_new" or "gelu_pytorch_tanh": return GptActivation.GeluTanh;
            case "gelu": return GptActivation.Gelu;
            case "relu": return GptActivation.Relu;
            case var other:
                Fault("activation_function", $"is {other} (allowed: gelu_new, gelu_pytorch_tanh, gelu, relu)");
                return default;
        }
    }

    void Only(string key, bool allowed)
    {
        if (Truth(key, allowed) != allowed) Fault(key, $"is {(allowed ? "false" : "true")}, which this model cannot do");
    }

    bool Has(string key) => root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null;

    int Number(string key, int missing)
    {
        if (!Has(key)) return missing;
        if (root.GetProperty(key) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number)) return number;
        Fault(key, $"is {root.GetProperty(key)}, not a whole number");
        return missing;
    }

    double Real(string key, double missing)
    {
        if (!Has(key)) return missing;
        if (root.GetProperty(key) is { ValueKind: JsonValueKind.Number } value) return value.GetDouble();
        Fault(key, $"is {root.GetProperty(key)}, not a number");
        return missing;
    }

    bool Truth(string key, bool missing)
    {
        if (!Has(key)) return missing;
        if (root.GetProperty(key) is { ValueKind: JsonValueKind.True or JsonValueKind.False } value) return value.GetBoolean();
        Fault(key, $"is {root.GetProperty(key)}, not true or false");
        return missing;
    }

    string Text(string key, string missing)
    {
        if (!Has(key)) return missing;
        if (root.GetProperty(key) is { ValueKind: JsonValueKind.String } value) return value.GetString()!;
        Fault(key, $"is {root.GetProperty(key)}, not a text");
        return missing;
    }

    void Fault(string key, string message) => _faults.Add(new($"{path}: {key}", message));
}
